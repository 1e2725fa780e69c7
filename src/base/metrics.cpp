#include "base/metrics.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/check.hpp"

namespace telltale {
namespace {

std::string escape_label(std::string_view v) {
  std::string out;
  for (const char c : v) {
    if (c == '\\' || c == '"') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string label_text(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"").append(escape_label(value)).append("\"");
  }
  return out;
}

void put_sample(std::string& out, std::string_view name, std::string_view labels, double value) {
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  if (value == std::floor(value) && std::fabs(value) < 1e15) {
    out.append(fmt::format(" {}\n", static_cast<std::int64_t>(value)));
  } else {
    out.append(fmt::format(" {}\n", value));
  }
}

}  // namespace

double LatencyHistogram::upper_bound_s(int bucket) { return 1e-4 * std::ldexp(1.0, bucket); }

void LatencyHistogram::observe(double seconds) {
  int i = 0;
  while (i < kBuckets && seconds > upper_bound_s(i)) ++i;
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(seconds, std::memory_order_relaxed);
}

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t n = 0;
  for (const auto& b : buckets_) n += b.load(std::memory_order_relaxed);
  return n;
}

struct MetricsRegistry::Family {
  std::string help;
  std::string type;
  // Keyed by the rendered labels; exactly one of the maps is used, by type.
  std::map<std::string, std::unique_ptr<Counter>> counters;
  std::map<std::string, std::unique_ptr<Gauge>> gauges;
  std::map<std::string, std::unique_ptr<LatencyHistogram>> histograms;
  std::map<std::string, std::function<double()>> functions;
};

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help,
                                                 std::string_view type) {
  auto it = families_.find(name);
  if (it == families_.end()) {
    it = families_.emplace(std::string(name), std::make_unique<Family>()).first;
    it->second->help = help;
    it->second->type = type;
  }
  TT_CHECK(it->second->type == type);
  return *it->second;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  const MutexLock lock(mutex_);
  auto& slot = family(name, help, "counter").counters[label_text(labels)];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  const MutexLock lock(mutex_);
  auto& slot = family(name, help, "gauge").gauges[label_text(labels)];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

LatencyHistogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                             MetricLabels labels) {
  const MutexLock lock(mutex_);
  auto& slot = family(name, help, "histogram").histograms[label_text(labels)];
  if (!slot) slot = std::make_unique<LatencyHistogram>();
  return *slot;
}

void MetricsRegistry::gauge_fn(std::string_view name, std::string_view help, MetricLabels labels,
                               std::function<double()> read) {
  const MutexLock lock(mutex_);
  family(name, help, "gauge").functions[label_text(labels)] = std::move(read);
}

std::string MetricsRegistry::render() const {
  const MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, f] : families_) {
    out.append(fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, f->help, name, f->type));
    for (const auto& [labels, c] : f->counters)
      put_sample(out, name, labels, static_cast<double>(c->value()));
    for (const auto& [labels, g] : f->gauges) put_sample(out, name, labels, g->value());
    for (const auto& [labels, read] : f->functions) put_sample(out, name, labels, read());
    for (const auto& [labels, h] : f->histograms) {
      const std::string prefix = labels.empty() ? "" : labels + ",";
      std::uint64_t cumulative = 0;
      for (int i = 0; i < LatencyHistogram::kBuckets; ++i) {
        cumulative += h->bucket(i);
        put_sample(out, name + "_bucket",
                   fmt::format("{}le=\"{}\"", prefix, LatencyHistogram::upper_bound_s(i)),
                   static_cast<double>(cumulative));
      }
      cumulative += h->bucket(LatencyHistogram::kBuckets);
      put_sample(out, name + "_bucket", prefix + "le=\"+Inf\"", static_cast<double>(cumulative));
      put_sample(out, name + "_sum", labels, h->sum_s());
      put_sample(out, name + "_count", labels, static_cast<double>(cumulative));
    }
  }
  return out;
}

}  // namespace telltale
