// What a project takes of what is sent to it, and what became of all that was: filters, bodies, limits of
// keys, usage. A change that does not hold together changes nothing; one that does is written down first.
#include <algorithm>

#include <fmt/format.h>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/params.hpp"
#include "base/quota_limits.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using storage::UsageBucket;

net::HttpResponse intake_answer(const Services& services, const Result<ProjectId>& project) {
  if (!project) return error_response(project.error());
  const std::uint64_t budget = services.intake->bodies().budget(*project);
  JsonWriter w;
  w.begin_object().key("intake").raw(quota::intake_settings_json(services.intake->settings(*project)));
  w.key("bodies_per_minute");
  if (budget == UINT64_MAX) {
    w.null();
  } else {
    w.unsigned_integer(budget);
  }
  w.end_object();
  return net::HttpResponse::json(w.take());
}

Result<ProjectId> get_intake(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  return project.id;
}

Result<ProjectId> take_intake(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(const auto settings, quota::parse_intake_settings(request.body));
  TT_TRY(services.intake->change(services.records, project.id, settings));
  TT_TRY(services.usage->refresh(services.intake->bodies()));
  services.log.info("intake settings changed", {{"project", project.id.value}});
  return project.id;
}

struct KeyAndLimits {
  std::string key;
  quota::KeyLimits limits;
};

void write_key_limits(JsonWriter& w, const KeyAndLimits& key) {
  w.begin_object().field("key", key.key).key("limits").raw(quota::key_limits_json(key.limits)).end_object();
}

Result<std::vector<KeyAndLimits>> all_limits(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  TT_ASSIGN(const auto keys, services.records.dsn_keys().list(project.id));
  std::vector<KeyAndLimits> out;
  for (const auto& key : keys)
    out.push_back(
        {key.public_key, services.intake->limiter().limits(Id128::parse(key.public_key).value_or(Id128{}))});
  return out;
}

Result<KeyAndLimits> take_limits(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(const auto key, services.records.dsn_keys().get(request.path_params.find("key")->second));
  if (key.project != project.id) return fail(ErrorKind::not_found, "no such DSN key");
  TT_ASSIGN(const auto limits, quota::parse_key_limits(request.body));
  TT_TRY(services.intake->change_limits(services.records, Id128::parse(key.public_key).value_or(Id128{}),
                                        limits));
  services.log.info("limits of a key changed", {{"project", project.id.value}, {"limits", limits.size()}});
  return KeyAndLimits{key.public_key, limits};
}

/// So that the answer holds everything that was answered before the question.
Result<> settle_usage(const Services& services) {
  // A disk that is full keeps them waiting: the answer is a little old then.
  if (const auto done = services.ingest.flush_refusals(); !done)
    services.log.warn("refusals are not counted yet", {{"reason", done.error().message()}});
  if (services.settled && !services.settled()) return fail(ErrorKind::unavailable, "a store is catching up");
  return {};
}

struct Usage {
  TimeRange range;
  Nanos step{0};
  std::vector<UsageBucket> over_time;
  std::vector<UsageBucket> totals;
};

/// The smallest whole number of buckets with which the range has at most `most` steps.
Nanos usage_step(TimeRange range, std::uint64_t most) {
  const std::int64_t wanted = (range.to - range.from).count() / static_cast<std::int64_t>(most);
  const std::int64_t bucket = storage::kUsageBucket.count();
  return Nanos(std::max<std::int64_t>(1, (wanted + bucket - 1) / bucket) * bucket);
}

Result<Usage> usage_of(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  Usage out;
  TT_ASSIGN(out.range, range_params(request));
  if (out.range.to.ns == INT64_MAX) out.range.to = services.clock.now() + Nanos(1);
  if (out.range.from.ns == INT64_MIN) out.range.from = out.range.to - std::chrono::hours(24);
  if (out.range.to <= out.range.from || out.range.to - out.range.from > std::chrono::hours(24 * 366))
    return fail(ErrorKind::invalid_argument, "start: wants a time before end, at most 366 days");
  TT_ASSIGN(const auto points, number_param(request, "points", 48, 1, limits::kMaxUsagePoints));
  TT_TRY(settle_usage(services));
  out.step = usage_step(out.range, points);
  storage::UsageQuery query;
  query.project = project.id;
  query.range = out.range;
  // The bucket in which the range begins belongs to it.
  query.range.from = query.range.from - storage::kUsageBucket + Nanos(1);
  TT_ASSIGN(out.totals, services.usage->list(query));
  query.step = out.step;
  query.by_reason = false;
  TT_ASSIGN(out.over_time, services.usage->list(query));
  return out;
}

void write_usage(JsonWriter& w, const Usage& usage) {
  w.field("start", format_rfc3339(usage.range.from)).field("end", format_rfc3339(usage.range.to));
  w.field("step", static_cast<std::int64_t>(usage.step.count() / 1'000'000'000));
  w.key("over_time").begin_array();
  for (const auto& u : usage.over_time) {
    w.begin_object().field("time", format_rfc3339(u.time)).field("kind", name_of(u.count.kind));
    w.field("category", u.count.category).field("quantity", u.count.quantity).end_object();
  }
  w.end_array().key("totals").begin_array();
  for (const auto& u : usage.totals) {
    w.begin_object().field("kind", name_of(u.count.kind)).field("category", u.count.category);
    w.field("reason", u.count.reason).field("key", u.count.key.present() ? u.count.key.hex() : "");
    w.field("quantity", u.count.quantity).end_object();
  }
  w.end_array();
}

/// What was not kept: the usage but for what was accepted, and what older versions have counted.
Result<std::vector<storage::OutcomeCount>> outcomes_of(const Services& services,
                                                       const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  TT_ASSIGN(auto range, range_params(request));
  if (range.from.ns == INT64_MIN) range.from = services.clock.now() - std::chrono::hours(24);
  TT_TRY(settle_usage(services));
  std::vector<storage::OutcomeCount> out;
  const auto add = [&out](std::string source, const std::string& category, const std::string& reason,
                          std::uint64_t quantity) {
    for (auto& known : out) {
      if (known.source != source || known.category != category || known.reason != reason) continue;
      known.quantity += quantity;
      return;
    }
    out.push_back({std::move(source), category, reason, quantity});
  };
  TT_ASSIGN(const auto counted, services.usage->list({project.id, range, Nanos(0), true}));
  for (const auto& u : counted)
    if (u.count.kind != storage::UsageKind::accepted)
      add(std::string(name_of(u.count.kind)), u.count.category, u.count.reason, u.count.quantity);
  TT_ASSIGN(const auto older, services.release_health->outcomes({project.id}, range));
  for (const auto& o : older) add(o.count.source, o.count.category, o.count.reason, o.count.quantity);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.quantity > b.quantity; });
  return out;
}

void write_outcomes(JsonWriter& w, const std::vector<storage::OutcomeCount>& list) {
  w.key("outcomes").begin_array();
  for (const auto& o : list) {
    w.begin_object().field("source", o.source).field("category", o.category);
    w.field("reason", o.reason).field("quantity", o.quantity).end_object();
  }
  w.end_array();
}

}  // namespace

void add_intake_routes(net::Router& router, const Services& services) {
  if (services.intake == nullptr || services.usage == nullptr || services.release_health == nullptr) return;
  const std::string path = "/api/telltale/v1/projects/{id}";
  router.add("GET", path + "/intake", [&services](const net::HttpRequest& r, WorkContext&) {
    return intake_answer(services, get_intake(services, r));
  });
  router.add("PUT", path + "/intake", [&services](const net::HttpRequest& r, WorkContext&) {
    return intake_answer(services, take_intake(services, r));
  });
  router.add("GET", path + "/limits", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<KeyAndLimits>>(all_limits(services, r), [](JsonWriter& w, const auto& keys) {
      w.key("keys").begin_array();
      for (const auto& key : keys) write_key_limits(w, key);
      w.end_array();
    });
  });
  router.add("PUT", path + "/keys/{key}/limits", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<KeyAndLimits>(take_limits(services, r), [](JsonWriter& w, const KeyAndLimits& key) {
      w.key("key");
      write_key_limits(w, key);
    });
  });
  router.add("GET", path + "/usage", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<Usage>(usage_of(services, r), write_usage);
  });
  router.add("GET", path + "/outcomes", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<storage::OutcomeCount>>(outcomes_of(services, r), write_outcomes);
  });
}

}  // namespace telltale::api
