// Sentry's events, transactions, spans and logs as rows.
#include <algorithm>

#include <fmt/format.h>

#include "base/input_limits.hpp"
#include "errors/grouping.hpp"
#include "ingest/enrich.hpp"
#include "ingest/rows.hpp"

namespace telltale::ingest {
namespace {

std::vector<errors::GroupingFrame> grouping_frames(const std::vector<wire::sentry::Frame>& frames) {
  std::vector<errors::GroupingFrame> out;
  const std::size_t kept = std::min(frames.size(), limits::kMaxGroupingFrames);
  out.reserve(kept);
  for (std::size_t i = 0; i < kept; ++i) {
    const auto& f = frames[i < limits::kMaxGroupingFrames / 5 ? i : frames.size() - kept + i];
    out.push_back({f.function, f.raw_function, f.module, f.package, f.filename, f.abs_path, f.context_line,
                   f.platform, f.in_app, f.lineno, f.colno});
  }
  return out;
}

// Ids and attributes that errors and transactions share.
EventRow common_row(const wire::sentry::EventCommon& e) {
  EventRow row;
  if (e.timestamp) row.time = *e.timestamp;
  row.ids.environment = e.environment;
  row.ids.release = e.release;
  row.ids.host = e.server_name;
  row.ids.trace_id = e.trace.trace_id;
  row.ids.span_id = e.trace.span_id;
  row.ids.request_id = e.request_id;
  row.ids.user_id = std::string(e.user.best());
  row.ids.transaction = e.transaction;
  row.ids.level = e.level;
  if (e.event_id.present()) row.set(std::string(attr::kEventId), e.event_id.hex());
  set_text(row, attr::kPlatform, e.platform);
  set_text(row, attr::kLogger, e.logger);
  set_text(row, "http.request.method", e.request.method);
  set_text(row, "url.full", e.request.url);
  set_text(row, "user.email", e.user.email);
  set_text(row, "user.name", e.user.username);
  set_text(row, "sdk", e.sdk_name.empty() ? "" : e.sdk_name + "/" + e.sdk_version);
  for (const auto& [name, value] : e.tags) set_text(row, name, value);
  return row;
}

// What Sentry sends names no service; without a tag that does, it is the server's name (and without that, the
// project's slug: Ingest knows it).
void set_sentry_service(EventRow& row, std::string_view server_name) {
  fill_ids(row);
  if (row.ids.service.empty()) row.ids.service = server_name;
}

// The span's own columns come last: a client's attribute of the same name does not replace them.
void fill_sentry_span(EventRow& row, const wire::sentry::SentrySpan& span) {
  for (const auto& [name, value] : span.tags) set_text(row, name, value);
  for (const Attr& a : span.data) row.set(a.name, a.value);
  set_span(row, span.trace_id, span.span_id, span.parent_span_id, span.start, span.end);
  row.message = span.description.empty() ? span.op : span.description;
  set_text(row, attr::kSpanOp, span.op);
  set_text(row, attr::kSpanStatus, span.status.empty() ? "unset" : span.status);
  set_text(row, "span.origin", span.origin);
  std::vector<wire::otlp::SpanLink> links;
  for (const auto& link : span.links) links.push_back({link.trace_id, link.span_id, link.attributes});
  set_span_parts(row, {}, links);
}

}  // namespace

errors::GroupingInput grouping_input(const wire::sentry::ErrorEvent& e) {
  errors::GroupingInput in;
  in.checksum = e.checksum;
  in.fingerprint = e.fingerprint;
  for (const auto& x : e.exceptions) {
    if (in.exceptions.size() >= limits::kMaxGroupingExceptions) break;
    errors::GroupingException g;
    g.type = x.type;
    g.value = x.value;
    g.module = x.module;
    g.mechanism = x.mechanism;
    g.synthetic = x.synthetic;
    g.group = x.group;
    g.exception_id = x.exception_id;
    g.parent_id = x.parent_id;
    g.frames = grouping_frames(x.frames);
    in.exceptions.push_back(std::move(g));
  }
  for (const auto& t : e.threads) in.threads.push_back({t.crashed, t.current, grouping_frames(t.frames)});
  in.message = e.message;
  in.formatted = e.formatted;
  in.logger = e.logger;
  in.platform = e.platform;
  in.transaction = e.transaction;
  in.release = e.release;
  in.environment = e.environment;
  in.level = std::string(to_string(e.level));
  in.culprit = e.culprit;
  in.tags = e.tags;
  return in;
}

EventRow row_of(const wire::sentry::ErrorEvent& event, const errors::GroupingRules& rules) {
  EventRow row = common_row(event);
  if (row.ids.level == Level::unknown) row.ids.level = Level::error;
  const auto group = errors::group_event(grouping_input(event), rules);
  row.message = group.title;
  std::string hashes;
  for (const auto& variant : group.variants) hashes.append(hashes.empty() ? "" : " ").append(variant.hash);
  row.set(std::string(attr::kGroupHashes), hashes);
  set_text(row, attr::kGroupHashesBefore, fmt::format("{}", fmt::join(group.before, " ")));
  set_text(row, attr::kCulprit, group.culprit);
  set_text(row, attr::kErrorType, group.type);
  set_text(row, attr::kErrorValue, group.value);
  if (!event.exceptions.empty() && event.exceptions.back().handled) {
    row.set(std::string(attr::kHandled), *event.exceptions.back().handled);
  }
  set_sentry_service(row, event.server_name);
  return row;
}

EventRow row_of(const wire::sentry::TransactionEvent& transaction, const wire::sentry::SentrySpan& span) {
  EventRow row;
  if (span.is_root) {
    row = common_row(transaction);
    row.set(std::string(attr::kIsTransaction), true);
    row.set(std::string(attr::kSpanKind), std::string("server"));
    if (transaction.response_status) row.set("http.response.status_code", *transaction.response_status);
  } else {
    row.ids.environment = transaction.environment;
    row.ids.release = transaction.release;
    row.ids.host = transaction.server_name;
    row.ids.request_id = transaction.request_id;
    row.ids.user_id = std::string(transaction.user.best());
    row.ids.transaction = transaction.transaction;
  }
  fill_sentry_span(row, span);
  set_sentry_service(row, transaction.server_name);
  return row;
}

EventRow row_of(const wire::sentry::SentrySpan& span) {
  EventRow row;
  fill_sentry_span(row, span);
  return row;
}

EventRow row_of(const wire::sentry::LogItem& log) {
  EventRow row;
  row.time = log.timestamp;
  row.ids.trace_id = log.trace_id;
  row.ids.span_id = log.span_id;
  row.ids.level = log.level;
  row.message = log.body;
  row.attributes = log.attributes;
  // Under this name SDKs send their server's name with a log.
  const AttrValue* server = row.find("server.address");
  set_sentry_service(row, server == nullptr ? std::string() : to_string(*server));
  return row;
}

}  // namespace telltale::ingest
