#include "errors/releases.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "errors/chars.hpp"

namespace telltale::errors {
namespace {

struct ReleaseVersion {
  std::string_view package;
  std::array<std::uint64_t, 4> numbers{};
  std::string_view pre_release;
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string_view take_until(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto piece = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return piece;
}

std::optional<ReleaseVersion> version_of(std::string_view release) {
  ReleaseVersion out;
  if (const auto at = release.rfind('@'); at != std::string_view::npos) {
    out.package = release.substr(0, at);
    release.remove_prefix(at + 1);
  }
  release = release.substr(0, release.find('+'));
  if (release.starts_with('v')) release.remove_prefix(1);
  std::string_view numbers = release.substr(0, release.find('-'));
  if (numbers.size() < release.size()) out.pre_release = release.substr(numbers.size() + 1);
  if (numbers.empty() || numbers.ends_with('.')) return std::nullopt;
  for (std::size_t i = 0; !numbers.empty(); ++i) {
    const auto number = take_until(numbers, '.');
    // Longer ones are no numbers that people count releases with.
    if (i == out.numbers.size() || !all_digits(number) || number.size() > 18) return std::nullopt;
    for (const char c : number) out.numbers[i] = out.numbers[i] * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out;
}

/// Numbers by value and below words; words by their bytes; of two that begin alike the longer one is the
/// newer.
std::strong_ordering compare_pre_releases(std::string_view a, std::string_view b) {
  // The release itself is newer than what came before it.
  if (a.empty() || b.empty()) return a.empty() <=> b.empty();
  while (!a.empty() && !b.empty()) {
    const auto x = take_until(a, '.');
    const auto y = take_until(b, '.');
    const bool number = all_digits(x);
    if (number != all_digits(y)) return number ? std::strong_ordering::less : std::strong_ordering::greater;
    if (number && x.size() != y.size()) return x.size() <=> y.size();
    if (const auto order = x.compare(y); order != 0) return order <=> 0;
  }
  return !a.empty() <=> !b.empty();
}

}  // namespace

std::optional<std::strong_ordering> compare_releases(std::string_view a, std::string_view b) {
  const auto x = version_of(a);
  const auto y = version_of(b);
  if (!x || !y || x->package != y->package) return std::nullopt;
  if (const auto order = x->numbers <=> y->numbers; order != 0) return order;
  return compare_pre_releases(x->pre_release, y->pre_release);
}

}  // namespace telltale::errors
