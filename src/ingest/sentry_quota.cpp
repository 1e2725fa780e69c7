#include "ingest/sentry_quota.hpp"

#include <algorithm>
#include <utility>

#include "base/quota_limits.hpp"
#include "base/text.hpp"
#include "ingest/request.hpp"
#include "quota/categories.hpp"

namespace telltale::ingest {
namespace {

using storage::UsageKind;
using wire::sentry::ItemType;

constexpr std::string_view kMalformed = "malformed";
constexpr std::string_view kDuplicate = "duplicate";
constexpr std::string_view kNoRoom = "no_room";

std::string_view header_of(const wire::sentry::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (equal_ignore_case(key, name)) return value;
  return {};
}

quota::FilterFacts common_facts(const wire::sentry::EventCommon& event, const SentrySender& sender) {
  quota::FilterFacts out;
  out.name = event.transaction;
  out.release = event.release;
  out.url = event.request.url;
  out.user_agent = header_of(event.request, "user-agent");
  out.user_address = event.user.ip_address;
  out.sender_address = sender.address;
  if (event.response_status) {
    out.status = std::to_string(*event.response_status);
  } else {
    for (const auto& [name, value] : event.tags)
      if (name == "http.status_code" || name == "http.response.status_code") out.status = value;
  }
  return out;
}

quota::FilterFacts facts_of(const wire::sentry::ErrorEvent& event, const SentrySender& sender) {
  quota::FilterFacts out = common_facts(event, sender);
  out.message = event.formatted;
  for (const auto& exception : event.exceptions) {
    out.exceptions.push_back({exception.type, exception.value});
    for (const auto& frame : exception.frames) {
      if (out.sources.size() >= limits::kMaxFilteredFrames) break;
      out.sources.push_back(frame.abs_path.empty() ? frame.filename : frame.abs_path);
    }
  }
  return out;
}

/// Items that hold a list, and count as many as it has.
bool is_container(ItemType type) {
  return type == ItemType::log || type == ItemType::span || type == ItemType::trace_metric;
}

/// What becomes rows that may turn out to be duplicates: settle() counts them.
bool is_settled(ItemType type) {
  return type == ItemType::event || type == ItemType::transaction || type == ItemType::raw_security;
}

/// What is neither limited nor counted: reports of clients, and what nobody here reads.
bool is_uncounted(const wire::sentry::Item& item) {
  return item.type == ItemType::client_report || item.type == ItemType::unknown;
}

}  // namespace

SentryQuota::SentryQuota(quota::Intake* intake, ProjectId project, const SentrySender& sender)
    : intake_(intake),
      project_(project),
      sender_(sender),
      filters_(intake == nullptr || sender.internal ? nullptr : intake->filters(project)) {}

void SentryQuota::count(Request& request, UsageKind kind, std::string_view category, std::string_view reason,
                        std::uint64_t quantity) const {
  if (quantity == 0) return;
  auto& usage = request.batch.items.usage;
  for (auto& u : usage) {
    if (u.kind != kind || u.category != category || u.reason != reason) continue;
    u.quantity += quantity;
    return;
  }
  usage.push_back({kind, std::string(category), std::string(reason), sender_.key, quantity});
}

void SentryQuota::lost_file(Request& request, std::string_view kind) {
  const ItemType type = kind == to_string(ItemType::profile)         ? ItemType::profile
                        : kind == to_string(ItemType::profile_chunk) ? ItemType::profile_chunk
                                                                     : ItemType::attachment;
  const std::string_view category = rate_limit_category(type);
  auto& usage = request.batch.items.usage;
  const auto counted = std::find_if(usage.begin(), usage.end(), [&](const auto& u) {
    return u.kind == UsageKind::accepted && u.category == category && u.quantity > 0;
  });
  if (counted == usage.end()) return;
  if (--counted->quantity == 0) usage.erase(counted);
  count(request, UsageKind::invalid, category, kNoRoom, 1);
  const auto granted = granted_.find(std::string(category));
  if (granted == granted_.end() || granted->second == 0) return;
  --granted->second;
  intake_->limiter().give_back(sender_.key, category, 1, request.now());
}

void SentryQuota::lost_metrics(Request& request, std::uint64_t lost) {
  const std::string_view category = rate_limit_category(ItemType::trace_metric);
  for (auto& u : request.batch.items.usage) {
    if (u.kind != UsageKind::accepted || u.category != category) continue;
    lost = std::min(lost, u.quantity);
    u.quantity -= lost;
    count(request, UsageKind::invalid, category, kMalformed, lost);
    break;
  }
  std::erase_if(request.batch.items.usage, [](const auto& u) { return u.quantity == 0; });
}

bool SentryQuota::filtered(Request& request, std::string_view filter) {
  if (filter.empty()) return false;
  count(request, UsageKind::filtered, category_, filter, 1);
  ++request.outcome.filtered;
  refused_ = true;
  event_gone_ = {UsageKind::filtered, std::string(filter)};
  return true;
}

bool SentryQuota::filters_event(Request& request, std::string_view payload) {
  if (filters_ == nullptr) return false;
  // What cannot be read is refused later, with its reason.
  const auto event = wire::sentry::parse_event(payload);
  if (!event) return false;
  if (!filtered(request, filters_->strikes(facts_of(*event, sender_)))) return false;
  request.outcome.event_id = event->event_id;
  return true;
}

bool SentryQuota::filters_transaction(Request& request, const wire::sentry::TransactionEvent& event) {
  if (filters_ == nullptr) return false;
  quota::FilterFacts facts = common_facts(event, sender_);
  facts.transaction = true;
  if (!filtered(request, filters_->strikes(facts))) return false;
  request.outcome.event_id = event.event_id;
  return true;
}

bool SentryQuota::take_deferred(Request& request) {
  return !std::exchange(deferred_, false) || take(request, category_, 1) == 1;
}

std::uint64_t SentryQuota::take(Request& request, std::string_view category, std::uint64_t quantity) {
  if (intake_ == nullptr || sender_.internal) return quantity;
  const auto grant = intake_->limiter().take(sender_.key, category, quantity, request.now());
  taken_ = taken_ || grant.granted > 0;
  if (grant.granted > 0) granted_[std::string(category)] += grant.granted;
  if (grant.granted == quantity) return quantity;
  refused_ = true;
  count(request, UsageKind::rate_limited, category, grant.reason, quantity - grant.granted);
  auto& limited = request.outcome.limited;
  const auto same =
      std::find_if(limited.begin(), limited.end(), [&](const auto& l) { return l.category == category; });
  if (same == limited.end()) {
    limited.push_back({std::string(category), grant.retry_after_s, grant.all_categories});
  } else {
    same->retry_after_s = std::max(same->retry_after_s, grant.retry_after_s);
  }
  if (category == quota::category::kError) event_gone_ = {UsageKind::rate_limited, grant.reason};
  return grant.granted;
}

void SentryQuota::give_back_one(const Request& request) {
  if (!taken_) return;
  intake_->limiter().give_back(sender_.key, category_, 1, request.now());
  --granted_[category_];
}

void SentryQuota::give_back(const Request& request) {
  for (const auto& [category, granted] : granted_)
    if (granted > 0) intake_->limiter().give_back(sender_.key, category, granted, request.now());
}

bool SentryQuota::keeps_body(const Request& request, std::string_view group) const {
  return intake_ == nullptr || intake_->bodies().keeps(project_, group, request.now());
}

SentryQuota::Mark SentryQuota::mark_of(const Request& request) {
  return {request.batch.row_count(), request.batch.items.count() + request.files.size(),
          request.outcome.rejected.size(), request.measured.size()};
}

bool SentryQuota::start(Request& request, std::string_view category, bool filterable) {
  mark_ = mark_of(request);
  category_ = category;
  taken_ = refused_ = false;
  // Filters come first, and filtered events use up nothing.
  deferred_ = filterable && has_filters();
  return deferred_ || take(request, category, 1) == 1;
}

bool SentryQuota::begins(Request& request, const wire::sentry::Item& item) {
  mark_ = mark_of(request);
  if (is_uncounted(item) || is_container(item.type)) return true;
  const std::string_view category = rate_limit_category(item.type);
  if (item.type == ItemType::attachment && event_gone_) {
    count(request, event_gone_->first, category, event_gone_->second, 1);
    return false;
  }
  return start(request, category, item.type == ItemType::event || item.type == ItemType::transaction);
}

void SentryQuota::ends(Request& request, const wire::sentry::Item& item) {
  if (is_uncounted(item)) return;
  const std::string_view category = rate_limit_category(item.type);
  const Mark now = mark_of(request);
  const std::size_t rows = now.rows - mark_.rows;
  const std::size_t wrong = now.rejected - mark_.rejected;
  if (is_container(item.type)) {
    if (item.type == ItemType::span) spans_ += rows;
    if (item.type == ItemType::trace_metric)
      count(request, UsageKind::accepted, category, {}, now.measured - mark_.measured);
    if (item.type == ItemType::log) count(request, UsageKind::accepted, category, {}, rows);
    count(request, UsageKind::invalid, category, kMalformed, wrong);
    return;
  }
  const bool kept = rows > 0 || now.items > mark_.items;
  if (kept && item.type == ItemType::event) {
    ++errors_;
    event_gone_.reset();
  }
  if (kept && item.type == ItemType::transaction) ++transactions_;
  if (kept && item.type == ItemType::raw_security) security_ += rows;
  if (kept && !is_settled(item.type)) count(request, UsageKind::accepted, category, {}, 1);
  if (kept || refused_ || wrong == 0) return;
  count(request, UsageKind::invalid, category, kMalformed, 1);
  give_back_one(request);
  if (item.type != ItemType::event) return;
  // As with an event that is over a limit: its files are of no use, and its id is nobody's.
  event_gone_ = {UsageKind::invalid, std::string(kMalformed)};
  request.outcome.event_id = Id128{};
}

bool SentryQuota::begins(Request& request, std::string_view category) {
  return start(request, category, category == quota::category::kError);
}

void SentryQuota::ends(Request& request, std::string_view category) {
  const Mark now = mark_of(request);
  if (now.rejected > mark_.rejected) {
    request.batch.errors.clear();
    request.ids.errors.clear();
    request.batch.items.check_ins.clear();
    count(request, UsageKind::invalid, category, kMalformed, 1);
    give_back_one(request);
  } else if (now.rows > mark_.rows) {
    (category == quota::category::kError ? errors_ : security_) += now.rows - mark_.rows;
  } else if (now.items > mark_.items) {
    count(request, UsageKind::accepted, category, {}, 1);
  }
}

void SentryQuota::settle(storage::Batch& batch) const {
  const auto add = [&](UsageKind kind, std::string_view category, std::string_view reason, std::uint64_t n) {
    if (n > 0)
      batch.items.usage.push_back({kind, std::string(category), std::string(reason), sender_.key, n});
  };
  const auto accepted = [&](std::string_view category, std::uint64_t sent, std::uint64_t left) {
    add(UsageKind::accepted, category, {}, left);
    add(UsageKind::invalid, category, kDuplicate, sent - left);
  };
  // Reports of browsers get ids of ours: they are never sent again.
  const std::uint64_t left = batch.errors.size() - std::min<std::uint64_t>(batch.errors.size(), security_);
  accepted(quota::category::kError, errors_, std::min(errors_, left));
  add(UsageKind::accepted, "security", {}, security_);
  const auto roots = static_cast<std::uint64_t>(
      std::count_if(batch.spans.begin(), batch.spans.end(), [](const EventRow& row) {
        const AttrValue* root = row.find(attr::kIsTransaction);
        return root != nullptr && *root == AttrValue(true);
      }));
  accepted(quota::category::kTransaction, transactions_, std::min(transactions_, roots));
  // Spans of their own come in envelopes of their own.
  accepted(quota::category::kSpan, spans_,
           transactions_ > 0 ? spans_ : std::min<std::uint64_t>(spans_, batch.spans.size()));
}

}  // namespace telltale::ingest
