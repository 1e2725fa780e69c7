// InfluxDB's line protocol.
#include "ingest/metric_request.hpp"
#include "wire/influx/lines.hpp"

namespace telltale::ingest {

Result<MetricOutcome> Ingest::influx_write(ProjectId project, std::string_view body, std::int64_t unit_ns,
                                           std::string_view db) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(*impl_, project));
  return request.commit(wire::influx::parse_lines(body, {unit_ns, request.now(), db}));
}

}  // namespace telltale::ingest
