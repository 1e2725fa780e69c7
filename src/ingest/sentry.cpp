// Sentry: envelopes and the old store endpoint. Rows of their items are made in sentry_rows.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "base/health_limits.hpp"
#include "base/intake_limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "ingest/metric_request.hpp"
#include "ingest/request.hpp"
#include "ingest/rows.hpp"
#include "ingest/sentry_items.hpp"
#include "ingest/sentry_metrics.hpp"
#include "quota/categories.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/security.hpp"

namespace telltale::ingest {

void add_event(Request& request, ProjectId project, const errors::GroupingRules& rules, Id128 envelope_id,
               std::string_view json, std::size_t index) {
  // Before it is read, filtered and masked, all of which takes a multiple of it.
  if (json.size() > limits::kMaxErrorEventBytes)
    return request.error(index, fmt::format("event: over {} bytes", limits::kMaxErrorEventBytes));
  auto payload = wire::sentry::normalise_json(json);
  if (!payload) return request.error(index, "event: " + payload.error().message());
  if (request.quota->filters_event(request, *payload) || !request.quota->take_deferred(request)) return;
  request.redactor->redact_event(*payload, &request.counts);
  auto event = wire::sentry::parse_event(*payload);
  if (!event) return request.error(index, "event: " + event.error().message());
  if (envelope_id.present()) event->event_id = envelope_id;
  request.outcome.event_id = event->event_id;
  EventRow row = row_of(*event, rules);
  if (const AttrValue* group = row.find(attr::kGroupHashes);
      request.quota->keeps_body(request, group == nullptr ? std::string() : to_string(*group))) {
    row.payload = std::move(*payload);
  } else {
    row.set(std::string(attr::kBodyLeftOut), true);
  }
  const Id128 id = event->event_id.present() ? dedup_id(project, 'e', event->event_id.hex()) : Id128{};
  request.add(Table::errors, std::move(row), id, index);
}

namespace {

void add_security_reports(Request& request, ProjectId project, const errors::GroupingRules& rules,
                          const wire::sentry::SecurityOrigin& origin, std::string_view json,
                          std::size_t index) {
  const auto reports = wire::sentry::parse_security_reports(json);
  if (!reports) return request.error(index, reports.error().message());
  for (const auto& report : *reports) {
    const auto id = Id128::parse(to_hex(secure_random(16)));
    add_event(request, project, rules, Id128{}, wire::sentry::security_event(report, origin, *id), index);
  }
}

void add_transaction(Request& request, ProjectId project, Id128 envelope_id, std::string_view json,
                     std::size_t index) {
  auto transaction = wire::sentry::parse_transaction(json);
  if (!transaction) return request.error(index, "transaction: " + transaction.error().message());
  if (envelope_id.present()) transaction->event_id = envelope_id;
  if (request.quota->filters_transaction(request, *transaction) || !request.quota->take_deferred(request))
    return;
  request.outcome.event_id = transaction->event_id;
  for (const auto& span : transaction->spans) {
    EventRow row = row_of(*transaction, span);
    const Id128 id = span_dedup_id(project, row);
    request.add(Table::spans, std::move(row), id, index);
  }
  for (const auto& e : transaction->errors)
    request.error(index, fmt::format("spans[{}]: {}", e.index, e.reason));  // few: kMaxSpansPerTransaction
}

/// An item that holds a list: what the key may still send of it is given to `add`, one by one.
template <class T, class Add>
void add_list(Request& request, const wire::sentry::Item& item, std::size_t index,
              Result<wire::Items<T>> parsed, Add add) {
  if (!parsed)
    return request.error(index, fmt::format("{}: {}", to_string(item.type), parsed.error().message()));
  const std::size_t taken =
      request.quota->take(request, rate_limit_category(item.type), parsed->items.size());
  for (std::size_t n = 0; n < taken; ++n) add(parsed->items[n]);
  request.errors(index, "items", parsed->errors);
}

void add_measurement(Request& request, wire::sentry::MetricItem& item, std::size_t index) {
  if (request.measured.size() < limits::kMaxRowsPerRequest)
    request.measured.push_back(std::move(item));
  else
    request.error(index, fmt::format("trace_metric: over {} in one request", limits::kMaxRowsPerRequest));
}

/// What an envelope's items have in common.
struct EnvelopeScope {
  ProjectId project;
  const wire::sentry::EnvelopeHeader& header;
  const errors::GroupingRules& rules;
};

/// Of the items that become rows or numbers. False: it is none of them.
bool add_row_item(Request& request, const EnvelopeScope& scope, const wire::sentry::Item& item,
                  std::size_t i) {
  using wire::sentry::ItemType;
  switch (item.type) {
    case ItemType::event:
      add_event(request, scope.project, scope.rules, scope.header.event_id, item.payload, i);
      return true;
    case ItemType::transaction:
      add_transaction(request, scope.project, scope.header.event_id, item.payload, i);
      return true;
    case ItemType::log:
      add_list(request, item, i, wire::sentry::parse_log_items(item.payload), [&](const auto& log) {
        if (!request.is_full(i)) request.add(Table::logs, row_of(log), Id128{}, i);
      });
      return true;
    case ItemType::span:
      add_list(request, item, i, wire::sentry::parse_span_items(item.payload), [&](const auto& span) {
        if (request.is_full(i)) return;
        EventRow row = row_of(span);
        const Id128 id = span_dedup_id(scope.project, row);
        request.add(Table::spans, std::move(row), id, i);
      });
      return true;
    case ItemType::trace_metric:
      add_list(request, item, i, wire::sentry::parse_metric_items(item.payload),
               [&](auto& metric) { add_measurement(request, metric, i); });
      return true;
    case ItemType::raw_security:
      add_security_reports(request, scope.project, scope.rules, {}, item.payload, i);
      return true;
    default:
      return false;
  }
}

/// Sessions, check-ins, reports and files. False: nobody here reads it.
bool add_other_item(Ingest::Impl& impl, Request& request, const EnvelopeScope& scope,
                    const wire::sentry::Item& item, std::size_t i) {
  using wire::sentry::ItemType;
  const bool files = impl.options.attachments != nullptr;
  if (item.type == ItemType::client_report) {
    if (const auto report = wire::sentry::parse_client_report(item.payload)) {
      for (const auto& d : report->discarded)
        impl.client_discards.add(std::min<std::uint64_t>(d.quantity, limits::kMaxAggregateCount));
      add_client_report(request, *report);
    }
  } else if (item.type == ItemType::session) {
    add_session(request, item.payload, i);
  } else if (item.type == ItemType::sessions) {
    add_session_aggregates(request, item.payload, i);
  } else if (item.type == ItemType::check_in) {
    add_check_in(request, item.payload, i);
  } else if (item.type == ItemType::feedback || item.type == ItemType::user_report) {
    add_feedback(request, item.payload, item.type == ItemType::user_report, i);
  } else if (item.type == ItemType::attachment && files) {
    add_attachment(request, scope.header, item, i);
  } else if ((item.type == ItemType::profile || item.type == ItemType::profile_chunk) && files) {
    add_profile(request, scope.header, item, i);
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<errors::GroupingInput> stored_grouping_input(std::string_view payload) {
  TT_ASSIGN(const auto event, wire::sentry::parse_event(payload));
  return grouping_input(event);
}

Result<Outcome> Ingest::sentry_envelope(ProjectId project, std::string_view body,
                                        const SentrySender& sender) {
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  TT_ASSIGN(const auto envelope, wire::sentry::parse_envelope(body));
  const auto rules = impl_->grouping_of(project);
  request.errors(envelope.errors);
  const EnvelopeScope scope{project, envelope.header, *rules};
  for (std::size_t i = 0; i < envelope.items.size(); ++i) {
    const auto& item = envelope.items[i];
    if (!request.quota->begins(request, item)) continue;
    if (!add_row_item(request, scope, item, i) && !add_other_item(*impl_, request, scope, item, i))
      impl_->skipped.add();
    request.quota->ends(request, item);
  }
  if (request.measured.empty()) return impl_->finish(std::move(request));
  // Numbers go into the same record: a request is kept as a whole or, sent again, as a whole.
  MetricRequest metrics(*impl_, project, WorkSlots::Slot());
  wire::MetricWrite write;
  add_trace_metrics(request.measured, impl_->delta_totals, project, request.now(), write);
  const MetricOutcome measured = metrics.add_to(request.batch, write);
  const std::size_t lost = std::min(request.measured.size(), measured.refused_samples);
  const std::size_t kept = request.measured.size() - lost;
  request.quota->lost_metrics(request, lost);
  for (const auto& e : measured.rejected) request.error(e.index, e.reason);
  request.outcome.rejected.add_untold(measured.refused - measured.rejected.size());
  TT_ASSIGN(auto outcome, impl_->finish(std::move(request)));
  metrics.added();
  outcome.accepted += kept;
  return outcome;
}

Result<Outcome> Ingest::sentry_store(ProjectId project, std::string_view body, const SentrySender& sender) {
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  if (request.quota->begins(request, quota::category::kError))
    add_event(request, project, *impl_->grouping_of(project), Id128{}, body, 0);
  request.quota->ends(request, quota::category::kError);
  return impl_->finish_one(std::move(request));
}

Result<Outcome> Ingest::sentry_security(ProjectId project, std::string_view body,
                                        const wire::sentry::SecurityOrigin& origin,
                                        const SentrySender& sender) {
  constexpr std::string_view kCategory = "security";
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  if (request.quota->begins(request, kCategory))
    add_security_reports(request, project, *impl_->grouping_of(project), origin, body, 0);
  request.quota->ends(request, kCategory);
  return impl_->finish_one(std::move(request));
}

Result<Outcome> Ingest::sentry_check_in(ProjectId project, wire::sentry::CheckInItem check_in,
                                        const SentrySender& sender) {
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  if (request.quota->begins(request, quota::category::kMonitor))
    add_check_in(request, std::move(check_in), 0);
  request.quota->ends(request, quota::category::kMonitor);
  return impl_->finish_one(std::move(request));
}

}  // namespace telltale::ingest
