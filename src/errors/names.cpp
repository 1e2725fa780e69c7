#include "errors/names.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <re2/re2.h>

#include "base/text.hpp"
#include "errors/chars.hpp"

namespace telltale::errors {
namespace {

constexpr std::size_t kMaxContextLineBytes = 120;
constexpr std::size_t kMaxNameBytes = 1024;  // longer ones are compared as they are

// ---- Forms
// --------------------------------------------------------------------------------------------------

/// Where `sign` stands in the name, each match of `form` becomes `with`.
struct Form {
  std::string_view sign;
  std::string form;
  std::string with;
  re2::RE2 regex{form, re2::RE2::Quiet};
};

// Applied in their order.
std::span<const Form> java_forms() {
  static const auto* const forms = new std::array{
      // The JVM's classes of lambdas (JEP 371 hides them behind an address).
      Form{"$$Lambda", R"(\$\$Lambda.*)", "$$Lambda"},
      // javac's bodies of lambdas: the enclosing method and an ordinal.
      Form{"lambda$", R"(^lambda\$(.+?)(?:\$\d+)?$)", R"(lambda$\1)"},
      // Spring's and CGLIB's subclasses, with a hash of what they stand for.
      Form{"$$", R"(\$\$(?:EnhancerBy|FastClassBy|KeyFactoryBy)\w*?\$\$[0-9a-f]+)", ""},
      Form{"$$", R"(\$\$(?:Spring)?CGLIB\$\$\d+)", ""},
      Form{"$$_j", R"(_?\$\$_?(?:javassist|jvst)\w*)", ""},
      Form{"Buddy$", R"(\$?ByteBuddy\$\w+)", ""},
      Form{"Proxy$", R"(\$HibernateProxy\$\w+)", ""},
      Form{"Mock$", R"(\$MockitoMock\$\w+)", ""},
      // The reflection of the JDK, compiled after some calls.
      Form{"Accessor", R"((Generated(?:Serialization)?(?:Method|Constructor)Accessor)\d+)", R"(\1)"},
      Form{"$Proxy", R"(\$Proxy\d+)", "$Proxy"},
      Form{"jdk.proxy", R"(jdk\.proxy\d+)", "jdk.proxy"},
      // Clojure (fn__123), Scala ($anonfun$run$1), Groovy (_run_closure2, Script7), Kotlin (run$lambda-0).
      Form{"__", R"(__\d+)", ""},
      Form{"$eval", R"(\$eval\d+)", "$eval"},
      Form{"_closure", R"(_closure\d+)", "_closure"},
      Form{"Script", R"(\bScript\d+\b)", "Script"},
      Form{"$lambda", R"(\$lambda[-$]\d+)", "$lambda"},
      // Anonymous classes count upwards through their file.
      Form{"$", R"(\$\d+)", "$"},
  };
  return *forms;
}

std::span<const Form> php_forms() {
  static const auto* const forms = new std::array{
      Form{"class@anonymous", R"(class@anonymous[\s\S]*)", "class@anonymous"},
      Form{"{closure", R"(\{closure[^}]*\})", "{closure}"},
      Form{"__TwigTemplate_", R"(__TwigTemplate_[0-9a-f]+)", "__TwigTemplate"},
      Form{"eval()'d", R"(\(\d+\) : eval\(\)'d code)", " eval"},
      Form{"runtime-created", R"(\(\d+\) : runtime-created function)", " function"},
  };
  return *forms;
}

std::span<const Form> ruby_forms() {
  static const auto* const forms = new std::array{
      // ERB's compiled templates: a hash and an object's number.
      Form{"__", R"(_+\d+_\d+)", ""},
  };
  return *forms;
}

std::span<const Form> go_forms() {
  static const auto* const forms = new std::array{
      // The compiler's names of closures and of wrappers around `go` and `defer`.
      Form{".func", R"(\.func\d+(?:\.\d+)*)", ".func"},
      Form{"wrap", R"(\.(gowrap|deferwrap)\d+)", R"(.\1)"},
      Form{"[", R"(\[[^\]]*\])", ""},
  };
  return *forms;
}

std::span<const Form> csharp_forms() {
  static const auto* const forms = new std::array{
      // Roslyn's names of state machines, lambdas and local functions.
      Form{".MoveNext", R"(\.MoveNext(?:\(\))?$)", ""},
      Form{">d__", R"(<(\w+)>d__\d+)", R"(\1)"},
      Form{">b__", R"(<(\w+)>b__\d+(?:_\d+)?)", R"(\1 lambda)"},
      Form{">g__", R"(<(\w+)>g__(\w+)\|\d+(?:_\d+)?)", R"(\1.\2)"},
      Form{"DisplayClass", R"(<>c__DisplayClass\d+(?:_\d+)?)", "<>c"},
      Form{"lambda_method", R"(lambda_method\d+)", "lambda_method"},
      Form{"`", R"(`\d+)", ""},
      Form{"(", R"(\(.*\)$)", ""},
  };
  return *forms;
}

std::span<const Form> elixir_forms() {
  static const auto* const forms = new std::array{
      Form{"anonymous fn", R"(anonymous fn(?:/\d+)? in )", "fn in "},
      Form{"-fun", R"(-fun[-.]\d+-)", "-fun-"},
      Form{"/", R"(/\d+)", ""},
  };
  return *forms;
}

std::span<const Form> native_forms() {
  static const auto* const forms = new std::array{
      // Parts and clones that an optimiser makes of a function.
      Form{".", R"(\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)?)", ""},
      Form{" [", R"( \[clone [^\]]*\])", ""},
      // Rust's hash of the instance, and what is demangled in its old scheme.
      Form{"::h", R"(::h[0-9a-f]{16}$)", ""},
      // Blocks of Objective-C, closures of Swift, lambdas of C++.
      Form{"_block_invoke", R"(^_*\d*_*([-+]\[.*\])_block_invoke(?:_\d+)?$)", R"(\1 block)"},
      Form{"_block_invoke", R"(_block_invoke(?:_\d+)?$)", " block"},
      Form{"closure #", R"(closure #\d+)", "closure"},
      Form{"specialized ", R"(\b(?:generic )?specialized )", ""},
      Form{"partial apply", R"(\bpartial apply (?:forwarder )?for )", ""},
      Form{"lambda", R"(\{lambda\([^{}]*\)#\d+\})", "{lambda}"},
      Form{"$_", R"(\$_\d+)", "$_"},
  };
  return *forms;
}

std::string in_stable_form(std::string_view name, std::span<const Form> forms) {
  std::string out(name);
  if (name.size() > kMaxNameBytes) return out;
  for (const Form& form : forms) {
    if (out.find(form.sign) != std::string::npos) re2::RE2::GlobalReplace(&out, form.regex, form.with);
  }
  return out;
}

// ---- Functions
// ----------------------------------------------------------------------------------------------

bool says_nothing(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kWords = {
      "?", "??", "<unknown>", "<anonymous>", "(anonymous)", "anonymous", "<redacted>", "<anonymous closure>"};
  if (std::find(kWords.begin(), kWords.end(), name) != kWords.end()) return true;
  // What a symboliser could not name: an address.
  for (const std::string_view prefix : {"0x", "sub_", "fun_"}) {
    if (!name.starts_with(prefix) || name.size() < prefix.size() + 4) continue;
    const auto rest = name.substr(prefix.size());
    if (std::all_of(rest.begin(), rest.end(), is_hex_digit)) return true;
  }
  return false;
}

std::string javascript_function(std::string_view name) {
  for (const std::string_view prefix : {"async ", "new ", "get ", "set ", "bound "}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  // V8: `Object.handler [as onClick]`, `Array.map (<anonymous>)`.
  name = name.substr(0, std::min(name.find(" ["), name.find(" (")));
  while (name.ends_with("/<")) name.remove_suffix(2);  // Firefox: a function within this one
  if (const auto slash = name.find("/</"); slash != std::string_view::npos) name = name.substr(0, slash);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
  if (name == "eval" || name.starts_with("<anonymous") || name == "Anonymous function") return {};
  return std::string(name);
}

std::string ruby_function(std::string_view name) {
  bool block = false;
  while (true) {
    const bool here = name.starts_with("block");
    if (!here && !name.starts_with("rescue") && !name.starts_with("ensure")) break;
    const auto in = name.find(" in ");
    if (in == std::string_view::npos) break;
    block |= here;
    name.remove_prefix(in + 4);
  }
  // Ruby 3.4 names the class as well: `Cart#total`, `Cart.load`.
  if (const auto at = name.find_last_of("#."); at != std::string_view::npos && at + 1 < name.size())
    name.remove_prefix(at + 1);
  return (block ? "block " : "") + in_stable_form(name, ruby_forms());
}

/// Takes out what stands between `open` and its `close`, however deep. Operators keep theirs.
std::string without_bracketed(std::string_view name, char open, char close) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool arrow = c == '>' && i > 0 && name[i - 1] == '-';
    const bool of_operator = depth == 0 && out.ends_with("operator");
    if (c == open && of_operator) {
      while (i < name.size() && name[i] == open) out.push_back(name[i++]);
      if (open == '(' && i < name.size() && name[i] == close) out.push_back(name[i++]);
      --i;
    } else if (c == open) {
      ++depth;
    } else if (c == close && depth > 0 && !arrow) {
      --depth;
    } else if (depth == 0) {
      out.push_back(c);
    }
  }
  return out;
}

/// `int shop::find<int>(std::string const&) const` → `shop::find`.
std::string native_function(std::string_view raw) {
  if (raw.size() > kMaxNameBytes) return std::string(raw);
  std::string name = in_stable_form(raw, native_forms());
  if (name.starts_with("-[") || name.starts_with("+[")) return name;
  for (std::size_t at; (at = name.find("(anonymous namespace)")) != std::string::npos;)
    name.replace(at, 21, "{anonymous}");
  if (name.starts_with('<')) {
    // Rust: `<Type as Trait>::method`, `<Type>::method`: the type tells, its parameters do not.
    int depth = 0;
    std::size_t end = 0;
    for (; end < name.size(); ++end) {
      depth += name[end] == '<' ? 1 : name[end] == '>' ? -1 : 0;
      if (depth == 0) break;
    }
    const std::string inner = without_bracketed(std::string_view(name).substr(1, end - 1), '<', '>');
    return inner + without_bracketed(std::string_view(name).substr(std::min(end + 1, name.size())), '<', '>');
  }
  name = without_bracketed(without_bracketed(name, '<', '>'), '(', ')');
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view suffix : {" const", " volatile", " noexcept", " &", " &&", "&", " "}) {
      if (!name.ends_with(suffix) || name.ends_with("operator&") || name.ends_with("operator&&")) continue;
      name.resize(name.size() - suffix.size());
      more = true;
    }
  }
  // Before it stands what it returns.
  const auto special = name.find("operator");
  const auto space = name.rfind(' ', special);
  const bool words = name.find("closure in ") != std::string::npos || name.ends_with(" block");
  if (space != std::string::npos && !words) name.erase(0, space + 1);
  return name;
}

/// Pieces of a file name between dots and dashes that are hashes, numbers or a build's target.
std::string without_hashes(std::string_view file) {
  std::string out;
  char before = '\0';
  while (!file.empty()) {
    const std::size_t end = std::min(file.find_first_of(".-"), file.size());
    const std::string_view piece = file.substr(0, end);
    const auto digits = static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), is_digit));
    const bool hash = digits > 0 && (digits == piece.size() ||
                                     (piece.size() >= 6 && std::all_of(piece.begin(), piece.end(), is_word)));
    if (!hash || before == '\0') {
      if (before != '\0' && !out.empty()) out.push_back(before);
      out.append(piece);
    }
    before = end < file.size() ? file[end] : '\0';
    file.remove_prefix(std::min(end + 1, file.size()));
  }
  return out;
}

bool is_url(std::string_view path) { return path.find("://") != std::string_view::npos; }
bool is_no_file(std::string_view path) {
  return path.starts_with('<') || path == "[native code]" || path == "native" || path == "unknown";
}

}  // namespace

Language language_of(std::string_view platform) {
  if (platform == "javascript" || platform == "node") return Language::javascript;
  if (platform == "python") return Language::python;
  if (platform == "java" || platform == "kotlin") return Language::java;
  if (platform == "ruby") return Language::ruby;
  if (platform == "php") return Language::php;
  if (platform == "native" || platform == "cocoa" || platform == "c" || platform == "objc" ||
      platform == "swift" || platform == "rust")
    return Language::native;
  if (platform == "go") return Language::go;
  if (platform == "csharp" || platform == "fsharp" || platform == "dotnet") return Language::csharp;
  if (platform == "elixir" || platform == "erlang") return Language::elixir;
  return Language::other;
}

std::string stable_function(const GroupingFrame& frame, Language language) {
  // .NET's short name of a state machine is MoveNext, whatever it is of; elsewhere the raw name is the
  // noisier one.
  const bool raw = frame.function.empty() || (language == Language::csharp && !frame.raw_function.empty());
  const std::string_view name = raw ? frame.raw_function : frame.function;
  if (name.empty() || says_nothing(name)) return {};
  switch (language) {
    case Language::javascript:
      return javascript_function(name);
    case Language::java:
      return in_stable_form(name, java_forms());
    case Language::ruby:
      return ruby_function(name);
    case Language::php:
      return in_stable_form(name, php_forms());
    case Language::native:
      return native_function(name);
    case Language::go:
      return in_stable_form(name, go_forms());
    case Language::csharp:
      return in_stable_form(name, csharp_forms());
    case Language::elixir:
      return in_stable_form(name, elixir_forms());
    case Language::python:
    case Language::other:
      break;
  }
  return std::string(name);
}

std::string stable_module(std::string_view module, Language language) {
  switch (language) {
    case Language::java:
      return in_stable_form(module, java_forms());
    case Language::php:
      return in_stable_form(module, php_forms());
    case Language::csharp:
      return in_stable_form(module, csharp_forms());
    default:
      return std::string(module);
  }
}

std::string stable_file(const GroupingFrame& frame, Language language) {
  std::string_view path = frame.filename.empty() ? frame.abs_path : frame.filename;
  if (is_url(frame.abs_path) || is_url(path) || is_no_file(path)) return {};
  if (const auto slash = path.find_last_of("/\\"); slash != std::string_view::npos)
    path.remove_prefix(slash + 1);
  std::string name = to_lower(path);
  if (language == Language::javascript) return without_hashes(name);
  if (language == Language::php) {
    name = in_stable_form(name, php_forms());
    // A compiled template is named by the hash of its path.
    const auto dot = std::min(name.find('.'), name.size());
    if (dot >= 32 && std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot), is_hex_digit))
      name.erase(0, dot);
  }
  return name;
}

std::string stable_line(std::string_view line, Language language) {
  const bool sent = language == Language::javascript || language == Language::python ||
                    language == Language::ruby || language == Language::php;
  if (!sent) return {};
  std::string out;
  for (const char c : line) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) out.push_back(c);
    if (space && !out.empty() && out.back() != ' ') out.push_back(' ');
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out.size() <= kMaxContextLineBytes ? out : std::string();
}

}  // namespace telltale::errors
