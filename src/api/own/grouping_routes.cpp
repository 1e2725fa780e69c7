// How errors are grouped: the project's rules, what a change of them would do to events that are kept, and
// why an event belongs to its issue.
#include <algorithm>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "base/input_limits.hpp"
#include "errors/issue_views.hpp"
#include "errors/preview.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

net::HttpResponse rules_answer(const errors::RuleTexts& texts) {
  JsonWriter w;
  w.begin_object().key("grouping").raw(errors::rule_texts_json(texts)).end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse get_rules(const Services& services, const net::HttpRequest& request) {
  const auto project = project_of(services, request, Scope::read);
  if (!project) return error_response(project.error());
  return rules_answer(services.grouping->texts(project->id));
}

Result<errors::RuleTexts> take_rules(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(auto texts, errors::parse_rule_texts(request.body));
  // Kept first, then in force: rules that are in force survive a restart.
  TT_TRY(services.grouping->change(project.id, texts, [&] {
    return services.records.settings().put(
        std::string(errors::kRulesSetting) + std::to_string(project.id.value),
        errors::rule_texts_json(texts));
  }));
  services.log.info("grouping rules changed", {{"project", project.id.value}});
  return texts;
}

// ---- Preview
// ------------------------------------------------------------------------------------------------

/// The newest events of the project that have an issue, oldest first.
Result<std::vector<errors::PreviewEvent>> sample_of(const Services& services, ProjectId project,
                                                    WorkContext& context) {
  storage::EventQuery query;
  query.table = Table::errors;
  query.projects = {project};
  query.order = storage::Order::newest_first;
  query.limit = limits::kMaxGroupingPreviewEvents;
  query.with_payload = true;
  errors::IssueResolver resolver(services.records);
  std::vector<errors::PreviewEvent> out;
  std::size_t bytes = 0;
  TT_ASSIGN(const auto cursor, services.events.select(query, context));
  Rows rows;
  while (bytes < limits::kMaxGroupingPreviewBytes) {
    TT_TRY(cursor->next(rows));
    if (rows.empty()) break;
    for (const EventRow& row : rows) {
      TT_ASSIGN(const auto issue, resolver.issue_of(row));
      auto input = ingest::stored_grouping_input(row.payload);
      bytes += row.payload.size();
      TT_TRY(context.charge(row.payload.size()));  // what is kept of it is less
      if (!issue || !input) continue;  // an error that came as a log record or a span has no payload
      const AttrValue* id = row.find(attr::kEventId);
      out.push_back({*issue, id == nullptr ? std::string() : to_string(*id), *std::move(input)});
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

struct Preview {
  errors::GroupingPreview found;
  std::map<storage::IssueId, storage::Issue> issues;
};

Result<Preview> preview(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  TT_ASSIGN(const auto texts, errors::parse_rule_texts(request.body));
  TT_ASSIGN(const auto rules, errors::GroupingRules::parse(texts.stack, texts.fingerprint));
  TT_ASSIGN(const auto events, sample_of(services, project.id, context));
  Preview out;
  TT_ASSIGN(out.found, errors::preview_grouping(services.records, project.id, events, *rules, context));
  for (const auto& move : out.found.moves) {
    for (const auto& id : {std::optional(move.from), move.to}) {
      if (!id || out.issues.contains(*id)) continue;
      TT_ASSIGN(out.issues[*id], services.records.issues().get(*id));
    }
  }
  return out;
}

void write_preview(JsonWriter& w, const Preview& preview) {
  const auto write_issue_name = [&](std::string_view name, storage::IssueId id) {
    const auto& issue = preview.issues.at(id);
    w.key(name).begin_object().field("id", issue.id.value).field("short_id", issue.short_id);
    w.field("title", issue.title).end_object();
  };
  w.field("events", preview.found.events).field("unchanged", preview.found.unchanged);
  w.key("moves").begin_array();
  for (const auto& move : preview.found.moves) {
    w.begin_object();
    write_issue_name("from", move.from);
    if (move.to)
      write_issue_name("to", *move.to);
    else
      w.field("new_issue", static_cast<std::uint64_t>(move.fresh));
    w.field("events", move.events).field("title", move.title).field("culprit", move.culprit);
    w.field("event_id", move.event_id).end_object();
  }
  w.end_array();
}

// ---- Why an event is where it is
// ----------------------------------------------------------------------------

struct Explanation {
  std::string event_id;
  errors::GroupingResult group;
  std::vector<std::string> hashes;  // of the issue
  bool as_kept = true;              // it was grouped like this when it came, too
};

Result<EventRow> event_of(const Services& services, const storage::Issue& issue, std::string_view event_id,
                          WorkContext& context) {
  errors::IssueEventsQuery query;
  query.limit = 1;
  query.with_payload = true;
  query.event_id = event_id;
  TT_ASSIGN(auto rows, errors::issue_events(services.events, services.records, issue, query, context));
  if (rows.empty()) return fail(ErrorKind::not_found, "event: the issue keeps none of that id");
  return std::move(rows.front());
}

Result<Explanation> explain(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::read));
  TT_ASSIGN(const auto row, event_of(services, issue, request.param("event").value_or(""), context));
  TT_ASSIGN(const auto input, ingest::stored_grouping_input(row.payload));
  Explanation out;
  if (const AttrValue* id = row.find(attr::kEventId)) out.event_id = to_string(*id);
  out.group = errors::group_event(input, *services.grouping->of(issue.project), errors::Explain::yes);
  std::string now;
  for (const auto& variant : out.group.variants) now.append(now.empty() ? "" : " ").append(variant.hash);
  const AttrValue* kept = row.find(attr::kGroupHashes);
  out.as_kept = kept != nullptr && to_string(*kept) == now;
  TT_ASSIGN(out.hashes, services.records.issues().hashes(issue.id));
  return out;
}

void write_explanation(JsonWriter& w, const Explanation& e) {
  const auto bound = [&](const std::string& hash) {
    return std::find(e.hashes.begin(), e.hashes.end(), hash) != e.hashes.end();
  };
  w.field("event_id", e.event_id)
      .field("as_kept", e.as_kept)
      .field("rule", e.group.rule)
      .key("variants")
      .begin_array();
  for (const auto& variant : e.group.variants) {
    w.begin_object()
        .field("name", variant.name)
        .field("hash", variant.hash)
        .field("bound", bound(variant.hash));
    w.key("parts").begin_array();
    for (const auto& part : variant.parts) {
      w.begin_object().field("kind", part.kind).field("text", part.text).field("counts", part.counts);
      if (!part.why.empty()) w.field("why", part.why);
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array();
}

}  // namespace

void add_grouping_routes(net::Router& router, const Services& services) {
  if (services.grouping == nullptr) return;
  router.add("GET", "/api/telltale/v1/projects/{id}/grouping",
             [&services](const net::HttpRequest& r, WorkContext&) { return get_rules(services, r); });
  router.add("PUT", "/api/telltale/v1/projects/{id}/grouping",
             [&services](const net::HttpRequest& r, WorkContext&) {
               const auto texts = take_rules(services, r);
               return texts ? rules_answer(*texts) : error_response(texts.error());
             });
  router.add(
      "POST", "/api/telltale/v1/projects/{id}/grouping/preview",
      [&services](const net::HttpRequest& r, WorkContext& context) {
        return answer<Preview>(preview(services, r, context), write_preview);
      },
      query_route(services));
  router.add(
      "GET", "/api/telltale/v1/issues/{id}/grouping",
      [&services](const net::HttpRequest& r, WorkContext& context) {
        return answer<Explanation>(explain(services, r, context), write_explanation);
      },
      query_route(services));
}

}  // namespace telltale::api
