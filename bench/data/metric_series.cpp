#include "metric_series.hpp"

#include <cstring>

#include "pieces.hpp"

namespace bench {
namespace {

enum Kind : unsigned { kSeconds, kEvents, kSlow, kPages, kDecimals, kBucket, kConstant };

constexpr std::int64_t kChurnMs = 600'000;
constexpr std::int64_t kChurnParts = 20;

Kind kind_of(std::size_t i) {
  if (i < 30) return kSeconds;
  if (i < 50) return kEvents;
  if (i < 60) return kSlow;
  if (i < 70) return kPages;
  if (i < 80) return kDecimals;
  if (i < 92) return kBucket;
  return kConstant;
}

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

/// One Label message with its tag in front; names and values are shorter than 120 bytes.
void put_label(std::string& out, const std::string& name, const std::string& value) {
  out += '\x0a';
  put_varint(out, name.size() + value.size() + 4);
  out += '\x0a';
  put_varint(out, name.size());
  out += name;
  out += '\x12';
  put_varint(out, value.size());
  out += value;
}

std::string padded(std::uint64_t n, int width) {
  std::string out;
  put_padded(out, n, width);
  return out;
}

/// How often series `s` has been replaced up to the churn period `c`.
std::int64_t generation(std::size_t s, std::int64_t c) {
  return (c + static_cast<std::int64_t>(s % kChurnParts)) / kChurnParts;
}

}  // namespace

MetricSeries::MetricSeries(const MetricOptions& options) : options_(options) {
  make_metrics();
  make_hosts();
  states_.assign(options_.hosts * kSeriesPerHost, 0);
  Random random(options_.seed * 31 + 7);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Kind kind = kind_of(i % kSeriesPerHost);
    if (kind == kConstant) states_[i] = static_cast<double>(random.below(1'000'000));
    if (kind == kPages || kind == kDecimals) states_[i] = static_cast<double>(random.below(4'000'000));
  }
}

// Names of labels are in their order: before `instance`, between `job` and `region`, and behind.
void MetricSeries::make_metrics() {
  static constexpr const char* kUnits[] = {"seconds_total", "packets_total", "errors_total", "bytes",
                                           "ratio",         "bucket",        "info"};
  static constexpr const char* kDevices[] = {"nvme0n1", "nvme1n1", "eth0", "eth1", "md0"};
  for (std::size_t i = 0; i < kSeriesPerHost; ++i) {
    Metric& m = metrics_[i];
    m.kind = kind_of(i);
    const std::size_t family = m.kind == kBucket ? 80 : i / 3;
    put_label(m.before, "__name__", "node_" + padded(family, 2) + "_" + kUnits[m.kind]);
    put_label(m.before, "cluster", "c1");
    if (i % 3 == 1 || m.kind == kBucket) put_label(m.before, "device", kDevices[i % 5]);
    if (m.kind == kBucket) {
      put_label(m.after, "le", i == 91 ? "+Inf" : "0." + padded(1u << (i - 80), 4));
    } else if (i % 3 == 2) {
      put_label(m.after, "mode", "m" + padded(i, 2));
    } else if (i % 3 == 1) {
      put_label(m.after, "path", "/srv/volumes/" + padded(i, 2));
    }
  }
}

void MetricSeries::make_hosts() {
  Random random(options_.seed);
  for (std::size_t h = 0; h < options_.hosts; ++h) {
    Host& host = hosts_.emplace_back();
    put_label(host.middle, "instance", "host-" + padded(h, 6) + ".example:9100");
    put_label(host.middle, "job", "node");
    put_label(host.tail, "region", "region-" + std::to_string(h % 4));
    put_label(host.tail, "zone", "z" + std::to_string(h % 12));
    host.offset_ms = static_cast<std::int64_t>(random.below(1000));
  }
}

double MetricSeries::advance(std::size_t metric, double& state, std::uint64_t draw) const {
  switch (metrics_[metric].kind) {
    case kSeconds:
      state += static_cast<double>(draw % 15'000) / 1000 + static_cast<double>(draw % 997) * 1e-9;
      break;
    case kEvents:
      state += static_cast<double>(draw % 2'000);
      break;
    case kSlow:
      if (draw % 40 == 0) state += static_cast<double>(1 + draw % 3);
      break;
    case kPages:
      state += static_cast<double>(static_cast<std::int64_t>(draw % 201) - 100);
      return state * 4096;
    case kDecimals:
      state += static_cast<double>(static_cast<std::int64_t>(draw % 401) - 200);
      return static_cast<double>(static_cast<std::int64_t>(state)) / 100;
    default:
      break;
  }
  return state;
}

void MetricSeries::put_series(std::string& request, const Host& host, std::size_t series, double value,
                              std::int64_t ms) {
  const Metric& metric = metrics_[series % kSeriesPerHost];
  labels_.assign(metric.before).append(host.middle).append(metric.after);
  if (options_.churn)
    put_label(labels_, "pod", "p-" + std::to_string(generation(series, (ms - options_.start_ms) / kChurnMs)));
  labels_.append(host.tail);
  std::string time;
  put_varint(time, static_cast<std::uint64_t>(ms));
  const std::size_t sample = 1 + 8 + 1 + time.size();
  request += '\x0a';
  put_varint(request, labels_.size() + 2 + sample);
  request += labels_;
  request += '\x12';
  put_varint(request, sample);
  request += '\x09';
  char bytes[8];
  std::memcpy(bytes, &value, 8);
  request.append(bytes, 8);
  request += '\x10';
  request += time;
}

bool MetricSeries::next(std::string& request) {
  if (step_ * kScrapeMs >= options_.span_ms) return false;
  const Host& host = hosts_[host_];
  const std::int64_t ms = options_.start_ms + step_ * kScrapeMs + host.offset_ms;
  const std::int64_t period = step_ * kScrapeMs / kChurnMs;
  const bool new_period = options_.churn && step_ > 0 && (step_ - 1) * kScrapeMs / kChurnMs != period;
  Random random(options_.seed ^ (static_cast<std::uint64_t>(step_) << 32) ^ (host_ * 0x9E3779B97F4A7C15U));
  double observed = 0;
  for (std::size_t i = 0; i < kSeriesPerHost; ++i) {
    const std::size_t series = host_ * kSeriesPerHost + i;
    const std::uint64_t draw = random.next() >> 16;
    if (new_period && generation(series, period) != generation(series, period - 1)) states_[series] = 0;
    // A bucket holds what the ones below it do and more.
    if (metrics_[i].kind == kBucket) states_[series] += observed += static_cast<double>(draw % 30);
    put_series(request, host, series, advance(i, states_[series], draw), ms);
  }
  samples_ += kSeriesPerHost;
  if (++host_ == hosts_.size()) {
    host_ = 0;
    ++step_;
  }
  return true;
}

}  // namespace bench
