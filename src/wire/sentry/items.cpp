// Transactions and the list-shaped items: logs, spans, client reports.
#include <cmath>

#include "base/limits.hpp"
#include "wire/sentry/common.hpp"

namespace telltale::wire::sentry {
namespace {

/// Times and ids every span must have; the reason when it has not.
std::string read_span_core(json::Value v, std::string_view end_field, SentrySpan& out) {
  const auto start = json::get_time(v, "start_timestamp");
  const auto end = json::get_time(v, end_field);
  out.span_id = read_id64(v, "span_id");
  if (!out.span_id.present()) return "span_id: missing or malformed";
  if (!start) return "start_timestamp: missing or malformed";
  if (!end) return std::string(end_field) + ": missing or malformed";
  out.start = *start;
  out.end = std::max(*start, *end);
  return {};
}

/// Attributes are plain values in transactions, `{type, value}` in span items.
void read_links(json::Value v, std::vector<Attr> (*attributes)(json::Value, std::string_view),
                SentrySpan& out) {
  const auto links = json::get_array(v, "links");
  if (!links) return;
  for (const json::Value link : *links) {
    SentryLink one{read_id128(link, "trace_id"), read_id64(link, "span_id"), {}};
    if (!one.trace_id.present()) continue;
    one.attributes = attributes(link, "attributes");
    out.links.push_back(std::move(one));
  }
}

Result<SentrySpan> read_child(json::Value v, Id128 trace_id) {
  SentrySpan out;
  if (!v.is_object()) return fail(ErrorKind::invalid_argument, "spans: expected an object");
  if (auto reason = read_span_core(v, "timestamp", out); !reason.empty())
    return fail(ErrorKind::invalid_argument, std::move(reason));
  out.trace_id = read_id128(v, "trace_id");
  if (!out.trace_id.present()) out.trace_id = trace_id;
  out.parent_span_id = read_id64(v, "parent_span_id");
  out.op = json::get_text(v, "op");
  out.description = json::get_text(v, "description");
  out.status = json::get_text(v, "status");
  out.origin = json::get_text(v, "origin");
  out.tags = read_pairs(v, "tags");
  out.data = read_attrs(v, "data");
  read_links(v, read_attrs, out);
  return out;
}

Result<SentrySpan> read_root(json::Value payload, const TransactionEvent& event) {
  SentrySpan out;
  const auto start = json::get_time(payload, "start_timestamp");
  if (!start)
    return fail(ErrorKind::invalid_argument, "transaction: start_timestamp is missing or malformed");
  if (!event.timestamp)
    return fail(ErrorKind::invalid_argument, "transaction: timestamp is missing or malformed");
  if (!event.trace.trace_id.present())
    return fail(ErrorKind::invalid_argument, "transaction: contexts.trace.trace_id is missing or malformed");
  if (!event.trace.span_id.present())
    return fail(ErrorKind::invalid_argument, "transaction: contexts.trace.span_id is missing or malformed");
  out.trace_id = event.trace.trace_id;
  out.span_id = event.trace.span_id;
  out.parent_span_id = event.trace.parent_span_id;
  out.op = event.trace.op;
  out.description = event.transaction;
  out.status = event.trace.status;
  out.origin = event.trace.origin;
  out.start = *start;
  out.end = std::max(*start, *event.timestamp);
  out.is_root = true;
  out.tags = event.tags;
  out.data = event.trace.data;
  const auto contexts = json::get(payload, "contexts");
  const auto trace = contexts ? json::get(*contexts, "trace") : std::nullopt;
  if (trace && trace->is_object()) read_links(*trace, read_attrs, out);
  return out;
}

Result<LogItem> read_log(json::Value v) {
  LogItem out;
  const auto time = json::get_time(v, "timestamp");
  if (!time) return fail(ErrorKind::invalid_argument, "timestamp: missing or malformed");
  const auto body = json::get(v, "body");
  if (!body || body->is_null()) return fail(ErrorKind::invalid_argument, "body: missing");
  out.timestamp = *time;
  out.body = json::text_of(*body);
  out.trace_id = read_id128(v, "trace_id");
  out.span_id = read_id64(v, "span_id");
  out.level = level_from(json::get_text(v, "level"));
  out.severity_number = json::get_int(v, "severity_number");
  out.attributes = read_typed_attrs(v, "attributes");
  return out;
}

Result<MetricItem> read_metric(json::Value v) {
  const auto wrong = [](const char* why) { return fail(ErrorKind::invalid_argument, why); };
  MetricItem out;
  if (!v.is_object()) return wrong("items: expected an object");
  const auto time = json::get_time(v, "timestamp");
  if (!time) return wrong("timestamp: missing or malformed");
  out.timestamp = *time;
  out.name = json::get_text(v, "name");
  if (out.name.empty()) return wrong("name: missing");
  const auto value = json::get(v, "value");
  const auto number = value ? json::double_of(*value) : std::nullopt;
  if (!number || !std::isfinite(*number)) return wrong("value: must be a number");
  out.value = *number;
  const std::string type = json::get_text(v, "type");
  if (type == "counter") {
    out.type = MetricItemType::counter;
    if (out.value < 0) return wrong("value: a counter does not fall");
  } else if (type == "gauge") {
    out.type = MetricItemType::gauge;
  } else if (type == "distribution") {
    out.type = MetricItemType::distribution;
  } else {
    return wrong("type: must be counter, gauge or distribution");
  }
  out.unit = json::get_text(v, "unit");
  out.trace_id = read_id128(v, "trace_id");
  out.span_id = read_id64(v, "span_id");
  out.attributes = read_typed_attrs(v, "attributes");
  return out;
}

Result<SentrySpan> read_span_v2(json::Value v) {
  SentrySpan out;
  if (auto reason = read_span_core(v, "end_timestamp", out); !reason.empty())
    return fail(ErrorKind::invalid_argument, std::move(reason));
  out.trace_id = read_id128(v, "trace_id");
  if (!out.trace_id.present()) return fail(ErrorKind::invalid_argument, "trace_id: missing or malformed");
  out.parent_span_id = read_id64(v, "parent_span_id");
  out.description = json::get_text(v, "name");
  out.status = json::get_text(v, "status");
  out.is_root = json::get_bool(v, "is_segment").value_or(false);
  out.data = read_typed_attrs(v, "attributes");
  read_links(v, read_typed_attrs, out);
  for (const Attr& a : out.data) {
    const auto* text = std::get_if<std::string>(&a.value);
    if (text && a.name == "sentry.op") out.op = *text;
    if (text && a.name == "sentry.origin") out.origin = *text;
  }
  return out;
}

template <class T>
Result<Items<T>> read_items(std::string_view json, std::string_view what, Result<T> (*read)(json::Value)) {
  TT_ASSIGN(const auto doc, read_payload(json, what, limits::kMaxDecodedBodyBytes));
  const auto list = json::get_array(doc.root(), "items");
  if (!list) return fail(ErrorKind::invalid_argument, std::string(what) + ": items: expected a list");
  Items<T> out;
  std::size_t index = 0;
  for (const json::Value v : *list) {
    if (index++ >= limits::kMaxRowsPerRequest) {
      if (index == limits::kMaxRowsPerRequest + 1)
        out.errors.add(index - 1, "items: over the limit of " + std::to_string(limits::kMaxRowsPerRequest) +
                                      "; the rest is dropped");
      else
        out.errors.add_untold(1);
      continue;
    }
    auto item = read(v);
    if (item) {
      out.items.push_back(*std::move(item));
    } else {
      out.errors.add(index - 1, item.error().message());
    }
  }
  return out;
}

}  // namespace

Result<TransactionEvent> parse_transaction(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "transaction", limits::kMaxTransactionBytes));
  const json::Value payload = doc.root();
  TransactionEvent out;
  read_common(payload, out);
  TT_ASSIGN(SentrySpan root, read_root(payload, out));
  const Id128 trace_id = root.trace_id;
  out.spans.push_back(std::move(root));
  const auto spans = json::get_array(payload, "spans");
  if (!spans) return out;
  std::size_t index = 0;
  for (const json::Value v : *spans) {
    if (index == limits::kMaxSpansPerTransaction) {
      out.errors.push_back({index, "spans: over " + std::to_string(index) + "; the rest is dropped"});
      break;
    }
    auto child = read_child(v, trace_id);
    if (child) {
      out.spans.push_back(*std::move(child));
    } else {
      out.errors.push_back({index, child.error().message()});
    }
    ++index;
  }
  return out;
}

Result<Items<LogItem>> parse_log_items(std::string_view json) { return read_items(json, "log", read_log); }

Result<Items<MetricItem>> parse_metric_items(std::string_view json) {
  return read_items(json, "trace_metric", read_metric);
}

Result<Items<SentrySpan>> parse_span_items(std::string_view json) {
  return read_items(json, "span", read_span_v2);
}

Result<ClientReport> parse_client_report(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "client_report", limits::kMaxErrorEventBytes));
  ClientReport out;
  out.timestamp = json::get_time(doc.root(), "timestamp");
  const auto list = json::get_array(doc.root(), "discarded_events");
  if (!list) return out;
  for (const json::Value v : *list) {
    const auto quantity = json::get_int(v, "quantity");
    if (!quantity || *quantity < 0) continue;
    out.discarded.push_back(
        {json::get_text(v, "reason"), json::get_text(v, "category"), static_cast<std::uint64_t>(*quantity)});
  }
  return out;
}

}  // namespace telltale::wire::sentry
