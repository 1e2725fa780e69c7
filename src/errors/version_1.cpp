// Grouping as it was in version 1, for the hashes that issues of that time are bound to. Nothing new is bound
// to them; when no such issue is kept any more, this file goes. tests/corpus/grouping-1 holds it
// still.
#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"
#include "errors/frames.hpp"
#include "errors/parameterise.hpp"

namespace telltale::errors {

namespace version_1 {
namespace {

constexpr std::size_t kMaxContextLineBytes = 120;

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

void add_frame(const GroupingFrame& frame, std::string_view platform, Leaves& leaves) {
  const std::string module = module_leaf(frame, platform);
  leaves.add(module.empty() ? 'p' : 'm', module.empty() ? file_leaf(frame) : module);
  leaves.add('f', function_leaf(frame, platform));
  if (!uses_context_line(platform)) return;
  const std::string line = collapse_spaces(frame.context_line);
  if (line.size() <= kMaxContextLineBytes) leaves.add('c', line);
}

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
std::string_view hex_or_int(std::string_view match) {
  return match.find_first_not_of("0123456789") == std::string_view::npos ? "int" : "hex";
}

constexpr std::array kKinds = {
    ValueKind{"email", R"([A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"},
    ValueKind{"url", R"((?:https?|wss?|ftp|file|postgres(?:ql)?|mysql|redis|amqp|s3)://[^\s"'<>]+)"},
    ValueKind{"uuid", R"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"},
    ValueKind{
        "ip",
        R"((?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}|::1)"},
    ValueKind{
        "date",
        R"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[ ]?[+-]\d{2}:?\d{2})?)?|)"
        R"(\d{1,2}/[A-Z][a-z]{2}/\d{4}(?::\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?)?|)"
        R"((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}(?: \d{2}:\d{2}:\d{2}(?: GMT| UTC| [+-]\d{4})?)?|)"
        R"(\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)"},
    ValueKind{"duration",
              R"(\d+(?:\.\d+)?(?:ns|us|µs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?))"},
    ValueKind{"hex", R"(0[xX][0-9a-fA-F]+|[0-9a-f]{8,128}|[0-9A-F]{8,128})", has_digit, hex_or_int},
    ValueKind{"float", R"(-?\d+\.\d+(?:[eE][+-]?\d+)?|-?\d+[eE][+-]?\d+)"},
    ValueKind{"int", R"(-?\d+)"},
    ValueKind{"quoted", R"('[^'\n]*'|"[^"\n]*"|`[^`\n]*`)"},
};

std::string parameterise(std::string_view text) {
  static const Parameteriser* const machine = new Parameteriser(kKinds, false);
  return (*machine)(text);
}

}  // namespace
}  // namespace version_1

const Algorithm& previous_algorithm() {
  static const Algorithm algorithm{1, version_1::parameterise, version_1::add_frame};
  return algorithm;
}

}  // namespace telltale::errors
