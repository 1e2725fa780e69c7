#include "api/otlp/grpc.hpp"

#include "api/otlp/rpc_code.hpp"
#include "wire/otlp/common.hpp"

namespace telltale::api {
namespace {

constexpr int kResourceExhausted = 8;
constexpr int kUnimplemented = 12;
constexpr int kUnavailable = 14;
constexpr Nanos kRetryDelay = std::chrono::seconds(5);
constexpr std::string_view kLogsExport = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr std::string_view kMetricsExport = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
constexpr std::string_view kTraceExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

net::GrpcResponse grpc_error(const Error& error) {
  const int code = rpc_code(error.kind());
  // OTLP clients send again after RESOURCE_EXHAUSTED only where RetryInfo says when.
  if (code == kUnavailable || code == kResourceExhausted) return otlp_grpc_busy(error.message());
  net::GrpcResponse response;
  response.code = code;
  response.message = error.message();
  return response;
}

}  // namespace

net::GrpcResponse otlp_grpc_busy(std::string_view message) {
  net::GrpcResponse response;
  response.code = kResourceExhausted;
  response.message = std::string(message);
  response.details = wire::otlp::encode_retry_status(kResourceExhausted, message, kRetryDelay);
  // Where OpenTelemetry's Python exporter looks.
  response.trailers = {{"google.rpc.retryinfo-bin", wire::otlp::encode_retry_info(kRetryDelay)}};
  return response;
}

net::GrpcResponse otlp_grpc(const Services& services, const net::GrpcRequest& request) {
  using wire::otlp::Encoding;
  using wire::otlp::Signal;
  const bool logs = request.method == kLogsExport;
  const bool metrics = request.method == kMetricsExport;
  if (!logs && !metrics && request.method != kTraceExport) {
    net::GrpcResponse response;
    response.code = kUnimplemented;
    response.message = request.method + " is not there: logs, traces and metrics are";
    return response;
  }
  const auto principal = services.accounts.authenticate_header(request.authorization, request.peer);
  if (!principal) return grpc_error(principal.error());
  if (const auto allowed = principal->require(accounts::Scope::ingest); !allowed)
    return grpc_error(allowed.error());
  const auto project = principal->default_project();
  if (metrics) {
    const auto outcome = services.ingest.otlp_metrics(project, request.body, Encoding::protobuf);
    if (!outcome) return grpc_error(outcome.error());
    net::GrpcResponse response;
    const std::string reason = outcome->rejected.empty() ? "" : outcome->rejected.front().reason;
    response.body = wire::otlp::encode_response(Signal::metrics, Encoding::protobuf,
                                                static_cast<std::int64_t>(outcome->refused), reason);
    return response;
  }
  const auto outcome = logs ? services.ingest.otlp_logs(project, request.body, Encoding::protobuf)
                            : services.ingest.otlp_traces(project, request.body, Encoding::protobuf);
  if (!outcome) return grpc_error(outcome.error());
  net::GrpcResponse response;
  const std::string reason = outcome->rejected.empty() ? "" : outcome->rejected.front().reason;
  response.body = wire::otlp::encode_response(logs ? Signal::logs : Signal::traces, Encoding::protobuf,
                                              static_cast<std::int64_t>(outcome->rejected.size()), reason);
  return response;
}

}  // namespace telltale::api
