// Our own API: search in logs, spans and errors, issues, traces, everything one request left behind
// (related), and the server's own state.
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/account_routes.hpp"
#include "api/own/openapi.hpp"
#include "api/own/params.hpp"
#include "api/own/row_json.hpp"
#include "api/services.hpp"
#include "errors/issue_store.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kDefaultRows = 100;
constexpr std::size_t kMaxRows = 10'000;
constexpr std::size_t kMaxRelatedRows = 1'000;  // a table

Result<std::size_t> limit_param(const net::HttpRequest& request) {
  const auto text = request.param("limit");
  if (!text || text->empty()) return kDefaultRows;
  std::size_t limit = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (problem != std::errc() || end != text->data() + text->size() || limit == 0 || limit > kMaxRows) {
    return fail(ErrorKind::invalid_argument, fmt::format("limit: a number from 1 to {}", kMaxRows));
  }
  return limit;
}

Result<TimeRange> range_params(const net::HttpRequest& request) {
  TimeRange range;
  if (const auto start = request.param("start"); start && !start->empty()) {
    TT_ASSIGN(range.from, parse_time_param("start", *start));
  }
  if (const auto end = request.param("end"); end && !end->empty()) {
    TT_ASSIGN(range.to, parse_time_param("end", *end));
  }
  if (range.to <= range.from) return fail(ErrorKind::invalid_argument, "end: not after start");
  return range;
}

using Rows = std::vector<EventRow>;

void write_rows(JsonWriter& w, std::string_view name, const Rows& rows) {
  w.key(name).begin_array();
  for (const auto& row : rows) write_row(w, row);
  w.end_array();
}

template <class T>
net::HttpResponse answer(Result<T> result, std::function<void(JsonWriter&, const T&)> write) {
  if (!result) return error_response(result.error());
  JsonWriter w;
  w.begin_object();
  write(w, *result);
  w.end_object();
  return net::HttpResponse::json(w.take());
}

Result<Rows> search_rows(const Services& services, const net::HttpRequest& request, WorkContext& context,
                         Table table) {
  storage::EventQuery query;
  query.table = table;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, range_params(request));
  TT_ASSIGN(query.limit, limit_param(request));
  query.filter = filter_params(request);
  const auto order = request.param("order").value_or("newest");
  if (order != "newest" && order != "oldest")
    return fail(ErrorKind::invalid_argument, "order: newest or oldest");
  query.order = order == "newest" ? storage::Order::newest_first : storage::Order::oldest_first;
  query.with_payload = request.param("payload").value_or("") == "true";
  return storage::collect(services.events, query, context);
}

Result<Rows> rows_where(const Services& services, const storage::Projects& projects, Table table,
                        std::string_view field, const std::string& value, WorkContext& context) {
  storage::EventQuery query;
  query.table = table;
  query.projects = projects;
  query.filter = storage::EventFilter::leaf(storage::FilterOp::eq, std::string(field), value);
  query.order = storage::Order::oldest_first;
  query.limit = kMaxRelatedRows;
  return storage::collect(services.events, query, context);
}

struct Related {
  Rows rows[3];  // logs, spans, errors
  std::vector<storage::Issue> issues;
};

void add_distinct(Rows& into, Rows more) {
  for (auto& row : more) {
    if (std::find(into.begin(), into.end(), row) == into.end()) into.push_back(std::move(row));
  }
}

// The issues that these error rows belong to, through their hashes.
Result<std::vector<storage::Issue>> issues_of(const Services& services, const Rows& errors) {
  std::vector<storage::Issue> issues;
  std::set<std::int64_t> seen;
  for (const auto& row : errors) {
    const AttrValue* hashes = row.find(attr::kGroupHashes);
    if (hashes == nullptr) continue;
    const std::string text = to_string(*hashes);
    TT_ASSIGN(const auto id,
              services.records.issues().find_by_hash(row.project, text.substr(0, text.find(' '))));
    if (!id || !seen.insert(id->value).second) continue;
    TT_ASSIGN(auto issue, services.records.issues().get(*id));
    issues.push_back(std::move(issue));
  }
  return issues;
}

// By request_id first, then by every trace the request took part in, so that rows that know only one of the
// two ids are found, too.
Result<Related> related(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  const std::string trace(request.param("trace_id").value_or(""));
  const std::string request_id(request.param("request_id").value_or(""));
  if (trace.empty() && request_id.empty()) {
    return fail(ErrorKind::invalid_argument, "trace_id or request_id: one of them is needed");
  }
  std::set<std::string> traces;
  if (!trace.empty()) {
    const auto id = Id128::parse(trace);
    if (!id) return fail(ErrorKind::invalid_argument, "trace_id: 32 hexadecimal digits");
    traces.insert(id->hex());
  }
  Related out;
  for (std::size_t i = 0; i < 3; ++i) {
    if (request_id.empty()) continue;
    TT_ASSIGN(out.rows[i], rows_where(services, projects, kTables[i], "request_id", request_id, context));
    for (const auto& row : out.rows[i]) {
      if (row.ids.trace_id.present()) traces.insert(row.ids.trace_id.hex());
    }
  }
  for (const auto& id : traces) {
    for (std::size_t i = 0; i < 3; ++i) {
      TT_ASSIGN(auto more, rows_where(services, projects, kTables[i], "trace_id", id, context));
      add_distinct(out.rows[i], std::move(more));
    }
  }
  TT_ASSIGN(out.issues, issues_of(services, out.rows[2]));
  return out;
}

Result<storage::Issue> issue_of(const Services& services, const net::HttpRequest& request,
                                accounts::Scope scope) {
  TT_ASSIGN(const auto projects, query_projects(services, request, scope));
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  auto issue = problem == std::errc() && end == text.data() + text.size()
                   ? services.records.issues().get(storage::IssueId{id})
                   : services.records.issues().find_by_short_id(text);
  if (!issue) return issue;
  if (std::find(projects.begin(), projects.end(), issue->project) == projects.end()) {
    return fail(ErrorKind::not_found, "issue " + text + ": not found");
  }
  return issue;
}

Result<std::vector<storage::Issue>> list_issues(const Services& services, const net::HttpRequest& request) {
  storage::IssueQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.seen, range_params(request));
  query.text = std::string(request.param("query").value_or(""));
  query.release = std::string(request.param("release").value_or(""));
  if (const auto status = request.param("status"); status && !status->empty()) {
    const auto known = storage::issue_status_from(*status);
    if (!known) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
    query.statuses.push_back(*known);
  }
  return services.records.issues().search(query);
}

Result<storage::Issue> change_issue(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, accounts::Scope::write));
  simdjson::dom::parser parser;
  simdjson::dom::object body;
  if (parser.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  errors::IssueUpdate update;
  for (const auto field : body) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: not a string", field.key));
    }
    if (field.key == "status") {
      update.status = storage::issue_status_from(text);
      if (!update.status) return fail(ErrorKind::invalid_argument, "status: unresolved, resolved or ignored");
    } else if (field.key == "assignee") {
      update.assignee = std::string(text);
    } else if (field.key == "resolved_in") {
      update.resolved_in = std::string(text);
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
    }
  }
  return errors::update_issue(services.records, services.clock, issue.id, update);
}

Result<std::string> run_backup(const Services& services, const net::HttpRequest& request) {
  if (auto principal = authorise(services, request, accounts::Scope::admin); !principal) {
    return tl::unexpected<Error>(std::move(principal).error());
  }
  const auto directory = request.param("directory");
  if (!directory || directory->empty()) return fail(ErrorKind::invalid_argument, "directory: missing");
  return services.backup(std::string(*directory));
}

void add_search_routes(net::Router& router, const Services& services) {
  for (const Table table : kTables) {
    net::RouteOptions options;
    options.name = fmt::format("own_{}", to_string(table));
    options.work = services.query_limits;
    router.add(
        "GET", fmt::format("/api/telltale/v1/{}", to_string(table)),
        [&services, table](const net::HttpRequest& r, WorkContext& c) {
          return answer<Rows>(search_rows(services, r, c, table),
                              [](JsonWriter& w, const Rows& rows) { write_rows(w, "rows", rows); });
        },
        options);
  }
  net::RouteOptions options;
  options.work = services.query_limits;
  router.add(
      "GET", "/api/telltale/v1/traces/{trace_id}",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        const std::string id = r.path_params.find("trace_id")->second;
        auto projects = query_projects(services, r);
        if (!projects) return error_response(projects.error());
        const auto parsed = Id128::parse(id);
        if (!parsed)
          return error_response(Error(ErrorKind::invalid_argument, "trace_id: 32 hexadecimal digits"));
        auto spans = rows_where(services, *projects, Table::spans, "trace_id", parsed->hex(), c);
        if (spans && spans->empty())
          return error_response(Error(ErrorKind::not_found, "trace_id: no span of this trace"));
        return answer<Rows>(std::move(spans), [&](JsonWriter& w, const Rows& rows) {
          w.field("trace_id", parsed->hex());
          write_rows(w, "spans", rows);
        });
      },
      options);
  router.add(
      "GET", "/api/telltale/v1/related",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Related>(related(services, r, c), [](JsonWriter& w, const Related& found) {
          for (std::size_t i = 0; i < 3; ++i) write_rows(w, to_string(kTables[i]), found.rows[i]);
          w.key("issues").begin_array();
          for (const auto& issue : found.issues) write_issue(w, issue);
          w.end_array();
        });
      },
      options);
}

void add_issue_routes(net::Router& router, const Services& services) {
  const auto write_one = [](JsonWriter& w, const storage::Issue& issue) {
    w.key("issue");
    write_issue(w, issue);
  };
  router.add("GET", "/api/telltale/v1/issues", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<storage::Issue>>(list_issues(services, r),
                                               [](JsonWriter& w, const auto& issues) {
                                                 w.key("issues").begin_array();
                                                 for (const auto& issue : issues) write_issue(w, issue);
                                                 w.end_array();
                                               });
  });
  router.add("GET", "/api/telltale/v1/issues/{id}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<storage::Issue>(issue_of(services, r, accounts::Scope::read), write_one);
             });
  router.add("PUT", "/api/telltale/v1/issues/{id}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<storage::Issue>(change_issue(services, r), write_one);
             });
}

void add_server_routes(net::Router& router, const Services& services) {
  router.add("GET", "/-/healthy", [](const net::HttpRequest&, WorkContext&) {
    return net::HttpResponse::text("Telltale is healthy.\n");
  });
  router.add("GET", "/-/ready", [&services](const net::HttpRequest&, WorkContext&) {
    if (services.ready()) return net::HttpResponse::text("Telltale is ready.\n");
    auto response = net::HttpResponse::text("Telltale is starting: the journal is being replayed.\n", 503);
    add_error_headers(response);
    return response;
  });
  router.add("POST|PUT", "/-/reload", [&services](const net::HttpRequest& r, WorkContext&) {
    if (const auto admin = authorise(services, r, accounts::Scope::admin); !admin)
      return error_response(admin.error());
    if (const auto done = services.reload(); !done) return error_response(done.error());
    return net::HttpResponse::text("Reloaded.\n");
  });
  router.add("GET", "/metrics", [&services](const net::HttpRequest& r, WorkContext&) {
    if (const auto reader = authorise(services, r, accounts::Scope::read); !reader)
      return error_response(reader.error());
    return net::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", services.registry.render(), {}};
  });
  router.add("POST", "/api/telltale/v1/backup", [&services](const net::HttpRequest& r, WorkContext&) {
    auto report = run_backup(services, r);
    return report ? net::HttpResponse::json(*std::move(report)) : error_response(report.error());
  });
}

}  // namespace

void add_own_routes(net::Router& router, const Services& services) {
  add_search_routes(router, services);
  add_issue_routes(router, services);
  add_server_routes(router, services);
  add_account_routes(router, services);
  add_openapi_route(router);
}

}  // namespace telltale::api
