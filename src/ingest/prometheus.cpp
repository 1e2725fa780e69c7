// Prometheus' remote write.
#include "base/metric_limits.hpp"
#include "ingest/metric_request.hpp"
#include "wire/prometheus/remote_write.hpp"

namespace telltale::ingest {

Result<MetricOutcome> Ingest::remote_write(ProjectId project, std::string_view body, Codec codec,
                                           wire::prometheus::WriteVersion version) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(*impl_, project));
  TT_ASSIGN(const std::string plain, decompress(codec, body, limits::kMaxWriteBytes));
  TT_ASSIGN(auto write, wire::prometheus::parse_remote_write(plain, version));
  return request.commit(std::move(write));
}

}  // namespace telltale::ingest
