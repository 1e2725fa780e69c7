// The lists of grouping rules as they are kept in memory, and their reader. Only rules.cpp and
// rule_reader.cpp look in here.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/input_limits.hpp"
#include "base/result.hpp"
#include "errors/glob.hpp"
#include "errors/rules.hpp"

namespace telltale::errors {

enum class Field : unsigned char {
  path,
  module,
  function,
  package,
  app,
  category,  // of a frame
  family,
  type,
  value,
  mechanism,
  message,
  logger,
  level,
  release,
  environment,
  transaction,
  tag,  // of the event
};
inline bool of_frame(Field field) { return field <= Field::category; }

struct Matcher {
  Field field = Field::path;
  std::string tag;
  bool negated = false;
  std::vector<Glob> patterns;  // one of them

  bool any(std::string_view text) const {
    text = text.substr(0, limits::kMaxGroupingTextBytes);
    return std::any_of(patterns.begin(), patterns.end(), [&](const Glob& g) { return g.matches(text); });
  }
};
using Matchers = std::vector<Matcher>;

struct Action {
  enum class What : unsigned char { app, group, category, max_frames, min_frames, invert } what = What::app;
  enum class On : unsigned char { frame, led_to, led_here } on = On::frame;
  bool yes = false;
  std::string text;
  std::size_t number = 0;
};

struct StackRule {
  Matchers event, frame, caller, callee;
  std::vector<Action> actions;
};
struct FingerprintRule {
  Matchers event, frame;
  FingerprintMatch match;
};

struct RuleLists {
  std::vector<StackRule> stack;
  std::vector<FingerprintRule> fingerprint;
};
/// As GroupingRules::parse() says.
Result<RuleLists> read_rules(std::string_view stack, std::string_view fingerprint);

}  // namespace telltale::errors
