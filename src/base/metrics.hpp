// What the server says of itself. A component asks the registry for its counters once, at construction, and
// updates them without locks; `/metrics` renders the whole registry in the Prometheus text format 0.0.4.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.hpp"

namespace telltale {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double d) { value_.fetch_add(d, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Seconds in buckets that double from 100 µs to about 52 s.
class LatencyHistogram {
 public:
  static constexpr int kBuckets = 20;
  static double upper_bound_s(int bucket);
  void observe(double seconds);
  std::uint64_t count() const;
  double sum_s() const { return sum_.load(std::memory_order_relaxed); }
  std::uint64_t bucket(int i) const { return buckets_[i].load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> buckets_[kBuckets + 1] = {};
  std::atomic<double> sum_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Thread-safe. Metrics live as long as the registry; asking twice for the same name and labels gives the
/// same one.
class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();

  Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  LatencyHistogram& histogram(std::string_view name, std::string_view help, MetricLabels labels = {});
  /// A gauge read when rendered, for sizes that are cheaper to ask for than to keep.
  void gauge_fn(std::string_view name, std::string_view help, MetricLabels labels,
                std::function<double()> read);

  /// Prometheus text format 0.0.4, families sorted by name.
  std::string render() const;

 private:
  struct Family;
  Family& family(std::string_view name, std::string_view help, std::string_view type) TT_REQUIRES(mutex_);
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale
