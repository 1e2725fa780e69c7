// Sentry: envelopes and the old store endpoint. Rows of their items are made in sentry_rows.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "base/health_limits.hpp"
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
    request.error(index, fmt::format("spans[{}]: {}", e.index, e.reason));
}

/// Trace metrics become a batch of their own, behind the envelope's.
Result<> commit_measured(Ingest::Impl& impl, ProjectId project,
                         const std::vector<wire::sentry::MetricItem>& items, Outcome& outcome) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(impl, project));
  wire::MetricWrite write;
  add_trace_metrics(items, impl.delta_totals, project, request.now(), write);
  TT_ASSIGN(auto done, request.commit(std::move(write)));
  outcome.accepted += items.size() - std::min(items.size(), done.refused);
  for (auto& e : done.rejected) outcome.rejected.push_back(std::move(e));
  return {};
}

}  // namespace

Result<errors::GroupingInput> stored_grouping_input(std::string_view payload) {
  TT_ASSIGN(const auto event, wire::sentry::parse_event(payload));
  return grouping_input(event);
}

Result<Outcome> Ingest::sentry_envelope(ProjectId project, std::string_view body,
                                        const SentrySender& sender) {
  TT_ASSIGN(const auto envelope, wire::sentry::parse_envelope(body));
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  const auto rules = impl_->grouping_of(project);
  for (const auto& e : envelope.errors) request.error(e.index, e.reason);
  using wire::sentry::ItemType;
  std::vector<wire::sentry::MetricItem> measured;
  for (std::size_t i = 0; i < envelope.items.size(); ++i) {
    const auto& item = envelope.items[i];
    if (!request.quota->begins(request, item)) continue;
    if (item.type == ItemType::event) {
      add_event(request, project, *rules, envelope.header.event_id, item.payload, i);
    } else if (item.type == ItemType::transaction) {
      add_transaction(request, project, envelope.header.event_id, item.payload, i);
    } else if (item.type == ItemType::log) {
      auto logs = wire::sentry::parse_log_items(item.payload);
      if (!logs) {
        request.error(i, "log: " + logs.error().message());
        request.quota->ends(request, item);
        continue;
      }
      const std::size_t taken =
          request.quota->take(request, rate_limit_category(item.type), logs->items.size());
      for (std::size_t n = 0; n < taken; ++n) request.add(Table::logs, row_of(logs->items[n]), Id128{}, i);
      for (const auto& e : logs->errors) request.error(i, fmt::format("items[{}]: {}", e.index, e.reason));
    } else if (item.type == ItemType::span) {
      auto spans = wire::sentry::parse_span_items(item.payload);
      if (!spans) {
        request.error(i, "span: " + spans.error().message());
        request.quota->ends(request, item);
        continue;
      }
      const std::size_t taken =
          request.quota->take(request, rate_limit_category(item.type), spans->items.size());
      for (std::size_t n = 0; n < taken; ++n) {
        EventRow row = row_of(spans->items[n]);
        const Id128 id = span_dedup_id(project, row);
        request.add(Table::spans, std::move(row), id, i);
      }
      for (const auto& e : spans->errors) request.error(i, fmt::format("items[{}]: {}", e.index, e.reason));
    } else if (item.type == ItemType::trace_metric) {
      auto parsed = wire::sentry::parse_metric_items(item.payload);
      if (!parsed) {
        request.error(i, "trace_metric: " + parsed.error().message());
        request.quota->ends(request, item);
        continue;
      }
      const std::size_t taken =
          request.quota->take(request, rate_limit_category(item.type), parsed->items.size());
      std::move(parsed->items.begin(), parsed->items.begin() + static_cast<std::ptrdiff_t>(taken),
                std::back_inserter(measured));
      for (const auto& e : parsed->errors) request.error(i, fmt::format("items[{}]: {}", e.index, e.reason));
    } else if (item.type == ItemType::raw_security) {
      add_security_reports(request, project, *rules, {}, item.payload, i);
    } else if (item.type == ItemType::client_report) {
      if (const auto report = wire::sentry::parse_client_report(item.payload)) {
        for (const auto& d : report->discarded)
          impl_->client_discards.add(std::min<std::uint64_t>(d.quantity, limits::kMaxAggregateCount));
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
    } else if (item.type == ItemType::attachment && impl_->options.attachments != nullptr) {
      add_attachment(request, envelope.header, item, i);
    } else if ((item.type == ItemType::profile || item.type == ItemType::profile_chunk) &&
               impl_->options.attachments != nullptr) {
      add_profile(request, envelope.header, item, i);
    } else {
      impl_->skipped.add();
    }
    request.quota->ends(request, item);
  }
  TT_ASSIGN(auto outcome, impl_->finish(std::move(request)));
  if (!measured.empty()) TT_TRY(commit_measured(*impl_, project, measured, outcome));
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
