// Each protocol's own structs as rows, made in that protocol's file here. Pure: no limits, no redaction, no
// clock.
#pragma once

#include "errors/rules.hpp"
#include "logs/file_follower.hpp"
#include "model/event_row.hpp"
#include "wire/loki/push.hpp"
#include "wire/otlp/logs.hpp"
#include "wire/otlp/traces.hpp"
#include "wire/sentry/event.hpp"
#include "wire/syslog/message.hpp"

namespace telltale::ingest {

/// Title, hashes and culprit come from grouping the event; the payload is left to the caller.
EventRow row_of(const wire::sentry::ErrorEvent& event, const errors::GroupingRules& rules);
/// What grouping looks at.
errors::GroupingInput grouping_input(const wire::sentry::ErrorEvent& event);
/// `span` is one of `transaction`'s.
EventRow row_of(const wire::sentry::TransactionEvent& transaction, const wire::sentry::SentrySpan& span);
/// A span that came alone (span v2).
EventRow row_of(const wire::sentry::SentrySpan& span);
EventRow row_of(const wire::sentry::LogItem& log);
EventRow row_of(const wire::loki::Stream& stream, wire::loki::Entry entry);
EventRow row_of(const wire::otlp::LogBatch& batch, const wire::otlp::LogRecord& record);
EventRow row_of(const wire::otlp::SpanBatch& batch, const wire::otlp::Span& span);
/// `peer` is the sender's address, the host of a message that names none.
EventRow row_of(const wire::syslog::Message& message, std::string_view peer);
EventRow row_of(const logs::FileSource& source, std::string_view path, std::string_view line);

/// Sets the attribute unless `value` is empty.
void set_text(EventRow& row, std::string_view name, std::string_view value);
/// Time, ids and duration of a span.
void set_span(EventRow& row, Id128 trace, Id64 span, Id64 parent, UnixNanos start, UnixNanos end);
/// What happened in a span and what it is linked to, as its payload:
/// `{"events":[{time,name,attributes}],"links":[{trace_id,span_id,attributes}]}`, as much of it as fits into
/// limits::kMaxAttributeValueBytes; `span.event_count` and `span.link_count` say how many there were.
void set_span_parts(EventRow& row, const std::vector<wire::otlp::SpanEvent>& events,
                    const std::vector<wire::otlp::SpanLink>& links);

}  // namespace telltale::ingest
