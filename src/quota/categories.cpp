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

}  // namespace telltale::quota
