// The kinds of data that limits, counts and SDKs tell apart, in the words of Sentry's protocol.
#pragma once

#include <span>
#include <string_view>

namespace telltale::quota {

namespace category {
inline constexpr std::string_view kError = "error";
inline constexpr std::string_view kTransaction = "transaction";
inline constexpr std::string_view kSpan = "span";
inline constexpr std::string_view kMonitor = "monitor";
}  // namespace category

/// A limit on everything together.
inline constexpr std::string_view kAllCategories = "all";

/// Those that can be limited.
std::span<const std::string_view> categories();
bool is_category(std::string_view name);
/// Why a client says that it left something out, in the words that SDKs use.
bool is_client_reason(std::string_view name);

}  // namespace telltale::quota
