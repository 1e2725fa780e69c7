#include "quota/categories.hpp"

#include <algorithm>

namespace telltale::quota {

std::span<const std::string_view> categories() {
  static constexpr std::string_view kNames[] = {category::kError,   category::kTransaction,
                                                category::kSpan,    "session",
                                                "log_item",         "trace_metric",
                                                category::kMonitor, "feedback",
                                                "attachment",       "profile",
                                                "security",         "replay",
                                                "profile_chunk",    "default"};
  return kNames;
}

bool is_category(std::string_view name) {
  const auto all = categories();
  return std::find(all.begin(), all.end(), name) != all.end();
}

bool is_client_reason(std::string_view name) {
  static constexpr std::string_view kReasons[] = {
      "sample_rate",       "before_send",    "event_processor", "network_error",
      "queue_overflow",    "send_error",     "cache_overflow",  "buffer_overflow",
      "ratelimit_backoff", "backpressure",   "ignored",         "internal_sdk_error",
      "insufficient_data", "no_parent_span", "invalid",         "too_big"};
  return std::find(std::begin(kReasons), std::end(kReasons), name) != std::end(kReasons);
}

}  // namespace telltale::quota
