#include "hostmetrics/collector.hpp"

#include <charconv>

#include "hostmetrics/fields.hpp"

namespace telltale::hostmetrics {
namespace {

struct Collector {
  std::string_view name;
  Result<> (*collect)(HostSource&, SampleList&);
};

// By node_exporter's names of them.
constexpr Collector kCollectors[] = {
    {"cpu", collect_cpu},
    {"stat", collect_stat},
    {"meminfo", collect_meminfo},
    {"vmstat", collect_vmstat},
    {"loadavg", collect_loadavg},
    {"pressure", collect_pressure},
    {"filefd", collect_filefd},
    {"sockstat", collect_sockstat},
    {"uname", collect_uname},
    {"diskstats", collect_diskstats},
    {"filesystem", collect_filesystem},
    {"netdev", collect_netdev},
};

}  // namespace

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::optional<double> number(std::string_view word) {
  double value = 0;
  const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || ec != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

void SampleList::add(std::string_view name, double value,
                     std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::vector<Label> list;
  list.reserve(labels.size() + 1);
  list.push_back({std::string(kMetricName), std::string(name)});
  for (const auto& [key, text] : labels) list.push_back({std::string(key), std::string(text)});
  samples_.emplace_back(Labels(std::move(list)), value);
}

HostSamples measure_host(HostSource& source, const Clock& clock) {
  SampleList out;
  const auto report = [&out](std::string_view collector, bool success, Nanos took) {
    out.add("node_scrape_collector_success", success ? 1 : 0, {{"collector", collector}});
    out.add("node_scrape_collector_duration_seconds", std::chrono::duration<double>(took).count(),
            {{"collector", collector}});
  };
  for (const Collector& collector : kCollectors) {
    const Nanos start = clock.steady();
    const bool done = collector.collect(source, out).has_value();
    report(collector.name, done, clock.steady() - start);
  }
  out.add("node_time_seconds", static_cast<double>(clock.now().ns) / 1e9);
  report("time", true, Nanos(0));
  return out.take();
}

}  // namespace telltale::hostmetrics
