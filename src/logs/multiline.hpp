// Lines of one event put together: a stack trace belongs to the line above it. Either every event begins with
// a line of a known form (a pattern, or a time), or what continues one is recognised: indentation, Python's
// tracebacks, Java's `Caused by:`, Go's panics. Bounded in lines, bytes and waiting time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/input_limits.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::logs {

struct MultilineOptions {
  enum class Mode : std::uint8_t { off, continuation, time, pattern };
  Mode mode = Mode::off;
  std::string start;  // RE2, of mode pattern: found in an event's first line
  std::size_t max_lines = limits::kMaxJoinedLines;
  std::size_t max_bytes = limits::kMaxLogLineBytes;
  Nanos max_wait{std::chrono::seconds(1)};  // without a further line an event is whole after this
};

/// Decides, line by line, whether a line continues the one before. Immutable and thread-safe.
class LineStarts {
 public:
  /// invalid_argument when the pattern is none.
  static Result<std::shared_ptr<const LineStarts>> create(const MultilineOptions& options);
  ~LineStarts();
  const MultilineOptions& options() const { return options_; }

  /// What is remembered from line to line of one source.
  struct State {
    enum class Block : std::uint8_t { none, traceback, frames, go };
    Block block = Block::none;
  };
  bool continues(std::string_view line, State& state) const;

 private:
  explicit LineStarts(MultilineOptions options);
  struct Pattern;
  const MultilineOptions options_;
  std::unique_ptr<Pattern> pattern_;
};

/// A joined event and where it stood in its source.
struct JoinedLine {
  std::string text;
  std::uint64_t begin = 0;  // offset of its first byte
  std::uint64_t end = 0;    // behind its last line's end
};

/// One source's lines. Not thread-safe.
class LineJoiner {
 public:
  explicit LineJoiner(std::shared_ptr<const LineStarts> starts) : starts_(std::move(starts)) {}

  /// `line` without its end; `[begin, end)` with it. Events that are whole now go to `out`.
  void add(std::string_view line, std::uint64_t begin, std::uint64_t end, Nanos now,
           std::vector<JoinedLine>& out);
  /// Gives out what has waited long enough; all of it when `force`.
  void flush(Nanos now, bool force, std::vector<JoinedLine>& out);
  bool waiting() const { return open_; }
  /// Where the event begins that waits for more lines.
  std::uint64_t waiting_from() const { return current_.begin; }
  /// Forgets what waits, for a source that is read again from an earlier place.
  void reset();

 private:
  std::shared_ptr<const LineStarts> starts_;
  LineStarts::State state_;
  JoinedLine current_;
  std::size_t lines_ = 0;
  bool open_ = false;
  Nanos last_{0};
};

}  // namespace telltale::logs
