// Which error events are "the same" problem. An event gets one or more hashes, best first; events that share
// a hash belong to one issue. A hash is made of what stays the same when the same mistake happens again
// (exception types, the frames of the program's own code) and leaves out what does not (ids and numbers in
// messages, line numbers, frames of libraries).
//
// Strategies in their order; the first that has something to say decides:
//   1. the client's checksum
//   2. a fingerprint without `{{ default }}` (custom): of the project's first rule that matches, else the
//   client's
//   3. the chain of exceptions: types and frames, or types and parameterised messages where there are no
//      frames. Of an exception group its members with their causes, in any order, each once
//   4. the stack of the one thread that crashed, else is current, else is alone
//   5. the parameterised message (its template, when there is one)
//   6. nothing: the event's level and logger
// Stacks give two variants: `app` (frames with in_app) and `system` (all frames); the app hash comes first. A
// fingerprint that holds `{{ default }}` beside other values salts every variant with them (hybrid).
//
// Pure functions; same input and rules, same hashes, on every machine and in every version of this format
// (kGroupingVersion is hashed in). The hashes of the version before come along, so that an event finds the
// issue it belonged to then; new issues are bound to the newest hashes only. A project's rules hold in both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telltale::errors {

struct GroupingFrame {
  std::string function;
  std::string raw_function;
  std::string module;
  std::string package;
  std::string filename;
  std::string abs_path;
  std::string context_line;
  std::string platform;  // when it is not the event's
  std::optional<bool> in_app;
  std::int64_t lineno = 0;
  std::int64_t colno = 0;
};

struct GroupingException {
  std::string type;
  std::string value;
  std::string module;
  std::string mechanism;
  bool synthetic = false;  // the type is the SDK's, not the program's
  bool group = false;      // several exceptions that happened together
  std::optional<std::int64_t> exception_id;
  std::optional<std::int64_t> parent_id;
  std::vector<GroupingFrame> frames;  // caller first
};

struct GroupingThread {
  bool crashed = false;
  bool current = false;
  std::vector<GroupingFrame> frames;
};

/// An error event as far as grouping looks at it. Empty means absent.
struct GroupingInput {
  std::string checksum;
  std::vector<std::string> fingerprint;
  std::vector<GroupingException> exceptions;  // as sent: the main one last
  std::vector<GroupingThread> threads;
  std::string message;    // template, or the message itself
  std::string formatted;  // with its parameters filled in
  std::string logger;
  std::string platform;
  std::string transaction;
  std::string release;
  std::string environment;
  std::string level;
  std::string culprit;  // the client's own, if any
  std::vector<std::pair<std::string, std::string>> tags;
};

inline constexpr int kGroupingVersion = 2;

/// Something that grouping looked at.
struct GroupingPart {
  std::string
      kind;  // "type", "message", "frame", "fingerprint", "checksum", "level", "logger", "transaction"
  std::string text;  // as it counts
  bool counts = true;
  std::string why;  // it does not
};

/// One reading of the event, and its hash.
struct GroupingVariant {
  std::string name;                 // "app", "system", "custom", "message", "fallback", …
  std::string hash;                 // 32 lower-case hex digits
  std::vector<GroupingPart> parts;  // only when asked for
};

struct GroupingResult {
  std::vector<GroupingVariant> variants;  // at least one, best first, of distinct hashes
  std::vector<std::string> before;        // hashes of the version before that are not among them
  std::string title;    // `Type: first line of the value`, the message's first line, or `<unlabeled event>`
  std::string culprit;  // `module in function` of the last frame of the program's own
  std::string type;     // of the main exception, empty for messages
  std::string value;
  std::string rule;  // the fingerprint rule that decided
};

class GroupingRules;

enum class Explain : unsigned char { no, yes };
GroupingResult group_event(const GroupingInput& input, const GroupingRules& rules,
                           Explain explain = Explain::no);

/// Text with what varies replaced by its kind: `user 42 at 10.0.0.7` → `user <int> at <ip>`. Kinds: email url
/// host uuid ip mac traceparent hex date duration size path id float int quoted bool.
std::string parameterise(std::string_view text);

}  // namespace telltale::errors
