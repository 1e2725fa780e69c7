#include "api/prometheus/answer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "promql/native_histogram.hpp"

namespace telltale::api {
namespace {

std::string_view prometheus_error_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::too_large:
      return "bad_data";
    case ErrorKind::unauthenticated:
    case ErrorKind::permission_denied:
      return "unauthorized";
    case ErrorKind::execution:
    case ErrorKind::resource_exhausted:
      return "execution";
    case ErrorKind::deadline_exceeded:
      return "timeout";
    case ErrorKind::cancelled:
      return "canceled";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::unavailable:
      return "unavailable";
    default:
      return "internal";
  }
}

void write_histogram(JsonWriter& w, const Histogram& h) {
  w.begin_object();
  w.field("count", promql::format_value(h.count)).field("sum", promql::format_value(h.sum));
  bool any = false;
  for (const HistogramBucket& b : promql::buckets_in_order(h)) {
    if (b.count == 0) continue;
    if (!any) w.key("buckets").begin_array();
    any = true;
    const int bounds = b.lower_inclusive ? (b.upper_inclusive ? 3 : 1) : (b.upper_inclusive ? 0 : 2);
    w.begin_array().integer(bounds);
    for (const double v : {b.lower, b.upper, b.count}) w.string(promql::format_value(v));
    w.end_array();
  }
  if (any) w.end_array();
  w.end_object();
}

void write_histogram_sample(JsonWriter& w, UnixMillis time, const Histogram& h) {
  w.begin_array();
  write_time(w, time);
  write_histogram(w, h);
  w.end_array();
}

}  // namespace

void write_time(JsonWriter& w, UnixMillis t) {
  const bool before_1970 = t.ms < 0;
  const auto ms = before_1970 ? 0 - static_cast<std::uint64_t>(t.ms) : static_cast<std::uint64_t>(t.ms);
  std::string text = before_1970 ? "-" : "";
  text += std::to_string(ms / 1000);
  const std::uint64_t rest = ms % 1000;
  const char digits[] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                         static_cast<char>('0' + rest % 10)};
  w.raw(text.append(digits, sizeof digits));
}

net::HttpResponse prometheus_error(const Error& error) {
  JsonWriter w;
  w.begin_object().field("status", "error").field("errorType", prometheus_error_type(error.kind()));
  w.field("error", error.message()).end_object();
  // A query over its budget cannot succeed by trying again, so it is an execution error here.
  const int status = error.kind() == ErrorKind::resource_exhausted ? 422 : net::http_status(error.kind());
  auto response = net::HttpResponse::json(w.take(), status);
  add_error_headers(response);
  return response;
}

void add_prometheus_route(net::Router& router, const Services& services, const char* methods,
                          const char* path, const char* name, PrometheusHandler handler) {
  net::RouteOptions options;
  options.name = name;
  options.work = services.query_limits;
  router.add(
      methods, path,
      [&services, handler = std::move(handler)](const net::HttpRequest& r, WorkContext& c) {
        auto answer = handler(services, r, c);
        return answer ? *std::move(answer) : prometheus_error(answer.error());
      },
      options);
}

void add_prometheus_json_route(net::Router& router, const Services& services, const char* methods,
                               const char* path, const char* name, PrometheusJsonHandler handler) {
  add_prometheus_route(router, services, methods, path, name,
                       [handler = std::move(handler)](const Services& s, const net::HttpRequest& r,
                                                      WorkContext& c) -> Result<net::HttpResponse> {
                         TT_ASSIGN(auto body, handler(s, r, c));
                         return net::HttpResponse::json(std::move(body));
                       });
}

void write_sample(JsonWriter& w, const promql::ResultPoint& s) {
  w.begin_array();
  write_time(w, s.time);
  w.string(promql::format_value(s.value)).end_array();
}

void write_series_samples(JsonWriter& w, const promql::ResultSeries& series, bool instant) {
  const auto& samples = series.samples;
  if (instant) {
    const Histogram* h = series.histogram(0).get();
    w.key(h != nullptr ? "histogram" : "value");
    h != nullptr ? write_histogram_sample(w, samples[0].time, *h) : write_sample(w, samples[0]);
    return;
  }
  const auto& all = series.histograms;
  const auto floats = static_cast<std::size_t>(std::count(all.begin(), all.end(), nullptr));
  if (all.empty() || floats > 0) {
    w.key("values").begin_array();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (series.histogram(i) == nullptr) write_sample(w, samples[i]);
    }
    w.end_array();
  }
  if (floats == all.size()) return;
  w.key("histograms").begin_array();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (series.histogram(i) != nullptr) write_histogram_sample(w, samples[i].time, *series.histogram(i));
  }
  w.end_array();
}

void write_stats(JsonWriter& w, const promql::QueryStats& stats) {
  const auto seconds = [&](std::string_view name, Nanos time) {
    w.key(name).raw(fmt::format("{:.9f}", std::chrono::duration<double>(time).count()));
  };
  w.key("stats").begin_object().key("timings").begin_object();
  seconds("evalTotalTime", stats.preparing + stats.evaluating + stats.sorting);
  seconds("resultSortTime", stats.sorting);
  seconds("queryPreparationTime", stats.preparing);
  seconds("innerEvalTime", stats.evaluating);
  seconds("execTotalTime", stats.preparing + stats.evaluating + stats.sorting);
  w.end_object().key("samples").begin_object();
  w.field("totalQueryableSamples", stats.queryable).field("peakSamples", stats.peak);
  w.field("seriesRead", stats.series_read).field("samplesRead", stats.samples_read);
  w.end_object().end_object();
}

void write_labels(JsonWriter& w, const Labels& labels) {
  w.begin_object();
  for (const auto& label : labels) w.field(label.name, label.value);
  w.end_object();
}

}  // namespace telltale::api
