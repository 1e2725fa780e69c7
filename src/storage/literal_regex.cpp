#include "storage/literal_regex.hpp"

#include <algorithm>

namespace telltale::storage {
namespace {

constexpr std::string_view kSpecial = "\\.+*?()|[]{}^$";

/// Reads literal characters up to the first that is none; false for an escape that means a class or a
/// control.
bool take_literal(std::string_view& in, std::string& out) {
  while (!in.empty()) {
    const char c = in.front();
    if (c == '\\') {
      if (in.size() < 2 || kSpecial.find(in[1]) == std::string_view::npos) return false;
      out += in[1];
      in.remove_prefix(2);
    } else if (kSpecial.find(c) != std::string_view::npos) {
      return true;
    } else {
      out += c;
      in.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace

std::optional<LiteralRegex> LiteralRegex::parse(std::string_view in) {
  // RE2 reads UTF-8: a repeated character may be several bytes, and broken ones match nothing.
  if (std::any_of(in.begin(), in.end(), [](char c) { return static_cast<signed char>(c) < 0; }))
    return std::nullopt;
  LiteralRegex out;
  const auto take_end = [&in](End& end) {
    if (in.starts_with(".*")) {
      end = End::any;
    } else if (in.starts_with(".+")) {
      end = End::some;
    } else {
      return;
    }
    in.remove_prefix(2);
  };
  if (in.size() > 2 && in.front() == '(' && in.back() == ')' && in.find('(', 1) == std::string_view::npos &&
      in[in.size() - 2] != '\\' && in.find(')') == in.size() - 1)
    in = in.substr(1, in.size() - 2);
  if (in.starts_with("?:")) in.remove_prefix(2);
  take_end(out.before_);
  if (out.before_ != End::closed) {
    if (!take_literal(in, out.literal_)) return std::nullopt;
    take_end(out.after_);
    // A quantifier behind the last literal character or the dots is another language.
    if (!in.empty()) return std::nullopt;
    return out;
  }
  std::string word;
  if (!take_literal(in, word)) return std::nullopt;
  if (in.starts_with('.')) {
    take_end(out.after_);
    if (out.after_ == End::closed || !in.empty()) return std::nullopt;
    out.literal_ = std::move(word);
    return out;
  }
  out.alternatives_.push_back(word);
  while (in.starts_with('|')) {
    in.remove_prefix(1);
    word.clear();
    if (!take_literal(in, word)) return std::nullopt;
    out.alternatives_.push_back(word);
  }
  if (!in.empty()) return std::nullopt;
  std::sort(out.alternatives_.begin(), out.alternatives_.end());
  out.alternatives_.erase(std::unique(out.alternatives_.begin(), out.alternatives_.end()),
                          out.alternatives_.end());
  return out;
}

bool LiteralRegex::matches(std::string_view text) const {
  if (!alternatives_.empty()) return std::binary_search(alternatives_.begin(), alternatives_.end(), text);
  const std::size_t least_before = before_ == End::some ? 1 : 0;
  const std::size_t least_after = after_ == End::some ? 1 : 0;
  if (text.size() < literal_.size() + least_before + least_after) return false;
  if (before_ == End::closed) return text.starts_with(literal_);
  if (after_ == End::closed) return text.ends_with(literal_);
  return text.substr(least_before, text.size() - least_before - least_after).find(literal_) !=
         std::string_view::npos;
}

}  // namespace telltale::storage
