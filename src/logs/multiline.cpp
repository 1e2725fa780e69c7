#include "logs/multiline.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "base/time_zone.hpp"
#include "logs/fields.hpp"

namespace telltale::logs {
namespace {

bool indented(std::string_view line) { return line.front() == ' ' || line.front() == '\t'; }

bool starts_with_any(std::string_view line, std::initializer_list<std::string_view> fronts) {
  return std::any_of(fronts.begin(), fronts.end(),
                     [&](std::string_view front) { return line.starts_with(front); });
}

// `java.lang.IllegalStateException: no`, `shop.errors.OutOfStock`, `ValueError: x`: a dotted name whose last
// part says that it is an exception, then a colon or nothing.
bool names_exception(std::string_view line) {
  std::size_t end = 0;
  const auto name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '$';
  };
  while (end < line.size() && name_char(line[end])) ++end;
  if (end < 5 || (end < line.size() && line[end] != ':')) return false;
  const auto name = line.substr(0, end);
  return name.ends_with("Exception") || name.ends_with("Error") ||
         (name.find('.') != std::string_view::npos && name.ends_with("Throwable"));
}

bool go_frame(std::string_view line) {
  return starts_with_any(line, {"goroutine ", "created by ", "panic:", "exit status", "[signal "}) ||
         line.ends_with(")") || line.ends_with("(...)");
}

using Block = LineStarts::State::Block;

// A line that is not indented, by what kind of block it stands in.
bool continues_block(std::string_view line, LineStarts::State& state) {
  if (starts_with_any(line, {"Traceback (most recent call last)", "  + Exception Group Traceback"})) {
    state.block = Block::traceback;
    return true;
  }
  if (starts_with_any(line, {"Caused by:", "Suppressed:", "During handling of the above exception",
                             "The above exception was the direct cause"})) {
    state.block = Block::frames;
    return true;
  }
  if (starts_with_any(line, {"goroutine ", "panic: "})) {
    state.block = Block::go;
    return true;
  }
  switch (state.block) {
    case Block::traceback:  // behind the frames stands the exception, then the block is over
      state.block = Block::frames;
      return true;
    case Block::go:
      if (go_frame(line)) return true;
      break;
    default:
      break;
  }
  if (names_exception(line)) {
    state.block = Block::frames;
    return true;
  }
  const bool closes = line.find_first_not_of("}])>;,") == std::string_view::npos;
  if (!closes) state.block = Block::none;
  return closes;
}

}  // namespace

struct LineStarts::Pattern {
  explicit Pattern(const std::string& text) : re(text, RE2::Quiet) {}
  RE2 re;
};

LineStarts::LineStarts(MultilineOptions options) : options_(std::move(options)) {}
LineStarts::~LineStarts() = default;

Result<std::shared_ptr<const LineStarts>> LineStarts::create(const MultilineOptions& options) {
  std::shared_ptr<LineStarts> made(new LineStarts(options));
  if (options.mode == MultilineOptions::Mode::pattern) {
    made->pattern_ = std::make_unique<Pattern>(options.start);
    if (!made->pattern_->re.ok())
      return fail(ErrorKind::invalid_argument,
                  "\"" + options.start + "\" is no pattern: " + made->pattern_->re.error());
  }
  return std::shared_ptr<const LineStarts>(std::move(made));
}

bool LineStarts::continues(std::string_view line, State& state) const {
  switch (options_.mode) {
    case MultilineOptions::Mode::off:
      return false;
    case MultilineOptions::Mode::time:
      return !time_in_text(line, TimeZone(), UnixNanos{0}).has_value();
    case MultilineOptions::Mode::pattern:
      return !RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), pattern_->re);
    case MultilineOptions::Mode::continuation:
      break;
  }
  if (line.empty()) return state.block != State::Block::none;  // between the parts of a trace
  if (indented(line)) {
    if (state.block == State::Block::none) state.block = State::Block::frames;
    return true;
  }
  return continues_block(line, state);
}

void LineJoiner::add(std::string_view line, std::uint64_t begin, std::uint64_t end, Nanos now,
                     std::vector<JoinedLine>& out) {
  const MultilineOptions& options = starts_->options();
  const bool continues = starts_->continues(line, state_);
  const bool fits = lines_ < options.max_lines && current_.text.size() + 1 + line.size() <= options.max_bytes;
  if (open_ && continues && fits) {
    current_.text += '\n';
    current_.text += line;
    current_.end = end;
    ++lines_;
  } else {
    if (open_) out.push_back(std::move(current_));
    current_ = {std::string(line), begin, end};
    lines_ = 1;
    open_ = true;
  }
  last_ = now;
  if (options.mode == MultilineOptions::Mode::off) flush(now, true, out);
}

void LineJoiner::flush(Nanos now, bool force, std::vector<JoinedLine>& out) {
  if (!open_ || (!force && now - last_ < starts_->options().max_wait)) return;
  out.push_back(std::move(current_));
  reset();
}

void LineJoiner::reset() {
  open_ = false;
  lines_ = 0;
  current_ = {};
  state_ = {};
}

}  // namespace telltale::logs
