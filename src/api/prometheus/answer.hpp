// What the answers of Prometheus' HTTP API have in common.
#pragma once

#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api {

/// `{"status":"error","errorType":…,"error":…}`.
net::HttpResponse prometheus_error(const Error& error);
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
/// What was refused of numbers that were pushed, and why, for people.
std::string refusal_text(const ingest::MetricOutcome& outcome);

/// /api/v1/rules · /api/v1/alerts; those of Loki's ruler.
void add_rule_list_routes(net::Router& router, const Services& services);
/// /api/v1/status/… · /api/v1/admin/tsdb/… · /api/v1/format_query.
void add_status_routes(net::Router& router, const Services& services);
/// /api/v1/targets · /api/v1/targets/metadata · /api/v1/targets/relabel_steps · /api/v1/scrape_pools.
void add_target_routes(net::Router& router, const Services& services);

}  // namespace telltale::api
