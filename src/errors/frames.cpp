#include "errors/frames.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "errors/names.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxCulpritBytes = 200;

void add_frame_2(const GroupingFrame& frame, std::string_view platform, Leaves& leaves) {
  const Language language = language_of(frame.platform.empty() ? platform : std::string_view(frame.platform));
  const std::string module = stable_module(frame.module, language);
  if (module.empty())
    leaves.add('p', stable_file(frame, language));
  else
    leaves.add('m', module);
  leaves.add('f', stable_function(frame, language));
  leaves.add('c', stable_line(frame.context_line, language));
}

bool same_place(const GroupingFrame& a, const GroupingFrame& b) {
  return a.function == b.function && a.module == b.module && a.filename == b.filename &&
         a.abs_path == b.abs_path && a.lineno == b.lineno && a.colno == b.colno;
}

/// A script's outermost code: where it stands tells nothing, since its file is an address of the web.
bool says_only_where(const GroupingFrame& frame, std::string_view platform) {
  if (language_of(platform) != Language::javascript) return false;
  const std::string& path = frame.abs_path.empty() ? frame.filename : frame.abs_path;
  return path.find("://") != std::string::npos && stable_function(frame, Language::javascript).empty();
}

std::string frame_text(const GroupingFrame& frame) {
  const std::string& place = frame.module.empty() ? frame.filename : frame.module;
  const std::string& function = frame.function.empty() ? frame.raw_function : frame.function;
  return place + (place.empty() || function.empty() ? "" : " in ") + function;
}

struct Judged {
  std::size_t frame = 0;
  std::string_view why;  // it does not count
};

}  // namespace

void Leaves::add(char kind, std::string_view value) {
  if (value.empty()) return;
  key_.push_back(kind);
  key_.append(value);
  key_.push_back('\x1f');
}

const Algorithm& current_algorithm() {
  static const Algorithm algorithm{kGroupingVersion, parameterise, add_frame_2};
  return algorithm;
}

RuledStack ruled(const GroupingInput& event, const GroupingException* exception,
                 const std::vector<GroupingFrame>& frames, const GroupingRules& rules,
                 const Algorithm& algorithm) {
  RuledStack out{&frames, {}, {}};
  out.verdict.frames.reserve(frames.size());
  for (const GroupingFrame& frame : frames)
    out.verdict.frames.push_back({frame.in_app.value_or(false), {}, {}});
  if (algorithm.version > 1) GroupingRules::builtin().apply(event, exception, frames, out.verdict);
  rules.apply(event, exception, frames, out.verdict);
  out.leaves.reserve(frames.size());
  const bool nowhere =
      algorithm.version > 1 && frames.size() == 1 && says_only_where(frames.front(), event.platform);
  for (const GroupingFrame& frame : frames) {
    Leaves leaves;
    if (!nowhere) algorithm.add_frame(frame, event.platform, leaves);
    out.leaves.push_back(leaves.take());
  }
  return out;
}

std::string stack_key(const RuledStack& stack, StackVariant variant, std::vector<GroupingPart>* parts) {
  const auto& frames = *stack.frames;
  std::vector<Judged> judged;
  judged.reserve(frames.size());
  const GroupingFrame* previous = nullptr;
  for (std::size_t n = 0; n < frames.size(); ++n) {
    const std::size_t i = stack.verdict.invert ? frames.size() - 1 - n : n;
    const FrameVerdict& said = stack.verdict.frames[i];
    Judged one{i, {}};
    if (previous != nullptr && same_place(*previous, frames[i]))
      one.why = "recursion";
    else if (said.group == false)
      one.why = "a rule leaves it out";
    else if (variant == StackVariant::app && !said.in_app && said.group != true)
      one.why = "not the application's own";
    else if (stack.leaves[i].empty())
      one.why = "names nothing that stays";
    previous = &frames[i];
    judged.push_back(one);
  }
  std::size_t counting = 0;
  for (auto j = judged.rbegin(); j != judged.rend(); ++j) {
    if (!j->why.empty()) continue;
    if (stack.verdict.max_frames > 0 && counting >= stack.verdict.max_frames)
      j->why = "a rule counts only the last frames";
    else
      ++counting;
  }
  const bool too_short = counting < stack.verdict.min_frames;
  std::string key;
  for (Judged& j : judged) {
    if (too_short && j.why.empty()) j.why = "the stack is shorter than a rule wants";
    if (j.why.empty()) key.append(stack.leaves[j.frame]).push_back('\x1e');
    if (parts != nullptr)
      parts->push_back({"frame", frame_text(frames[j.frame]), j.why.empty(), std::string(j.why)});
  }
  return key;
}

const GroupingFrame* culprit_frame(const RuledStack& stack) {
  const auto& frames = *stack.frames;
  for (std::size_t n = frames.size(); n > 0; --n) {
    const std::size_t i = stack.verdict.invert ? frames.size() - n : n - 1;
    if (stack.verdict.frames[i].in_app) return &frames[i];
  }
  if (frames.empty()) return nullptr;
  return stack.verdict.invert ? &frames.front() : &frames.back();
}

std::string culprit_of(const GroupingFrame* frame, std::string_view platform) {
  if (frame == nullptr) return {};
  const std::string& place = frame->module.empty() ? frame->filename : frame->module;
  const std::string& function = frame->function.empty() ? frame->raw_function : frame->function;
  std::string text;
  if (place.empty() || function.empty()) {
    text = place + function;
  } else if (language_of(platform) == Language::javascript) {
    text = function + "(" + place + ")";
  } else {
    text = place + " in " + function;
  }
  return std::string(truncate_utf8(text, kMaxCulpritBytes));
}

}  // namespace telltale::errors
