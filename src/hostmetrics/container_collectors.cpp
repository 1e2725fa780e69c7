// Control groups under cAdvisor's names. Version 2 has one tree (Documentation/admin-guide/cgroup-v2.rst),
// version 1 a tree for each controller (cgroup-v1/). A group is told by its path (`id`); a container
// runtime's group has the container's short id as `name`. The runtime itself is not asked.
#include <algorithm>
#include <map>

#include "base/host_limits.hpp"
#include "hostmetrics/fields.hpp"

namespace telltale::hostmetrics {
namespace {

constexpr std::string_view kRoot = "/sys/fs/cgroup";
constexpr double kNanosecond = 1e-9;
constexpr double kMicrosecond = 1e-6;
constexpr std::size_t kShortId = 12;  // hex digits, as container runtimes print it
constexpr std::size_t kLeastContainerId = 32;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// `docker-<64 hex>.scope`, `cri-containerd-<hex>.scope`, `libpod-<hex>`, or the bare hex below `docker/`.
std::string container_name(std::string_view group) {
  std::string_view last = group.substr(group.rfind('/') + 1);
  if (last.ends_with(".scope")) last.remove_suffix(6);
  const std::string_view id = last.substr(last.rfind('-') + 1);
  if (id.size() < kLeastContainerId || !is_hex(id)) return {};
  return std::string(id.substr(0, kShortId));
}

using Fields = std::map<std::string, double, std::less<>>;

/// `name value` a line; empty when the file is not there.
Fields read_fields(HostSource& source, const std::string& path) {
  Fields out;
  const auto text = source.read(path);
  if (!text) return out;
  for (const auto line : lines(*text)) {
    const auto parts = words(line);
    if (parts.size() != 2 || out.size() >= limits::kMaxHostFields) continue;
    if (const auto value = number(parts[1])) out.emplace(parts[0], *value);
  }
  return out;
}

std::optional<double> read_number(HostSource& source, const std::string& path) {
  const auto text = source.read(path);
  if (!text) return std::nullopt;
  const auto parts = words(std::string_view(*text).substr(0, text->find('\n')));
  return parts.empty() ? std::nullopt : number(parts[0]);
}

double field(const Fields& fields, std::string_view name) {
  const auto it = fields.find(name);
  return it == fields.end() ? 0 : it->second;
}

/// The samples of one group.
class GroupWriter {
 public:
  GroupWriter(SampleList& out, std::string id) : out_(out), id_(std::move(id)), name_(container_name(id_)) {}
  void add(std::string_view metric, double value) { out_.add(metric, value, {{"id", id_}, {"name", name_}}); }
  void add(std::string_view metric, double value, std::string_view label, std::string_view text) {
    out_.add(metric, value, {{"id", id_}, {"name", name_}, {label, text}});
  }
  void add_memory(double usage, double inactive_file, double rss, double cache, double swap) {
    add("container_memory_usage_bytes", usage);
    // What the kernel can take back at once does not count.
    add("container_memory_working_set_bytes", std::max(usage - inactive_file, 0.0));
    add("container_memory_rss", rss);
    add("container_memory_cache", cache);
    add("container_memory_swap", swap);
  }
  void add_throttling(double periods, double throttled, double throttled_seconds) {
    add("container_cpu_cfs_periods_total", periods);
    add("container_cpu_cfs_throttled_periods_total", throttled);
    add("container_cpu_cfs_throttled_seconds_total", throttled_seconds);
  }

 private:
  SampleList& out_;
  const std::string id_;
  const std::string name_;
};

/// Paths of the groups below `top`, "/" first, breadth first and bounded.
std::vector<std::string> groups_of(HostSource& source, const std::string& top) {
  std::vector<std::string> out = {"/"};
  std::size_t level_end = 1;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < out.size() && depth < limits::kMaxControlGroupDepth; ++at) {
    if (at == level_end) {
      level_end = out.size();
      if (++depth == limits::kMaxControlGroupDepth) break;
    }
    const std::string base = out[at] == "/" ? "" : out[at];
    const auto folders = source.folders(top + base);
    if (!folders) continue;  // it went meanwhile
    for (const std::string& name : *folders) {
      if (out.size() >= limits::kMaxControlGroups) return out;
      out.push_back(base + '/' + name);
    }
  }
  return out;
}

void measure_io_v2(HostSource& source, const std::string& folder, GroupWriter& group) {
  const auto text = source.read(folder + "/io.stat");
  if (!text) return;
  double read = 0;
  double written = 0;
  for (const auto line : lines(*text)) {
    for (const auto word : words(line)) {
      if (word.starts_with("rbytes=")) read += number(word.substr(7)).value_or(0);
      if (word.starts_with("wbytes=")) written += number(word.substr(7)).value_or(0);
    }
  }
  group.add("container_fs_reads_bytes_total", read);
  group.add("container_fs_writes_bytes_total", written);
}

void measure_group_v2(HostSource& source, const std::string& id, SampleList& out, double now) {
  const std::string folder = std::string(kRoot) + (id == "/" ? "" : id);
  GroupWriter group(out, id);
  const Fields cpu = read_fields(source, folder + "/cpu.stat");
  if (cpu.empty()) return;
  group.add("container_last_seen", now);
  group.add("container_cpu_usage_seconds_total", field(cpu, "usage_usec") * kMicrosecond, "cpu", "total");
  group.add("container_cpu_user_seconds_total", field(cpu, "user_usec") * kMicrosecond);
  group.add("container_cpu_system_seconds_total", field(cpu, "system_usec") * kMicrosecond);
  if (cpu.count("nr_periods") > 0)
    group.add_throttling(field(cpu, "nr_periods"), field(cpu, "nr_throttled"),
                         field(cpu, "throttled_usec") * kMicrosecond);
  if (const auto usage = read_number(source, folder + "/memory.current")) {
    const Fields memory = read_fields(source, folder + "/memory.stat");
    group.add_memory(*usage, field(memory, "inactive_file"), field(memory, "anon"), field(memory, "file"),
                     read_number(source, folder + "/memory.swap.current").value_or(0));
    // `max` is no number: no limit, which cAdvisor writes as 0.
    group.add("container_spec_memory_limit_bytes", read_number(source, folder + "/memory.max").value_or(0));
    if (const Fields events = read_fields(source, folder + "/memory.events"); !events.empty())
      group.add("container_oom_events_total", field(events, "oom_kill"));
  }
  if (const auto text = source.read(folder + "/cpu.max")) {
    const auto parts = words(std::string_view(*text).substr(0, text->find('\n')));
    if (parts.size() == 2 && number(parts[0])) {
      group.add("container_spec_cpu_quota", *number(parts[0]));
      group.add("container_spec_cpu_period", number(parts[1]).value_or(0));
    }
  }
  measure_io_v2(source, folder, group);
  if (const auto processes = read_number(source, folder + "/pids.current"))
    group.add("container_threads", *processes);  // the pids controller counts threads
}

void measure_group_v1(HostSource& source, const std::string& id, SampleList& out, double now) {
  const std::string path = id == "/" ? "" : id;
  const auto file = [&path](std::string_view controller, std::string_view name) {
    return std::string(kRoot) + '/' + std::string(controller) + path + '/' + std::string(name);
  };
  const auto usage = read_number(source, file("cpuacct", "cpuacct.usage"));
  if (!usage) return;
  GroupWriter group(out, id);
  group.add("container_last_seen", now);
  group.add("container_cpu_usage_seconds_total", *usage * kNanosecond, "cpu", "total");
  const Fields times = read_fields(source, file("cpuacct", "cpuacct.stat"));
  const double ticks = source.ticks_per_second();
  group.add("container_cpu_user_seconds_total", field(times, "user") / ticks);
  group.add("container_cpu_system_seconds_total", field(times, "system") / ticks);
  if (const Fields cpu = read_fields(source, file("cpu", "cpu.stat")); cpu.count("nr_periods") > 0)
    group.add_throttling(field(cpu, "nr_periods"), field(cpu, "nr_throttled"),
                         field(cpu, "throttled_time") * kNanosecond);
  const auto quota = read_number(source, file("cpu", "cpu.cfs_quota_us"));
  if (quota && *quota > 0) {
    group.add("container_spec_cpu_quota", *quota);
    group.add("container_spec_cpu_period", read_number(source, file("cpu", "cpu.cfs_period_us")).value_or(0));
  }
  if (const auto memory = read_number(source, file("memory", "memory.usage_in_bytes"))) {
    const Fields stat = read_fields(source, file("memory", "memory.stat"));
    group.add_memory(*memory, field(stat, "total_inactive_file"), field(stat, "total_rss"),
                     field(stat, "total_cache"), field(stat, "total_swap"));
    // Near 2^63 means no limit, which cAdvisor writes as 0.
    const double limit = read_number(source, file("memory", "memory.limit_in_bytes")).value_or(0);
    group.add("container_spec_memory_limit_bytes", limit >= 9e18 ? 0 : limit);
  }
}

}  // namespace

Result<HostSamples> measure_containers(HostSource& source, const Clock& clock) {
  SampleList out;
  const double now = static_cast<double>(clock.now().ns / 1'000'000'000);
  const std::string root(kRoot);
  if (source.read(root + "/cgroup.controllers")) {
    for (const std::string& id : groups_of(source, root)) measure_group_v2(source, id, out, now);
  } else if (source.read(root + "/cpuacct/cpuacct.usage")) {
    for (const std::string& id : groups_of(source, root + "/cpuacct")) measure_group_v1(source, id, out, now);
  } else {
    return fail(ErrorKind::unavailable, root + ": no control groups are mounted here");
  }
  return out.take();
}

}  // namespace telltale::hostmetrics
