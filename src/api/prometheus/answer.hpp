// What the answers of Prometheus' HTTP API have in common.
#pragma once

#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api {

/// `{"status":"error","errorType":…,"error":…}`.
net::HttpResponse prometheus_error(const Error& error);

using PrometheusHandler =
    std::function<Result<net::HttpResponse>(const Services&, const net::HttpRequest&, WorkContext&)>;
/// A route with the limits of a query; what the handler refuses is answered in this API's form. `methods` as
/// "GET|POST".
void add_prometheus_route(net::Router& router, const Services& services, const char* methods,
                          const char* path, const char* name, PrometheusHandler handler);
/// The same of a handler that gives the JSON of an answer.
using PrometheusJsonHandler =
    std::function<Result<std::string>(const Services&, const net::HttpRequest&, WorkContext&)>;
void add_prometheus_json_route(net::Router& router, const Services& services, const char* methods,
                               const char* path, const char* name, PrometheusJsonHandler handler);

/// An object of names and values.
void write_labels(JsonWriter& w, const Labels& labels);

/// Seconds with their thousandths.
void write_time(JsonWriter& w, UnixMillis t);
/// `[1736328600.000,"1.5"]`.
void write_sample(JsonWriter& w, const promql::ResultPoint& s);
/// The members of a series that hold its samples: `value` or `histogram` of an instant vector's, `values` and
/// `histograms` of a range's. A histogram is {count, sum, buckets: [[which bounds belong to it, lower, upper,
/// count]]} with 0: the upper, 1: the lower, 2: neither, 3: both.
void write_series_samples(JsonWriter& w, const promql::ResultSeries& series, bool instant);
/// The member `stats` of a query's answer: timings in seconds and counts of samples, as Prometheus names
/// them, with `seriesRead` and `samplesRead` of our own. How long a query waited for its turn is not known.
void write_stats(JsonWriter& w, const promql::QueryStats& stats);
/// What was refused of numbers that were pushed, and why, for people.
std::string refusal_text(const ingest::MetricOutcome& outcome);

/// /api/v1/rules · /api/v1/alerts; those of Loki's ruler.
void add_rule_list_routes(net::Router& router, const Services& services);
/// /api/v1/status/tsdb · /api/v1/admin/tsdb/….
void add_status_routes(net::Router& router, const Services& services);
/// The rest of /api/v1/status/… · /api/v1/features · /api/v1/notifications · /api/v1/alertmanagers.
void add_prometheus_server_routes(net::Router& router, const Services& services);
/// /api/v1/parse_query · /api/v1/format_query.
void add_parse_routes(net::Router& router, const Services& services);
/// /api/v1/targets · /api/v1/targets/metadata · /api/v1/targets/relabel_steps · /api/v1/scrape_pools.
void add_target_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
