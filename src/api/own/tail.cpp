#include "api/own/tail.hpp"

#include <algorithm>

#include "api/own/params.hpp"
#include "api/own/row_json.hpp"
#include "api/own/row_search.hpp"

namespace telltale::api {
namespace {

// As searches do, a tail leaves payloads out: they are large, and whoever wants one asks for its event.
void write_tail_row(JsonWriter& w, const EventRow& row) {
  if (row.payload.empty()) return write_row(w, row);
  EventRow slim = row;
  slim.payload.clear();
  write_row(w, slim);
}

std::string tail_frame(const std::vector<const EventRow*>& rows, std::uint64_t dropped) {
  JsonWriter w;
  w.begin_object().key("rows").begin_array();
  for (const auto* row : rows) write_tail_row(w, *row);
  w.end_array().field("dropped", dropped).end_object();
  return w.take();
}

/// What the pipeline of a log query leaves of the rows.
bool send_kept(net::WebSocketSession& session, RowSearch& search, const std::vector<const EventRow*>& rows,
               std::uint64_t dropped) {
  std::vector<EventRow> kept;
  for (const EventRow* row : rows) {
    EventRow shown = *row;
    if (search.keep(shown)) kept.push_back(std::move(shown));
  }
  if (kept.empty() && dropped == 0) return true;
  std::vector<const EventRow*> pointers;
  for (const EventRow& row : kept) pointers.push_back(&row);
  return session.send_text(tail_frame(pointers, dropped));
}

constexpr int kPolicyViolation = 1008;  // RFC 6455: the client knows that trying again is of no use

// The credential of the upgrade, asked again: whoever signed out, was disabled or lost the project sees no
// more.
std::function<bool()> credential_stands(const Services& services, const net::HttpRequest& request,
                                        const std::shared_ptr<net::WebSocketSession>& session,
                                        const storage::Projects& projects) {
  return [&services, request, session, projects] {
    const auto now = query_projects(services, request);
    const bool stands = now && std::all_of(projects.begin(), projects.end(), [&](ProjectId project) {
                          return std::find(now->begin(), now->end(), project) != now->end();
                        });
    if (!stands) session->close(kPolicyViolation, "the credential of this tail is gone");
    return stands;
  };
}

Result<net::WebSocketCallbacks> open_tail(const Services& services, ingest::TailHub& hub,
                                          const net::HttpRequest& request,
                                          const std::shared_ptr<net::WebSocketSession>& session) {
  ingest::TailRequest wanted;
  TT_ASSIGN(wanted.projects, query_projects(services, request));
  const auto table = table_from(request.param("table").value_or("logs"));
  if (!table) return fail(ErrorKind::invalid_argument, "table: logs, spans or errors");
  wanted.table = *table;
  TT_ASSIGN(auto search, RowSearch::of(request));
  wanted.filter = search.filter();
  wanted.still_allowed = credential_stands(services, request, session, wanted.projects);
  const auto rest = std::make_shared<RowSearch>(std::move(search));  // used on the hub's thread alone
  TT_ASSIGN(const auto id, hub.subscribe(wanted, [session, rest](const auto& rows, std::uint64_t dropped) {
    if (!rest->has_pipeline()) return session->send_text(tail_frame(rows, dropped));
    return send_kept(*session, *rest, rows, dropped);
  }));
  net::WebSocketCallbacks callbacks;
  callbacks.on_close = [&hub, id] { hub.unsubscribe(id); };
  return callbacks;
}

}  // namespace

net::WebSocketAccept tail_accept(const Services& services, ingest::TailHub& hub) {
  return [&services, &hub](const net::HttpRequest& request,
                           const std::shared_ptr<net::WebSocketSession>& session) {
    return open_tail(services, hub, request, session);
  };
}

}  // namespace telltale::api
