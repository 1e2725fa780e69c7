// What a stack says about identity: the leaves of each frame, recursion collapsed, in the app or the system
// variant, as the rules have it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors/grouping.hpp"
#include "errors/rules.hpp"

namespace telltale::errors {

enum class StackVariant : unsigned char { app, system };

/// What is hashed, leaf by leaf: one byte says which leaf it is, another ends it, so that no two run together
/// to the same text.
class Leaves {
 public:
  /// Nothing for an empty value.
  void add(char kind, std::string_view value);
  std::string take() { return std::move(key_); }

 private:
  std::string key_;
};

/// A version of the algorithm: what of names and messages counts.
struct Algorithm {
  int version = kGroupingVersion;
  std::string (*parameterise)(std::string_view text) = nullptr;
  void (*add_frame)(const GroupingFrame& frame, std::string_view platform, Leaves& leaves) = nullptr;
};
const Algorithm& current_algorithm();
/// version_1.cpp
const Algorithm& previous_algorithm();

/// A stack beside what the rules say of it.
struct RuledStack {
  const std::vector<GroupingFrame>* frames = nullptr;
  StackVerdict verdict;
  std::vector<std::string> leaves;  // a frame each; empty: it names nothing that stays
};
RuledStack ruled(const GroupingInput& event, const GroupingException* exception,
                 const std::vector<GroupingFrame>& frames, const GroupingRules& rules,
                 const Algorithm& algorithm);

/// The hashable text of the frames that count; empty when none does. `parts`, when not null, hears of each
/// frame.
std::string stack_key(const RuledStack& stack, StackVariant variant, std::vector<GroupingPart>* parts);

/// The last frame of the program's own, else the last one; null without frames.
const GroupingFrame* culprit_frame(const RuledStack& stack);

/// `module in function`; for JavaScript `function(module)`. Empty without a frame.
std::string culprit_of(const GroupingFrame* frame, std::string_view platform);

}  // namespace telltale::errors
