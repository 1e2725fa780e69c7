// What a project says about grouping. Two lists, a rule a line, `#` begins a comment:
//
//   stack rules         MATCHERS… ACTIONS…
//     path:**/vendor/** -app               these frames are not the program's own
//     function:retry* -group               and these say nothing about which mistake it is
//     module:shop.db.* ^-group             nor does what was called from there
//     error.type:PoolTimeout max-frames=3  only the last three frames count
//     [ function:dispatch ] | module:shop.* +app     called by dispatch;   a | [ b ]: calls b
//   fingerprint rules   MATCHERS… -> VALUES… [title="…"]
//     error.type:PoolTimeout -> database, {{ transaction }} title="Database out of connections"
//
// Matchers are name:pattern, `!` before one turns it round, all must hold: of frames path, module, function,
// package, app (yes or no), category; of the event family (javascript, native or a platform), error.type,
// error.value, error.mechanism and, for fingerprints, message, logger, level, release, environment,
// transaction and tags.NAME. Actions: +app -app +group -group, category=NAME, max-frames=N, min-frames=N,
// invert-stacktrace; `^` before one: on all frames this one led to, `v`: on all that led here. Rules apply in
// their order; of the fingerprint rules the first that matches.
//
// The language is the one that users of Sentry know as stack trace rules and fingerprint rules.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "errors/grouping.hpp"

namespace telltale::errors {

/// What rules make of a frame.
struct FrameVerdict {
  bool in_app = false;
  std::optional<bool> group;  // said by a rule: counts, or does not
  std::string category;
};
/// And of a stack.
struct StackVerdict {
  std::vector<FrameVerdict> frames;  // beside the stack's own
  std::size_t max_frames = 0;        // the last ones; 0: all
  std::size_t min_frames = 0;        // a shorter stack says nothing
  bool invert = false;               // sent with the place of the error first
};

struct FingerprintMatch {
  std::vector<std::string> values;  // may hold variables
  std::string title;                // likewise; empty: the event's own
  std::string rule;                 // its text
};

/// Immutable and thread-safe.
class GroupingRules {
 public:
  /// invalid_argument names the list and the line. At most limits::kMaxGroupingRules each.
  static Result<std::shared_ptr<const GroupingRules>> parse(std::string_view stack,
                                                            std::string_view fingerprint);
  /// Which frames of common runtimes, frameworks and package folders are not the program's own.
  static const GroupingRules& builtin();
  static const GroupingRules& none();
  ~GroupingRules();

  /// `exception`: whose stack it is; null for a thread's.
  void apply(const GroupingInput& event, const GroupingException* exception,
             const std::vector<GroupingFrame>& frames, StackVerdict& verdict) const;
  const FingerprintMatch* fingerprint(const GroupingInput& event) const;
  bool empty() const;

 private:
  struct Lists;
  GroupingRules();
  std::unique_ptr<Lists> lists_;
};

}  // namespace telltale::errors
