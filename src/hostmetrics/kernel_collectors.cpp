// What /proc says of the kernel as a whole: time, memory, load (proc(5); Documentation/filesystems/proc.rst).
#include <array>

#include "base/host_limits.hpp"
#include "hostmetrics/fields.hpp"

namespace telltale::hostmetrics {
namespace {

tl::unexpected<Error> unexpected_text(std::string_view path) {
  return fail(ErrorKind::invalid_argument, std::string(path) + ": not as the kernel documents it");
}

// Of a `cpu` line, in its order; guest time is told apart.
constexpr std::array<std::string_view, 8> kModes = {"user",   "nice", "system",  "idle",
                                                    "iowait", "irq",  "softirq", "steal"};

/// A name as node_exporter spells it: `Active(anon)` is Active_anon.
std::string memory_name(std::string_view field) {
  std::string out = "node_memory_";
  for (const char c : field) {
    if (c == '(') {
      out += '_';
    } else if (c != ')') {
      out += c;
    }
  }
  return out;
}

bool is_vmstat_field(std::string_view name) {
  return name.starts_with("oom_kill") || name.starts_with("pgpg") || name.starts_with("pswp") ||
         (name.starts_with("pg") && name.find("fault") != std::string_view::npos);
}

/// `some avg10=… total=12345` of a file in /proc/pressure, in seconds.
std::optional<double> pressure_total(std::string_view text, std::string_view kind) {
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.empty() || parts[0] != kind || !parts.back().starts_with("total=")) continue;
    if (const auto micros = number(parts.back().substr(6))) return *micros / 1e6;
  }
  return std::nullopt;
}

}  // namespace

Result<> collect_cpu(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/stat"));
  const double ticks = source.ticks_per_second();
  std::size_t found = 0;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.size() < 5 || !parts[0].starts_with("cpu") || parts[0].size() == 3) continue;
    const std::string_view cpu = parts[0].substr(3);
    const auto seconds = [&](std::size_t i) {
      return i < parts.size() ? number(parts[i]).value_or(0) / ticks : 0;
    };
    for (std::size_t i = 0; i < kModes.size(); ++i)
      out.add("node_cpu_seconds_total", seconds(i + 1), {{"cpu", cpu}, {"mode", kModes[i]}});
    out.add("node_cpu_guest_seconds_total", seconds(9), {{"cpu", cpu}, {"mode", "user"}});
    out.add("node_cpu_guest_seconds_total", seconds(10), {{"cpu", cpu}, {"mode", "nice"}});
    ++found;
  }
  if (found == 0) return unexpected_text("/proc/stat");
  return {};
}

Result<> collect_stat(HostSource& source, SampleList& out) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"intr", "node_intr_total"},
      {"ctxt", "node_context_switches_total"},
      {"processes", "node_forks_total"},
      {"btime", "node_boot_time_seconds"},
      {"procs_running", "node_procs_running"},
      {"procs_blocked", "node_procs_blocked"}};
  TT_ASSIGN(const std::string text, source.read("/proc/stat"));
  for (const auto line : lines(text)) {
    const auto parts = words(line.substr(0, 256));  // `intr` goes on with a number an interrupt
    if (parts.size() < 2) continue;
    for (const auto& [field, name] : kFields)
      if (parts[0] == field) out.add(name, number(parts[1]).value_or(0));
  }
  return {};
}

Result<> collect_meminfo(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/meminfo"));
  std::size_t found = 0;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.size() < 2 || !parts[0].ends_with(':') || found >= limits::kMaxHostFields) continue;
    const auto value = number(parts[1]);
    if (!value) return unexpected_text("/proc/meminfo");
    const std::string name = memory_name(parts[0].substr(0, parts[0].size() - 1));
    if (parts.size() > 2 && parts[2] == "kB") {
      out.add(name + "_bytes", *value * 1024);
    } else {
      out.add(name, *value);
    }
    ++found;
  }
  if (found == 0) return unexpected_text("/proc/meminfo");
  return {};
}

Result<> collect_vmstat(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/vmstat"));
  std::size_t found = 0;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.size() != 2 || !is_vmstat_field(parts[0]) || ++found > limits::kMaxHostFields) continue;
    out.add("node_vmstat_" + std::string(parts[0]), number(parts[1]).value_or(0));
  }
  return {};
}

Result<> collect_loadavg(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/loadavg"));
  const auto parts = words(text);
  if (parts.size() < 3) return unexpected_text("/proc/loadavg");
  constexpr std::string_view kNames[] = {"node_load1", "node_load5", "node_load15"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    const auto value = number(parts[i]);
    if (!value) return unexpected_text("/proc/loadavg");
    out.add(kNames[i], *value);
  }
  return {};
}

Result<> collect_pressure(HostSource& source, SampleList& out) {
  // `full` of the CPU means nothing for the whole system (Documentation/accounting/psi.rst).
  TT_ASSIGN(const std::string cpu, source.read("/proc/pressure/cpu"));
  TT_ASSIGN(const std::string io, source.read("/proc/pressure/io"));
  TT_ASSIGN(const std::string memory, source.read("/proc/pressure/memory"));
  const std::tuple<std::string_view, const std::string*, std::string_view> kRows[] = {
      {"node_pressure_cpu_waiting_seconds_total", &cpu, "some"},
      {"node_pressure_io_waiting_seconds_total", &io, "some"},
      {"node_pressure_io_stalled_seconds_total", &io, "full"},
      {"node_pressure_memory_waiting_seconds_total", &memory, "some"},
      {"node_pressure_memory_stalled_seconds_total", &memory, "full"}};
  for (const auto& [name, text, kind] : kRows)
    if (const auto seconds = pressure_total(*text, kind)) out.add(name, *seconds);
  return {};
}

Result<> collect_filefd(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/sys/fs/file-nr"));
  const auto lines_of = lines(text);
  const auto parts = words(lines_of.empty() ? std::string_view() : lines_of[0]);
  if (parts.size() != 3) return unexpected_text("/proc/sys/fs/file-nr");
  out.add("node_filefd_allocated", number(parts[0]).value_or(0));
  out.add("node_filefd_maximum", number(parts[2]).value_or(0));
  return {};
}

Result<> collect_sockstat(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/net/sockstat"));
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.empty() || !parts[0].ends_with(':')) continue;
    const std::string protocol(parts[0].substr(0, parts[0].size() - 1));
    for (std::size_t i = 1; i + 1 < parts.size(); i += 2) {
      const double value = number(parts[i + 1]).value_or(0);
      out.add("node_sockstat_" + protocol + '_' + std::string(parts[i]), value);
      // The kernel counts pages here.
      if (parts[i] == "mem") out.add("node_sockstat_" + protocol + "_mem_bytes", value * 4096);
    }
  }
  return {};
}

Result<> collect_uname(HostSource& source, SampleList& out) {
  const SystemName n = source.name();
  if (n.system.empty()) return fail(ErrorKind::unavailable, "uname");
  out.add("node_uname_info", 1,
          {{"sysname", n.system},
           {"release", n.release},
           {"version", n.version},
           {"machine", n.machine},
           {"nodename", n.node},
           {"domainname", n.domain}});
  return {};
}

}  // namespace telltale::hostmetrics
