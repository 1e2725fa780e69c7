// What is scraped: targets by state and pool, the pools, and why a pool is not scraped (the field
// disabledPools of /api/v1/targets is ours).
#include "api/prometheus/answer.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

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
}

}  // namespace telltale::api
