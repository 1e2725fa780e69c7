#include "ingest/ingest.hpp"

#include <array>
#include <atomic>
#include <optional>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ingest/enrich.hpp"
#include "ingest/rows.hpp"
#include "wire/sentry/envelope.hpp"

namespace telltale::ingest {
namespace {

// The id under which a client's own id is remembered: ids of different projects and kinds must not meet.
Id128 dedup_id(ProjectId project, char kind, std::string_view id) {
  std::string key = fmt::format("{}/{}/", project.value, kind);
  key.append(id);
  return hash128(key);
}

Id128 span_dedup_id(ProjectId project, const EventRow& span) {
  return dedup_id(project, 's', span.ids.trace_id.hex() + span.ids.span_id.hex());
}

struct TimeBounds {
  Nanos max_past;
  Nanos max_future;
};

}  // namespace

struct Ingest::Impl {
  Pipeline& pipeline;
  const redact::Redactor& redactor;
  const Clock& clock;
  const IngestOptions options;
  std::array<Counter*, redact::kRuleCount> redacted{};
  Counter& rejected;
  Counter& skipped;
  Counter& client_discards;
  std::atomic<Nanos> max_past{options.max_past};
  std::atomic<Nanos> max_future{options.max_future};

  TimeBounds bounds() const { return {max_past.load(), max_future.load()}; }
};

namespace {

// A request on its way: collects rows, then commits them.
class Request {
 public:
  Request(ProjectId project, UnixNanos now, const redact::Redactor& redactor, const IngestOptions& options,
          TimeBounds bounds)
      : project_(project), now_(now), redactor_(redactor), options_(options), bounds_(bounds) {
    batch.project = project;
    batch.received = now;
  }

  /// False, with a reason in the outcome, when the row's time is out of bounds.
  bool add(Table table, EventRow row, Id128 id, std::size_t index) {
    if (row.time.ns == 0) row.time = now_;
    if (row.time < now_ - bounds_.max_past || row.time > now_ + bounds_.max_future) {
      outcome.rejected.push_back(
          {index, fmt::format("timestamp {}: outside of ingest.max_past and ingest.max_future",
                              format_rfc3339(row.time))});
      return false;
    }
    row.project = project_;
    row.received = now_;
    if (table == Table::logs) parse_json_line(row);
    fill_ids(row);
    if (row.ids.service.empty() && by_project) row.ids.service = project_slug();
    bound_row(row);
    redact_row(row, redactor_, counts);
    batch.rows(table).push_back(std::move(row));
    ids_of(table).push_back(id);
    return true;
  }

  void error(std::size_t index, std::string reason) {
    outcome.rejected.push_back({index, std::move(reason)});
  }

  bool by_project = false;  // a row that names no service belongs to the project's
  storage::Batch batch;
  ClientIds ids;
  Outcome outcome;
  redact::Counts counts{};

 private:
  std::vector<Id128>& ids_of(Table table) {
    return table == Table::logs ? ids.logs : table == Table::spans ? ids.spans : ids.errors;
  }
  // Read once a request, and only by those that need it: most clients name their server.
  const std::string& project_slug() {
    if (!slug_) slug_ = options_.slug_of(project_);
    return *slug_;
  }
  std::optional<std::string> slug_;
  const ProjectId project_;
  const UnixNanos now_;
  const redact::Redactor& redactor_;
  const IngestOptions& options_;
  const TimeBounds bounds_;
};

// One event: the payload is redacted first, so that title, hashes and columns come from what is stored.
void add_event(Request& request, ProjectId project, const redact::Redactor& redactor, Id128 envelope_id,
               std::string_view json, std::size_t index) {
  auto payload = wire::sentry::normalise_json(json);
  if (!payload) return request.error(index, "event: " + payload.error().message());
  redactor.redact_json(*payload, &request.counts);
  auto event = wire::sentry::parse_event(*payload);
  if (!event) return request.error(index, "event: " + event.error().message());
  if (envelope_id.present()) event->event_id = envelope_id;
  request.outcome.event_id = event->event_id;
  EventRow row = row_of(*event);
  row.payload = std::move(*payload);
  const Id128 id = event->event_id.present() ? dedup_id(project, 'e', event->event_id.hex()) : Id128{};
  request.add(Table::errors, std::move(row), id, index);
}

void add_transaction(Request& request, ProjectId project, Id128 envelope_id, std::string_view json,
                     std::size_t index) {
  auto transaction = wire::sentry::parse_transaction(json);
  if (!transaction) return request.error(index, "transaction: " + transaction.error().message());
  if (envelope_id.present()) transaction->event_id = envelope_id;
  request.outcome.event_id = transaction->event_id;
  for (const auto& span : transaction->spans) {
    EventRow row = row_of(*transaction, span);
    const Id128 id = span_dedup_id(project, row);
    request.add(Table::spans, std::move(row), id, index);
  }
  for (const auto& e : transaction->errors)
    request.error(index, fmt::format("spans[{}]: {}", e.index, e.reason));
}

}  // namespace

Ingest::Ingest(Pipeline& pipeline, const redact::Redactor& redactor, const Clock& clock,
               MetricsRegistry& metrics, IngestOptions options)
    : impl_(new Impl{pipeline,
                     redactor,
                     clock,
                     options,
                     {},
                     metrics.counter("telltale_ingest_dropped_total", "What was not accepted, by reason.",
                                     {{"reason", "invalid"}}),
                     metrics.counter("telltale_ingest_dropped_total", "What was not accepted, by reason.",
                                     {{"reason", "unsupported_item"}}),
                     metrics.counter("telltale_client_discarded_total",
                                     "What clients report to have dropped themselves.")}) {
  for (std::size_t i = 0; i < redact::kRuleCount; ++i) {
    impl_->redacted[i] =
        &metrics.counter("telltale_redacted_total", "Values masked before they were stored, by rule.",
                         {{"rule", std::string(to_string(static_cast<redact::Rule>(i)))}});
  }
}

Ingest::~Ingest() = default;

void Ingest::set_time_bounds(Nanos max_past, Nanos max_future) {
  impl_->max_past = max_past;
  impl_->max_future = max_future;
}

namespace {

Result<Outcome> finish(Request request, Pipeline& pipeline,
                       const std::array<Counter*, redact::kRuleCount>& redacted, Counter& rejected) {
  for (std::size_t i = 0; i < redact::kRuleCount; ++i) {
    if (request.counts[i] > 0) redacted[i]->add(request.counts[i]);
  }
  rejected.add(request.outcome.rejected.size());
  TT_ASSIGN(const auto committed, pipeline.commit(std::move(request.batch), request.ids));
  request.outcome.accepted = committed.rows;
  request.outcome.duplicates = committed.duplicates;
  return std::move(request.outcome);
}

}  // namespace

Result<Outcome> Ingest::sentry_envelope(ProjectId project, std::string_view body) {
  TT_ASSIGN(const auto envelope, wire::sentry::parse_envelope(body));
  Request request(project, impl_->clock.now(), impl_->redactor, impl_->options, impl_->bounds());
  request.by_project = true;
  for (const auto& e : envelope.errors) request.error(e.index, e.reason);
  using wire::sentry::ItemType;
  for (std::size_t i = 0; i < envelope.items.size(); ++i) {
    const auto& item = envelope.items[i];
    if (item.type == ItemType::event) {
      add_event(request, project, impl_->redactor, envelope.header.event_id, item.payload, i);
    } else if (item.type == ItemType::transaction) {
      add_transaction(request, project, envelope.header.event_id, item.payload, i);
    } else if (item.type == ItemType::log) {
      auto logs = wire::sentry::parse_log_items(item.payload);
      if (!logs) {
        request.error(i, "log: " + logs.error().message());
        continue;
      }
      for (const auto& log : logs->items) request.add(Table::logs, row_of(log), Id128{}, i);
      for (const auto& e : logs->errors) request.error(i, fmt::format("items[{}]: {}", e.index, e.reason));
    } else if (item.type == ItemType::span) {
      auto spans = wire::sentry::parse_span_items(item.payload);
      if (!spans) {
        request.error(i, "span: " + spans.error().message());
        continue;
      }
      for (const auto& span : spans->items) {
        EventRow row = row_of(span);
        const Id128 id = span_dedup_id(project, row);
        request.add(Table::spans, std::move(row), id, i);
      }
      for (const auto& e : spans->errors) request.error(i, fmt::format("items[{}]: {}", e.index, e.reason));
    } else if (item.type == ItemType::client_report) {
      if (const auto report = wire::sentry::parse_client_report(item.payload)) {
        for (const auto& d : report->discarded) impl_->client_discards.add(d.quantity);
      }
    } else {
      impl_->skipped.add();
    }
  }
  return finish(std::move(request), impl_->pipeline, impl_->redacted, impl_->rejected);
}

Result<Outcome> Ingest::sentry_store(ProjectId project, std::string_view body) {
  Request request(project, impl_->clock.now(), impl_->redactor, impl_->options, impl_->bounds());
  request.by_project = true;
  add_event(request, project, impl_->redactor, Id128{}, body, 0);
  if (!request.outcome.rejected.empty()) {
    return fail(ErrorKind::invalid_argument, request.outcome.rejected.front().reason);
  }
  return finish(std::move(request), impl_->pipeline, impl_->redacted, impl_->rejected);
}

Result<Outcome> Ingest::loki_push(ProjectId project, std::string_view body, LokiFormat format) {
  auto parsed = format == LokiFormat::json          ? wire::loki::parse_push_json(body)
                : format == LokiFormat::legacy_json ? wire::loki::parse_push_legacy_json(body)
                                                    : wire::loki::parse_push_snappy(body);
  if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
  Request request(project, impl_->clock.now(), impl_->redactor, impl_->options, impl_->bounds());
  for (auto& e : parsed->errors) request.error(e.index, std::move(e.reason));
  std::size_t index = 0;
  for (const auto& stream : parsed->streams) {
    for (const auto& entry : stream.entries)
      request.add(Table::logs, row_of(stream, entry), Id128{}, index++);
  }
  return finish(std::move(request), impl_->pipeline, impl_->redacted, impl_->rejected);
}

Result<Outcome> Ingest::otlp_logs(ProjectId project, std::string_view body, wire::otlp::Encoding encoding) {
  TT_ASSIGN(auto parsed, wire::otlp::parse_logs(body, encoding));
  Request request(project, impl_->clock.now(), impl_->redactor, impl_->options, impl_->bounds());
  for (auto& e : parsed.errors) request.error(e.index, std::move(e.reason));
  std::size_t index = 0;
  for (const auto& batch : parsed.batches) {
    for (const auto& record : batch.records)
      request.add(Table::logs, row_of(batch, record), Id128{}, index++);
  }
  return finish(std::move(request), impl_->pipeline, impl_->redacted, impl_->rejected);
}

Result<Outcome> Ingest::otlp_traces(ProjectId project, std::string_view body, wire::otlp::Encoding encoding) {
  TT_ASSIGN(auto parsed, wire::otlp::parse_traces(body, encoding));
  Request request(project, impl_->clock.now(), impl_->redactor, impl_->options, impl_->bounds());
  for (auto& e : parsed.errors) request.error(e.index, std::move(e.reason));
  std::size_t index = 0;
  for (const auto& batch : parsed.batches) {
    for (const auto& span : batch.spans) {
      EventRow row = row_of(batch, span);
      const Id128 id = span_dedup_id(project, row);
      request.add(Table::spans, std::move(row), id, index++);
    }
  }
  return finish(std::move(request), impl_->pipeline, impl_->redacted, impl_->rejected);
}

}  // namespace telltale::ingest
