#include "api/own/tail.hpp"

#include <algorithm>

#include "api/own/params.hpp"
#include "api/own/row_json.hpp"

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
  TT_ASSIGN(wanted.filter, filter_params(request));
  wanted.still_allowed = credential_stands(services, request, session, wanted.projects);
  TT_ASSIGN(const auto id, hub.subscribe(wanted, [session](const auto& rows, std::uint64_t dropped) {
    return session->send_text(tail_frame(rows, dropped));
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
