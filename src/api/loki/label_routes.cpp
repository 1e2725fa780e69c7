// Labels, their values and combinations, and how much there is: what a label browser and the first page of a
// drill-down ask.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "api/loki/encode.hpp"
#include "api/loki/params.hpp"
#include "api/loki/routes.hpp"
#include "base/limits.hpp"
#include "logs/label_search.hpp"

namespace telltale::api::loki {
namespace {

constexpr std::size_t kDefaultVolumes = 100;
constexpr Nanos kVolumeSince = std::chrono::hours(1);
constexpr Nanos kLabelsSince = std::chrono::hours(6);

Result<logs::LabelQuery> label_query(const Services& services, const net::HttpRequest& request,
                                     std::string_view selector, Nanos since = kLabelsSince) {
  logs::LabelQuery query;
  TT_ASSIGN(query.projects, projects_param(services, request));
  TT_ASSIGN(const auto window, window_param(services, request, since));
  query.range = window.range();
  TT_ASSIGN(query.filter, counting_filter(selector));
  return query;
}

Result<logs::LabelQuery> label_query(const Services& services, const net::HttpRequest& request,
                                     Nanos since = kLabelsSince) {
  return label_query(services, request, request.param("query").value_or(""), since);
}

Result<std::string> labels(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto query, label_query(services, request));
  TT_ASSIGN(const auto names, logs::label_names(services.events, query, context));
  return list_answer(names);
}

Result<std::string> values(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto query, label_query(services, request));
  const std::string& name = request.path_params.find("name")->second;
  TT_ASSIGN(const auto found, logs::label_values(services.events, query, name, context));
  return list_answer(found);
}

Result<std::string> series(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  std::vector<std::string_view> selectors = request.params("match[]");
  for (const auto more : request.params("match")) selectors.push_back(more);
  if (selectors.empty()) selectors.emplace_back("{}");
  std::set<logs::LabelSet> sets;
  for (const auto selector : selectors) {
    TT_ASSIGN(const auto query, label_query(services, request, selector));
    TT_ASSIGN(const auto found, logs::label_sets(services.events, query, context));
    sets.insert(found.begin(), found.end());
  }
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_array();
  for (const auto& set : sets) {
    w.begin_object();
    for (const auto& [name, value] : set) w.field(name, value);
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

Result<std::string> stats(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto query, label_query(services, request, kVolumeSince));
  TT_ASSIGN(const auto found, logs::amount(services.events, query, context));
  JsonWriter w;
  w.begin_object().field("streams", found.streams);
  // Blocks that rows of this number fill: what stands for chunks here.
  w.field("chunks", std::uint64_t{(found.rows + limits::kEventBlockRows - 1) / limits::kEventBlockRows});
  w.field("bytes", found.bytes).field("entries", found.rows).end_object();
  return w.take();
}

Result<std::vector<std::string>> target_labels(const net::HttpRequest& request) {
  std::vector<std::string> names;
  std::string_view rest = request.param("targetLabels").value_or("");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (names.empty()) {
    TT_ASSIGN(const auto matchers, logql::parse_matchers(request.param("query").value_or("")));
    for (const auto& matcher : matchers) names.push_back(matcher.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > limits::kMaxGroupFields) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("targetLabels: at most {}", limits::kMaxGroupFields));
  }
  return names;
}

using BucketBytes = std::vector<std::pair<UnixNanos, std::uint64_t>>;
struct NamedVolume {
  std::vector<std::pair<std::string, std::string>> metric;
  BucketBytes bytes;
  std::uint64_t total = 0;
};

/// Volumes of each combination of label values.
Result<std::vector<NamedVolume>> volumes_by_series(const Services& services, const net::HttpRequest& request,
                                                   logs::VolumeQuery query, WorkContext& context) {
  TT_ASSIGN(query.labels, target_labels(request));
  TT_ASSIGN(const auto found, logs::volumes(services.events, query, context));
  std::vector<NamedVolume> out;
  for (const auto& volume : found) {
    NamedVolume named;
    for (std::size_t i = 0; i < query.labels.size(); ++i) {
      if (!volume.values[i].empty()) named.metric.emplace_back(query.labels[i], volume.values[i]);
    }
    named.bytes = volume.bytes;
    named.total = volume.total;
    out.push_back(std::move(named));
  }
  return out;
}

/// Volumes of the rows that have a label, whatever its value.
Result<std::vector<NamedVolume>> volumes_by_label(const Services& services, const net::HttpRequest& request,
                                                  logs::VolumeQuery query, WorkContext& context) {
  std::vector<std::string> names;
  if (!request.param("targetLabels").value_or("").empty()) {
    TT_ASSIGN(names, target_labels(request));
  } else {
    TT_ASSIGN(names, logs::label_names(services.events, query, context));
  }
  std::vector<NamedVolume> out;
  for (const auto& name : names) {
    query.labels = {name};
    TT_ASSIGN(const auto found, logs::volumes(services.events, query, context));
    std::map<UnixNanos, std::uint64_t> sums;
    NamedVolume named{{{name, ""}}, {}, 0};
    for (const auto& volume : found) {
      for (const auto& [bucket, bytes] : volume.bytes) sums[bucket] += bytes;
      named.total += volume.total;
    }
    named.bytes.assign(sums.begin(), sums.end());
    if (named.total != 0) out.push_back(std::move(named));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const NamedVolume& a, const NamedVolume& b) { return a.total > b.total; });
  return out;
}

Result<std::string> volume(const Services& services, const net::HttpRequest& request, WorkContext& context,
                           bool over_time) {
  logs::VolumeQuery query;
  TT_ASSIGN(static_cast<logs::LabelQuery&>(query), label_query(services, request, kVolumeSince));
  TT_ASSIGN(const auto limit, count_param(request, "limit", kDefaultVolumes, limits::kMaxLabelAnswers));
  if (over_time) {
    TT_ASSIGN(query.step, step_param(request, {query.range.from, query.range.to}));
  }
  const std::string_view by = request.param("aggregateBy").value_or("series");
  if (by != "series" && by != "labels") {
    return fail(ErrorKind::invalid_argument, "aggregateBy: series or labels");
  }
  TT_ASSIGN(auto found, by == "labels" ? volumes_by_label(services, request, query, context)
                                       : volumes_by_series(services, request, query, context));
  if (found.size() > limit) found.resize(limit);
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.field("resultType", over_time ? "matrix" : "vector").key("result").begin_array();
  for (const auto& named : found) {
    w.begin_object().key("metric").begin_object();
    for (const auto& [name, value] : named.metric) w.field(name, value);
    w.end_object();
    if (over_time) {
      w.key("values").begin_array();
      // A bucket is called by its end, as the time up to which it counts.
      for (const auto& [bucket, bytes] : named.bytes) {
        write_point(w, {std::min(bucket + query.step, query.range.to), static_cast<double>(bytes)});
      }
      w.end_array();
    } else {
      w.key("value");
      write_point(w, {query.range.to, static_cast<double>(named.total)});
    }
    w.end_object();
  }
  w.end_array().end_object().end_object();
  return w.take();
}

Result<std::string> detected_labels(const Services& services, const net::HttpRequest& request,
                                    WorkContext& context) {
  TT_ASSIGN(const auto query, label_query(services, request));
  TT_ASSIGN(const auto names, logs::label_names(services.events, query, context));
  TT_ASSIGN(const auto found, logs::label_cardinalities(services.events, query, names, context));
  JsonWriter w;
  w.begin_object().key("detectedLabels").begin_array();
  for (const auto& [name, cardinality] : found) {
    w.begin_object().field("label", name).field("cardinality", cardinality).end_object();
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace

void add_label_routes(net::Router& router, const Services& services) {
  const std::string base = "/loki/api/v1/";
  add_json_route(router, services, base + "labels", "loki_labels", labels);
  add_json_route(router, services, base + "label", "loki_label", labels);
  add_json_route(router, services, base + "label/{name}/values", "loki_label_values", values);
  add_json_route(router, services, base + "series", "loki_series", series);
  add_json_route(router, services, base + "index/stats", "loki_index_stats", stats);
  add_json_route(
      router, services, base + "index/volume", "loki_volume",
      [](const Services& s, const net::HttpRequest& r, WorkContext& c) { return volume(s, r, c, false); });
  add_json_route(
      router, services, base + "index/volume_range", "loki_volume_range",
      [](const Services& s, const net::HttpRequest& r, WorkContext& c) { return volume(s, r, c, true); });
  add_json_route(router, services, base + "detected_labels", "loki_detected_labels", detected_labels);
}

}  // namespace telltale::api::loki
