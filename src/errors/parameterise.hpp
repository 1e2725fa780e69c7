// The machine behind parameterise(): one pass with one alternation of capturing groups, leftmost match first,
// so that the order of the kinds is the order of precedence at each place. RE2 has no look-around: what must
// not stand beside a match is checked afterwards.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace telltale::errors {

struct ValueKind {
  std::string_view name;
  std::string_view pattern;
  bool (*accept)(std::string_view match) = nullptr;  // null: every match
  /// Of several kinds in one pattern, whose match this is; null: always `name`.
  std::string_view (*name_of)(std::string_view match) = nullptr;
  std::size_t kept = 0;  // bytes of the match's front that stay
};

class Parameteriser {
 public:
  /// `retry`: where the first kind that fits is not accepted, those behind it are tried.
  Parameteriser(std::span<const ValueKind> kinds, bool retry);
  ~Parameteriser();
  std::string operator()(std::string_view text) const;

 private:
  struct Match {
    std::size_t begin, end, kind;
  };
  bool accepted(std::string_view text, const Match& match) const;
  std::optional<Match> retried(std::string_view text, const Match& refused) const;

  std::span<const ValueKind> kinds_;
  std::unique_ptr<const re2::RE2> regex_;
  std::vector<std::unique_ptr<const re2::RE2>> alone_;  // a kind each, for a second try
};

}  // namespace telltale::errors
