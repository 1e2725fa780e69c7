// What Prometheus' API tells of the server and its store, and what it lets administrators do: delete samples,
// make a snapshot.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "api/prometheus/answer.hpp"
#include "api/prometheus/params.hpp"
#include "base/json.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kUsualTop = 10;  // entries of each list, as Prometheus has it
constexpr std::size_t kMostTop = 10'000;
constexpr std::uint64_t kMostFocusPairs = 500'000;  // among which one label's values are looked for
constexpr std::chrono::hours kHeadSpan{2};          // Prometheus tells of its head: the last two hours or so

Result<std::size_t> top_of(const net::HttpRequest& request) {
  const auto text = request.param("limit");
  if (!text || text->empty()) return kUsualTop;
  std::size_t top = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), top);
  if (problem != std::errc() || end != text->data() + text->size() || top == 0 || top > kMostTop)
    return fail(ErrorKind::invalid_argument, fmt::format("limit: must be a number from 1 to {}", kMostTop));
  return top;
}

using Counts = std::vector<storage::Cardinality::Count>;

void write_counts(JsonWriter& w, std::string_view field, const Counts& counts) {
  w.key(field).begin_array();
  for (const auto& c : counts) {
    w.begin_object();
    w.field("name", c.value.empty() ? c.name : c.name + "=" + c.value).field("value", c.count).end_object();
  }
  w.end_array();
}

/// Beside what Prometheus has.
void write_limits(JsonWriter& w, const Services& services, const storage::Projects& projects) {
  w.key("seriesLimits").begin_array();
  for (const ProjectId project : projects) {
    const SeriesUse used = services.series_use(project);
    w.begin_object().field("project", std::uint64_t{project.value});
    w.field("series", used.series).field("maxSeries", used.max_series);
    w.field("newThisHour", used.new_this_hour).field("maxNewPerHour", used.max_new_per_hour).end_object();
  }
  w.end_array();
}

/// The values of one label, the most frequent first. They may stand in few series each, so that they are
/// looked for among all pairs, of which there must not be too many.
Result<Counts> values_of(const Services& services, storage::LabelQuery query, std::string_view label,
                         std::uint64_t label_pairs, WorkContext& context) {
  if (label_pairs > kMostFocusPairs) {
    return fail(
        ErrorKind::resource_exhausted,
        fmt::format("focusLabel: these series have {} pairs of label and value, over the limit of {}; "
                    "name fewer with match[]",
                    label_pairs, kMostFocusPairs));
  }
  const std::size_t top = std::exchange(query.limit, 0);
  TT_ASSIGN(const auto all, services.metrics.cardinality(query, context));
  Counts out;
  for (const auto& p : all.series_by_pair) {
    if (p.name == label && out.size() < top) out.push_back({p.value, {}, p.count});
  }
  return out;
}

Result<std::string> cardinality(const Services& services, const net::HttpRequest& request,
                                WorkContext& context) {
  TT_ASSIGN(auto queries, label_queries(services, request));
  TT_ASSIGN(const std::size_t top, top_of(request));
  if (queries.size() > 1) return fail(ErrorKind::invalid_argument, "match[]: one selector at most");
  storage::LabelQuery& query = queries.front();
  if (!request.param("start")) query.range.min = services.clock.now().to_millis() - kHeadSpan;
  query.limit = top;
  TT_ASSIGN(const auto counts, services.metrics.cardinality(query, context));
  const auto focus = request.param("focusLabel").value_or("");
  Counts values;
  if (!focus.empty()) {
    TT_ASSIGN(values, values_of(services, query, focus, counts.label_pairs, context));
  }
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.key("headStats").begin_object();
  w.field("numSeries", counts.series).field("numLabelPairs", counts.label_pairs);
  w.field("minTime", query.range.min.ms).field("maxTime", query.range.max.ms).end_object();
  write_counts(w, "seriesCountByMetricName", counts.series_by_metric);
  write_counts(w, "labelValueCountByLabelName", counts.values_by_label);
  write_counts(w, "memoryInBytesByLabelName", counts.bytes_by_label);
  write_counts(w, "seriesCountByLabelValuePair", counts.series_by_pair);
  write_counts(w, "seriesCountByLabelName", counts.series_by_label);
  if (!focus.empty()) write_counts(w, "seriesCountByFocusLabelValue", values);
  if (services.series_use) write_limits(w, services, query.projects);
  w.end_object().end_object();
  return w.take();
}

Result<> delete_series(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::admin));
  TT_ASSIGN(auto projects, readable_projects(services, principal));
  // Without a selector this would be everything.
  if (request.params("match[]").empty())
    return fail(ErrorKind::invalid_argument, "match[]: at least one selector is needed");
  TT_ASSIGN(const auto queries, label_queries_of(std::move(projects), services, request));
  if (services.settled && !services.settled())
    return fail(ErrorKind::unavailable, "what was accepted last is not applied yet; try again");
  std::uint64_t deleted = 0;
  for (const auto& query : queries) {
    TT_ASSIGN(const std::uint64_t some, services.metrics.delete_samples(query, context));
    deleted += some;
  }
  services.log.info("metric samples deleted", {{"samples", deleted}, {"token", principal.token}});
  return {};
}

Result<net::HttpResponse> admin_delete(const Services& services, const net::HttpRequest& request,
                                       WorkContext& context) {
  TT_TRY(delete_series(services, request, context));
  return net::HttpResponse::empty(204);
}

/// Deleting rewrites parts at once, so that there are no tombstones to clean.
Result<net::HttpResponse> clean_tombstones(const Services& services, const net::HttpRequest& request,
                                           WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::admin));
  return net::HttpResponse::empty(204);
}

/// With `skip_head` or without: what is in memory only is written first.
Result<net::HttpResponse> snapshot(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto principal, authorise_server_admin(services, request));
  static constexpr std::string_view kBooleans[] = {"", "true", "false", "1", "0"};
  const std::string_view skip = request.param("skip_head").value_or("");
  if (std::find(std::begin(kBooleans), std::end(kBooleans), skip) == std::end(kBooleans))
    return fail(ErrorKind::invalid_argument, "skip_head: must be true or false");
  if (!services.snapshot) return fail(ErrorKind::unavailable, "no snapshots here");
  TT_ASSIGN(const auto name, services.snapshot());
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.field("name", name).end_object().end_object();
  return net::HttpResponse::json(w.take());
}

}  // namespace

void add_status_routes(net::Router& router, const Services& services) {
  add_prometheus_json_route(router, services, "GET", "/api/v1/status/tsdb", "prom_tsdb_status", cardinality);
  add_prometheus_route(router, services, "POST|PUT", "/api/v1/admin/tsdb/delete_series", "prom_delete_series",
                       admin_delete);
  add_prometheus_route(router, services, "POST|PUT", "/api/v1/admin/tsdb/snapshot", "prom_snapshot",
                       snapshot);
  add_prometheus_route(router, services, "POST|PUT", "/api/v1/admin/tsdb/clean_tombstones",
                       "prom_clean_tombstones", clean_tombstones);
}

}  // namespace telltale::api
