#include "traces/span_facts.hpp"

#include <algorithm>
#include <charconv>

namespace telltale::traces {
namespace {

using storage::EventFilter;
using storage::FilterOp;

constexpr std::string_view kFailedStatuses[] = {"error",       "internal_error", "unknown_error",
                                                "unavailable", "unimplemented",  "deadline_exceeded",
                                                "data_loss"};
// OpenTelemetry's name today and until 2023.
constexpr std::string_view kHttpStatusNames[] = {"http.response.status_code", "http.status_code"};
constexpr std::string_view kEntryKinds[] = {"server", "consumer"};
constexpr std::string_view kOutgoingKinds[] = {"client", "producer"};

template <std::size_t N>
bool one_of_words(const AttrValue* value, const std::string_view (&words)[N]) {
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text != nullptr && std::find(std::begin(words), std::end(words), *text) != std::end(words);
}

template <std::size_t N>
EventFilter words_filter(std::string_view field, const std::string_view (&words)[N]) {
  return EventFilter::one_of(std::string(field),
                             std::vector<std::string>(std::begin(words), std::end(words)));
}

bool server_error_status(const AttrValue* value) {
  if (value == nullptr) return false;
  if (const auto* n = std::get_if<std::int64_t>(value)) return *n >= 500;
  const std::string text = to_string(*value);
  double n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  return problem == std::errc() && end == text.data() + text.size() && n >= 500;
}

bool truthy(const AttrValue* value) { return value != nullptr && to_string(*value) == "true"; }

}  // namespace

bool is_entry(const EventRow& span) {
  const AttrValue* kind = span.find(attr::kSpanKind);
  if (one_of_words(kind, kEntryKinds) || truthy(span.find(attr::kIsTransaction))) return true;
  const AttrValue* parent = span.find(attr::kParentSpanId);
  return (parent == nullptr || to_string(*parent).empty()) && !one_of_words(kind, kOutgoingKinds);
}

EventFilter entry_filter() {
  EventFilter incoming = words_filter(attr::kSpanKind, kEntryKinds);
  EventFilter transaction = EventFilter::leaf(FilterOp::eq, std::string(attr::kIsTransaction), "true");
  EventFilter root = EventFilter::leaf(FilterOp::eq, std::string(attr::kParentSpanId));
  EventFilter outgoing{FilterOp::none, {}, {}, {words_filter(attr::kSpanKind, kOutgoingKinds)}, {}};
  EventFilter own_root = EventFilter::all_of({std::move(root), std::move(outgoing)});
  return {FilterOp::any, {}, {}, {std::move(incoming), std::move(transaction), std::move(own_root)}, {}};
}

bool is_failed(const EventRow& span) {
  if (one_of_words(span.find(attr::kSpanStatus), kFailedStatuses)) return true;
  return std::any_of(std::begin(kHttpStatusNames), std::end(kHttpStatusNames),
                     [&](std::string_view name) { return server_error_status(span.find(name)); });
}

EventFilter failed_filter() {
  std::vector<EventFilter> ways{words_filter(attr::kSpanStatus, kFailedStatuses)};
  for (const std::string_view name : kHttpStatusNames)
    ways.push_back(EventFilter::leaf(FilterOp::ge, std::string(name), "500"));
  return {FilterOp::any, {}, {}, std::move(ways), {}};
}

Nanos duration_of(const EventRow& span) {
  const AttrValue* value = span.find(attr::kDurationNs);
  const auto* ns = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  return Nanos(ns == nullptr ? 0 : std::max<std::int64_t>(*ns, 0));
}

std::vector<std::string> fact_fields() {
  std::vector<std::string> fields;
  for (const std::string_view name :
       {attr::kSpanKind, attr::kIsTransaction, attr::kParentSpanId, attr::kSpanStatus, attr::kDurationNs})
    fields.emplace_back(name);
  fields.insert(fields.end(), std::begin(kHttpStatusNames), std::end(kHttpStatusNames));
  return fields;
}

}  // namespace telltale::traces
