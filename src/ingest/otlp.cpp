// OTLP: logs, traces and metrics.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/intake_limits.hpp"
#include "ingest/metric_request.hpp"
#include "ingest/otlp_metrics.hpp"
#include "ingest/request.hpp"
#include "ingest/rows.hpp"

namespace telltale::ingest {
namespace {

// The resource attributes that make a log record's stream, as Loki takes them: few values each, and what
// people choose logs by.
constexpr std::string_view kStreamAttributes[] = {"service.name",
                                                  "service.namespace",
                                                  "service.instance.id",
                                                  "deployment.environment",
                                                  "cloud.region",
                                                  "deployment.environment.name",
                                                  "cloud.availability_zone",
                                                  "k8s.cluster.name",
                                                  "k8s.namespace.name",
                                                  "k8s.pod.name",
                                                  "k8s.container.name",
                                                  "container.name",
                                                  "k8s.replicaset.name",
                                                  "k8s.deployment.name",
                                                  "k8s.statefulset.name",
                                                  "k8s.daemonset.name",
                                                  "k8s.cronjob.name",
                                                  "k8s.job.name"};

AttrKind kind_of_resource(std::string_view name) {
  const auto* end = std::end(kStreamAttributes);
  return std::find(std::begin(kStreamAttributes), end, name) == end ? AttrKind::metadata : AttrKind::label;
}

std::string_view derived_op(wire::otlp::SpanKind kind, const EventRow& row) {
  const auto has = [&](std::string_view name) { return row.find(name) != nullptr; };
  if (has("db.system") || has("db.system.name")) return "db";
  if (has("http.request.method") || has("http.method")) {
    return kind == wire::otlp::SpanKind::server ? "http.server" : "http.client";
  }
  if (has("rpc.service")) return "rpc";
  if (has("messaging.system")) return "message";
  return "default";
}

}  // namespace

EventRow row_of(const wire::otlp::LogBatch& batch, const wire::otlp::LogRecord& record) {
  EventRow row;
  row.time = record.best_time();
  row.message = record.body.empty() ? record.event_name : record.body;
  row.ids.trace_id = record.trace_id;
  row.ids.span_id = record.span_id;
  row.ids.level = record.level();
  set_text(row, "scope.name", batch.scope.name);
  set_text(row, "scope.version", batch.scope.version);
  set_text(row, "severity_text", record.severity_text);
  if (record.severity_number != 0) row.set("severity_number", std::int64_t{record.severity_number});
  for (const Attr& a : record.attributes) row.set(a.name, a.value);
  for (const Attr& a : *batch.resource) {
    const AttrKind kind = kind_of_resource(a.name);
    if (kind == AttrKind::label || row.find(a.name) == nullptr) row.set(a.name, a.value, kind);
  }
  set_text(row, "event.name", record.event_name);
  return row;
}

EventRow row_of(const wire::otlp::SpanBatch& batch, const wire::otlp::Span& span) {
  EventRow row;
  for (const Attr& a : *batch.resource) row.set(a.name, a.value);
  set_text(row, "scope.name", batch.scope.name);
  for (const Attr& a : span.attributes) row.set(a.name, a.value);
  set_span(row, span.trace_id, span.span_id, span.parent_span_id, span.start, span.end);
  row.message = span.name;
  set_text(row, attr::kSpanKind, to_string(span.kind));
  set_text(row, attr::kSpanOp, derived_op(span.kind, row));
  set_text(row, attr::kSpanStatus, to_string(span.status));
  set_text(row, "span.status_message", span.status_message);
  set_span_parts(row, span.events, span.links);
  return row;
}

namespace {

/// Whether all rows of a batch may be given what they share; else they are refused.
bool may_share(Request& request, const wire::otlp::Resource& resource, const wire::otlp::Scope& scope,
               std::size_t records, std::size_t& index) {
  const std::size_t bytes = wire::otlp::decoded_bytes(*resource) + scope.name.size() + scope.version.size();
  if (bytes <= limits::kMaxSharedBytes) return true;
  request.error(index, fmt::format("resource and scope: over {} bytes", limits::kMaxSharedBytes));
  request.outcome.rejected.add_untold(records - 1);
  index += records;
  return false;
}

}  // namespace

Result<Outcome> Ingest::otlp_logs(ProjectId project, std::string_view body, wire::otlp::Encoding encoding) {
  TT_ASSIGN(Request request, impl_->begin(project));
  TT_ASSIGN(const auto parsed, wire::otlp::parse_logs(body, encoding));
  request.errors(parsed.errors);
  std::size_t index = 0;
  for (const auto& batch : parsed.batches) {
    if (!may_share(request, batch.resource, batch.scope, batch.records.size(), index)) continue;
    for (const auto& record : batch.records) {
      if (!request.is_full(index)) request.add(Table::logs, row_of(batch, record), Id128{}, index);
      ++index;
    }
  }
  return impl_->finish(std::move(request));
}

Result<Outcome> Ingest::otlp_traces(ProjectId project, std::string_view body, wire::otlp::Encoding encoding) {
  TT_ASSIGN(Request request, impl_->begin(project));
  TT_ASSIGN(const auto parsed, wire::otlp::parse_traces(body, encoding));
  request.errors(parsed.errors);
  std::size_t index = 0;
  for (const auto& batch : parsed.batches) {
    if (!may_share(request, batch.resource, batch.scope, batch.spans.size(), index)) continue;
    for (const auto& span : batch.spans) {
      if (!request.is_full(index)) {
        EventRow row = row_of(batch, span);
        const Id128 id = span_dedup_id(project, row);
        request.add(Table::spans, std::move(row), id, index);
      }
      ++index;
    }
  }
  return impl_->finish(std::move(request));
}

Result<MetricOutcome> Ingest::otlp_metrics(ProjectId project, std::string_view body,
                                           wire::otlp::Encoding encoding) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(*impl_, project));
  TT_ASSIGN(auto parsed, wire::otlp::parse_metrics(body, encoding));
  wire::MetricWrite write;
  for (const auto& e : parsed.errors) write.refuse(e.index, e.reason);
  write.refused += parsed.errors.untold();
  write.refused_samples += parsed.errors.untold();
  OtlpMetricWriter writer(impl_->options.otlp_metrics, impl_->delta_totals, project,
                          {request.now(), request.oldest(), request.newest()}, write);
  for (const auto& batch : parsed.batches) writer.add(batch);
  writer.finish();
  return request.commit(std::move(write));
}

}  // namespace telltale::ingest
