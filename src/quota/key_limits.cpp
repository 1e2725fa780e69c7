#include "quota/key_limits.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "base/quota_limits.hpp"
#include "quota/categories.hpp"

namespace telltale::quota {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

tl::unexpected<Error> wrong_limit(std::size_t i, std::string_view member, std::string_view wants) {
  return fail(ErrorKind::invalid_argument, fmt::format("limits[{}].{}: wants {}", i, member, wants));
}

Result<KeyLimit> limit_of(simdjson::dom::element value, std::size_t i) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, fmt::format("limits[{}]: wants an object", i));
  KeyLimit out;
  std::string_view category;
  if (object["category"].get(category) != simdjson::SUCCESS ||
      (category != kAllCategories && !is_category(category)))
    return wrong_limit(i, "category",
                       fmt::format("{} or one of {}", kAllCategories, fmt::join(categories(), ", ")));
  out.category = category;
  if (object["events"].get(out.events) != simdjson::SUCCESS || out.events > limits::kMaxLimitEvents)
    return wrong_limit(i, "events", fmt::format("a number from 0 to {}", limits::kMaxLimitEvents));
  if (object["window_seconds"].get(out.window_seconds) != simdjson::SUCCESS || out.window_seconds < 1 ||
      out.window_seconds > limits::kMaxLimitWindowSeconds)
    return wrong_limit(i, "window_seconds", fmt::format("1 to {}", limits::kMaxLimitWindowSeconds));
  for (const auto field : object) {
    if (field.key != "category" && field.key != "events" && field.key != "window_seconds")
      return fail(ErrorKind::invalid_argument, fmt::format("limits[{}].{}: unknown field", i, field.key));
  }
  return out;
}

}  // namespace

Result<KeyLimits> parse_key_limits(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object body;
  simdjson::dom::array list;
  if (parser.parse(json.data(), json.size()).get(body) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  if (body["limits"].get(list) != simdjson::SUCCESS || list.size() > limits::kMaxKeyLimits)
    return fail(ErrorKind::invalid_argument,
                fmt::format("limits: wants a list of at most {}", limits::kMaxKeyLimits));
  for (const auto field : body) {
    if (field.key != "limits")
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
  }
  KeyLimits out;
  for (const auto value : list) {
    TT_ASSIGN(auto limit, limit_of(value, out.size()));
    const bool twice = std::any_of(out.begin(), out.end(), [&](const KeyLimit& l) {
      return l.category == limit.category && l.window_seconds == limit.window_seconds;
    });
    if (twice) return wrong_limit(out.size(), "window_seconds", "one limit a category and window");
    out.push_back(std::move(limit));
  }
  return out;
}

std::string key_limits_json(const KeyLimits& limits) {
  JsonWriter w;
  w.begin_array();
  for (const auto& limit : limits) {
    w.begin_object().field("category", limit.category).field("events", limit.events);
    w.field("window_seconds", limit.window_seconds).end_object();
  }
  w.end_array();
  return w.take();
}

bool Limiter::Window::covers(std::string_view category) const {
  return limit.category == kAllCategories || limit.category == category;
}

void Limiter::Window::move_to(UnixNanos now) {
  const std::int64_t current = now.ns / (limit.window_seconds * kSecondNs);
  if (current <= number) return;  // a clock that steps back grants nothing twice
  number = current;
  used = 0;
}

void Limiter::set(Id128 key, KeyLimits limits) {
  const MutexLock lock(mutex_);
  std::vector<Window> windows;
  for (auto& limit : limits) {
    Window window{std::move(limit), 0, 0};
    for (const Window& old : keys_[key]) {
      if (old.limit.category != window.limit.category ||
          old.limit.window_seconds != window.limit.window_seconds)
        continue;
      window.number = old.number;
      window.used = old.used;
    }
    windows.push_back(std::move(window));
  }
  if (windows.empty()) {
    keys_.erase(key);
  } else {
    keys_[key] = std::move(windows);
  }
}

KeyLimits Limiter::limits(Id128 key) const {
  const MutexLock lock(mutex_);
  KeyLimits out;
  if (const auto found = keys_.find(key); found != keys_.end())
    for (const Window& window : found->second) out.push_back(window.limit);
  return out;
}

Grant Limiter::take(Id128 key, std::string_view category, std::uint64_t quantity, UnixNanos now) {
  Grant grant{quantity, 0, {}, false};
  const MutexLock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return grant;
  for (Window& window : found->second) {
    if (!window.covers(category)) continue;
    window.move_to(now);
    if (window.left() >= quantity) continue;
    grant.granted = std::min(grant.granted, window.left());
    const std::int64_t end = (window.number + 1) * window.limit.window_seconds * kSecondNs;
    const std::int64_t wait = std::max<std::int64_t>(1, (end - now.ns + kSecondNs - 1) / kSecondNs);
    // Of several that are in the way the one that lasts longest is told of.
    if (wait <= grant.retry_after_s) continue;
    grant.retry_after_s = wait;
    grant.reason = fmt::format("{} in {} s", window.limit.events, window.limit.window_seconds);
    grant.all_categories = window.limit.category == kAllCategories;
  }
  for (Window& window : found->second)
    if (window.covers(category)) window.used += grant.granted;
  return grant;
}

void Limiter::give_back(Id128 key, std::string_view category, std::uint64_t quantity, UnixNanos now) {
  const MutexLock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  for (Window& window : found->second) {
    if (!window.covers(category)) continue;
    window.move_to(now);
    window.used -= std::min(window.used, quantity);
  }
}

}  // namespace telltale::quota
