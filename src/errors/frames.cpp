#include "errors/frames.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace telltale::errors {

namespace {

constexpr std::size_t kMaxContextLineBytes = 120;
constexpr std::size_t kMaxCulpritBytes = 200;

bool is_javascript(std::string_view platform) { return platform == "javascript" || platform == "node"; }

/// Languages whose source line comes with the frame and says more than a number would.
bool uses_context_line(std::string_view platform) {
  return is_javascript(platform) || platform == "python" || platform == "ruby" || platform == "php";
}

std::string_view basename(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_url(std::string_view path) { return path.find("://") != std::string_view::npos; }
bool is_synthetic_path(std::string_view path) {
  return path == "<anonymous>" || path == "[native code]" || path.starts_with("<frozen") ||
         path == "<string>";
}

std::string collapse_spaces(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
    } else {
      out.push_back(c);
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// Runs of digits become one: generated classes and lambdas are numbered anew in each build.
std::string without_numbers(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) out.push_back(c);
    if (digit && (out.empty() || out.back() != '#')) out.push_back('#');
  }
  return out;
}

/// `ns::f<int>(std::string const&) const` → `ns::f`.
std::string_view native_name(std::string_view function) {
  if (function.starts_with("operator")) return function;
  const std::size_t cut = function.find_first_of("<(", 1);
  return cut == std::string_view::npos ? function : function.substr(0, cut);
}

std::string function_leaf(const GroupingFrame& frame, std::string_view platform) {
  std::string_view name = frame.function;
  if (is_javascript(platform)) {
    if (name.starts_with("async ")) name.remove_prefix(6);
    if (name.starts_with("new ")) name.remove_prefix(4);
    if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
    if (name == "?" || name == "eval" || name.starts_with("<anonymous") || name == "anonymous") return {};
    return std::string(name);
  }
  if (platform == "java") {
    return name.starts_with("lambda$") || name.find("$$") != std::string_view::npos ? without_numbers(name)
                                                                                    : std::string(name);
  }
  if (platform == "ruby") {
    // `block (2 levels) in run` is run's.
    if (const std::size_t in = name.rfind(" in ");
        name.starts_with("block") && in != std::string_view::npos) {
      return "block " + std::string(name.substr(in + 4));
    }
    return std::string(name);
  }
  if (platform == "php" && name.find("class@anonymous") != std::string_view::npos) return "class@anonymous";
  if (platform == "native" || platform == "cocoa" || platform == "c") return std::string(native_name(name));
  return std::string(name);
}

std::string module_leaf(const GroupingFrame& frame, std::string_view platform) {
  const std::string_view module = frame.module;
  const bool generated = platform == "java" && (module.find("$$") != std::string_view::npos ||
                                                module.find("Generated") != std::string_view::npos);
  return generated ? without_numbers(module) : std::string(module);
}

std::string file_leaf(const GroupingFrame& frame) {
  const std::string_view path = frame.filename.empty() ? frame.abs_path : frame.filename;
  if (is_url(frame.abs_path) || is_url(path) || is_synthetic_path(path)) return {};
  return to_lower(basename(path));
}

/// One byte says which leaf it is, another ends it, so that no two frames run together to the same text.
void add_leaf(std::string& key, char kind, std::string_view value) {
  if (value.empty()) return;
  key.push_back(kind);
  key.append(value);
  key.push_back('\x1f');
}

std::string frame_key(const GroupingFrame& frame, std::string_view platform) {
  std::string key;
  const std::string module = module_leaf(frame, platform);
  if (!module.empty()) {
    add_leaf(key, 'm', module);
  } else {
    add_leaf(key, 'p', file_leaf(frame));
  }
  add_leaf(key, 'f', function_leaf(frame, platform));
  if (uses_context_line(platform)) {
    const std::string line = collapse_spaces(frame.context_line);
    // Longer lines are minified code or data.
    if (line.size() <= kMaxContextLineBytes) add_leaf(key, 'c', line);
  }
  return key;
}

bool same_place(const GroupingFrame& a, const GroupingFrame& b) {
  return a.function == b.function && a.module == b.module && a.filename == b.filename &&
         a.abs_path == b.abs_path && a.lineno == b.lineno && a.colno == b.colno;
}

}  // namespace

std::string stack_key(const std::vector<GroupingFrame>& frames, std::string_view platform,
                      StackVariant variant) {
  std::string key;
  const GroupingFrame* previous = nullptr;
  for (const GroupingFrame& frame : frames) {
    const bool recursion = previous != nullptr && same_place(*previous, frame);
    previous = &frame;
    if (recursion || (variant == StackVariant::app && !frame.in_app.value_or(false))) continue;
    const std::string leaves = frame_key(frame, platform);
    if (leaves.empty()) continue;
    key.append(leaves).push_back('\x1e');
  }
  return key;
}

const GroupingFrame* culprit_frame(const std::vector<GroupingFrame>& frames) {
  const auto own = std::find_if(frames.rbegin(), frames.rend(),
                                [](const GroupingFrame& f) { return f.in_app.value_or(false); });
  if (own != frames.rend()) return &*own;
  return frames.empty() ? nullptr : &frames.back();
}

std::string culprit_of(const GroupingFrame* frame, std::string_view platform) {
  if (frame == nullptr) return {};
  const std::string& place = frame->module.empty() ? frame->filename : frame->module;
  std::string text;
  if (place.empty() || frame->function.empty()) {
    text = place + frame->function;
  } else if (is_javascript(platform)) {
    text = frame->function + "(" + place + ")";
  } else {
    text = place + " in " + frame->function;
  }
  return std::string(truncate_utf8(text, kMaxCulpritBytes));
}

}  // namespace telltale::errors
