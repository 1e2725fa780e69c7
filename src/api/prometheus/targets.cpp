// What is scraped: targets by state and pool, the pools, and why a pool is not scraped (the field
// disabledPools of /api/v1/targets is ours); what targets say of their metrics; what relabelling makes of a
// label set.
#include <algorithm>
#include <charconv>

#include <simdjson.h>

#include "api/prometheus/answer.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "promql/parser.hpp"

namespace telltale::api {
namespace {

bool is_visible(const accounts::Principal& principal, ProjectId project) {
  return principal.project.value == 0 || project == principal.project;
}

void write_active(JsonWriter& w, const metrics::TargetStatus& t) {
  w.begin_object().key("discoveredLabels");
  write_labels(w, t.discovered_labels);
  w.key("labels");
  write_labels(w, t.labels);
  w.field("scrapePool", t.job)
      .field("scrapeUrl", t.url)
      .field("globalUrl", t.url)
      .field("lastError", t.last_error);
  w.field("lastScrape", format_rfc3339(t.last_scrape));
  w.field("lastScrapeDuration", std::chrono::duration<double>(t.last_duration).count());
  w.field("health", t.health).field("scrapeInterval", format_duration(t.interval));
  w.field("scrapeTimeout", format_duration(t.timeout)).end_object();
}

void write_dropped(JsonWriter& w, const metrics::TargetStatus& t) {
  w.begin_object().key("discoveredLabels");
  write_labels(w, t.discovered_labels);
  w.field("scrapePool", t.job).end_object();
}

struct TargetFilter {
  bool active = true;
  bool dropped = true;
  std::optional<std::string> pool;
  bool wants(const std::string& name) const { return !pool || *pool == name; }
};

Result<TargetFilter> target_filter(const net::HttpRequest& request) {
  TargetFilter filter;
  const std::string state = to_lower(request.param("state").value_or(""));
  if (state == "active") {
    filter.dropped = false;
  } else if (state == "dropped") {
    filter.active = false;
  } else if (!state.empty() && state != "any") {
    return fail(ErrorKind::invalid_argument, "state: must be active, dropped or any");
  }
  if (const auto pool = request.param("scrapePool"); pool && !pool->empty()) filter.pool = *pool;
  return filter;
}

net::HttpResponse list_targets(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  const auto filter = target_filter(request);
  if (!filter) return prometheus_error(filter.error());
  const auto shown = [&](const std::string& pool, ProjectId project) {
    return is_visible(*principal, project) && filter->wants(pool);
  };
  const auto targets = services.scrapes.targets();
  const auto write_list = [&](JsonWriter& w, bool dropped, bool wanted, auto write) {
    w.begin_array();
    for (const auto& t : targets)
      if (wanted && t.dropped == dropped && shown(t.job, t.project)) write(w, t);
    w.end_array();
  };
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.key("activeTargets");
  write_list(w, false, filter->active, write_active);
  w.key("droppedTargets");
  write_list(w, true, filter->dropped, write_dropped);
  w.key("droppedTargetCounts").begin_object();
  const auto pools = services.scrapes.pools();
  for (const auto& pool : pools)
    if (pool.disabled.empty() && shown(pool.name, pool.project))
      w.field(pool.name, std::uint64_t{pool.dropped});
  w.end_object().key("disabledPools").begin_array();
  for (const auto& pool : pools)
    if (!pool.disabled.empty() && shown(pool.name, pool.project))
      w.begin_object().field("scrapePool", pool.name).field("reason", pool.disabled).end_object();
  w.end_array().end_object().end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse list_scrape_pools(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object().key("scrapePools").begin_array();
  for (const auto& pool : services.scrapes.pools())
    if (pool.disabled.empty() && is_visible(*principal, pool.project)) w.string(pool.name);
  w.end_array().end_object().end_object();
  return net::HttpResponse::json(w.take());
}

void write_metadata(JsonWriter& w, const Labels& target, const wire::prometheus::MetricMetadata& m,
                    bool named) {
  w.begin_object().key("target");
  write_labels(w, target);
  if (named) w.field("metric", m.family);
  w.field("type", wire::prometheus::to_string(m.type))
      .field("help", m.help)
      .field("unit", m.unit)
      .end_object();
}

net::HttpResponse list_target_metadata(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  std::vector<storage::LabelMatcher> matchers;
  if (const auto text = request.param("match_target"); text && !text->empty()) {
    auto parsed = promql::parse_selector(*text);
    if (!parsed) return prometheus_error(std::move(parsed.error()).within("match_target"));
    matchers = *std::move(parsed);
  }
  std::size_t limit = SIZE_MAX;
  if (const auto text = request.param("limit"); text && !text->empty()) {
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (ec != std::errc{} || end != text->data() + text->size())
      return prometheus_error(Error(ErrorKind::invalid_argument, "limit: must be a whole number"));
  }
  const std::string_view metric = request.param("metric").value_or("");
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_array();
  for (const auto& target : services.scrapes.metadata()) {
    if (!is_visible(*principal, target.project) || !storage::matches_all(matchers, target.labels)) continue;
    for (const auto& m : *target.families) {
      if (limit == 0 || (!metric.empty() && m.family != metric)) continue;
      write_metadata(w, target.labels, m, metric.empty());
      --limit;
    }
  }
  w.end_array().end_object();
  return net::HttpResponse::json(w.take());
}

/// `{"name": "value", …}`.
Result<Labels> labels_param(std::string_view text) {
  const auto refuse = [] {
    return fail(ErrorKind::invalid_argument, "labels: must be a JSON object of texts");
  };
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const simdjson::padded_string padded(text);
  if (parser.parse(padded).get_object().get(object) != simdjson::SUCCESS) return refuse();
  std::vector<Label> out;
  for (const auto& field : object) {
    std::string_view value;
    if (field.value.get_string().get(value) != simdjson::SUCCESS) return refuse();
    out.push_back({std::string(field.key), std::string(value)});
  }
  return Labels(std::move(out));
}

void write_step(JsonWriter& w, const metrics::RelabelStep& step) {
  w.begin_object().key("rule").begin_object();
  w.key("source_labels").begin_array();
  for (const auto& name : step.rule.source_labels) w.string(name);
  w.end_array();
  w.field("separator", step.rule.separator).field("regex", step.rule.regex);
  if (step.rule.modulus > 0) w.field("modulus", std::uint64_t{step.rule.modulus});
  w.field("target_label", step.rule.target_label).field("replacement", step.rule.replacement);
  w.field("action", metrics::to_string(step.rule.action)).end_object();
  w.key("output");
  write_labels(w, step.output);
  w.field("keep", step.keep).end_object();
}

net::HttpResponse list_relabel_steps(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::read);
  if (!principal) return prometheus_error(principal.error());
  const std::string pool(request.param("scrapePool").value_or(""));
  auto labels = labels_param(request.param("labels").value_or(""));
  if (!labels) return prometheus_error(labels.error());
  const auto pools = services.scrapes.pools();
  const bool visible = std::any_of(pools.begin(), pools.end(), [&](const auto& p) {
    return p.name == pool && is_visible(*principal, p.project);
  });
  const auto steps = services.scrapes.relabel_steps(visible ? pool : "", *std::move(labels));
  if (!steps) return prometheus_error(steps.error());
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object().key("steps").begin_array();
  for (const auto& step : *steps) write_step(w, step);
  w.end_array().end_object().end_object();
  return net::HttpResponse::json(w.take());
}

}  // namespace

void add_target_routes(net::Router& router, const Services& services) {
  const auto add = [&](const char* path, const char* name, auto handler) {
    net::RouteOptions options;
    options.name = name;
    router.add(
        "GET", path,
        [&services, handler](const net::HttpRequest& r, WorkContext&) { return handler(services, r); },
        options);
  };
  add("/api/v1/targets", "prom_targets", list_targets);
  add("/api/v1/scrape_pools", "prom_scrape_pools", list_scrape_pools);
  add("/api/v1/targets/metadata", "prom_target_metadata", list_target_metadata);
  add("/api/v1/targets/relabel_steps", "prom_relabel_steps", list_relabel_steps);
}

}  // namespace telltale::api
