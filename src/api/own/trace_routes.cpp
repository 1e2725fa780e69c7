// Traces.
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "base/limits.hpp"

namespace telltale::api {
namespace {

struct TraceSpans {
  Id128 id;
  Rows spans;
};

Result<TraceSpans> one_trace(const Services& services, const net::HttpRequest& request,
                             WorkContext& context) {
  storage::EventQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  const auto id = Id128::parse(request.path_params.find("trace_id")->second);
  if (!id) return fail(ErrorKind::invalid_argument, "trace_id: 32 hexadecimal digits");
  query.table = Table::spans;
  query.filter = storage::EventFilter::leaf(storage::FilterOp::eq, "trace_id", id->hex());
  query.order = storage::Order::oldest_first;
  query.limit = limits::kMaxSpansPerTrace;
  TT_ASSIGN(auto spans, storage::collect(services.events, query, context));
  if (spans.empty()) return fail(ErrorKind::not_found, "trace_id: no span of this trace");
  return TraceSpans{*id, std::move(spans)};
}

}  // namespace

void add_trace_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/traces/{trace_id}",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<TraceSpans>(one_trace(services, r, c), [](JsonWriter& w, const TraceSpans& trace) {
          w.field("trace_id", trace.id.hex());
          write_rows(w, "spans", trace.spans);
        });
      },
      query_route(services));
}

}  // namespace telltale::api
