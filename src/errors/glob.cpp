#include "errors/glob.hpp"

#include <re2/re2.h>

#include "base/text.hpp"

namespace telltale::errors {
namespace {

/// Stars around one piece of plain text: how many stand before and behind it. In a path one star is not
/// enough to stand for anything.
struct Plain {
  bool open_front = false;
  bool open_back = false;
  std::string_view piece;
};
std::optional<Plain> plain_form(std::string_view pattern, bool path) {
  const std::string_view star = path ? "**" : "*";
  Plain out;
  while (pattern.starts_with(star)) {
    out.open_front = true;
    pattern.remove_prefix(star.size());
  }
  while (pattern.ends_with(star)) {
    out.open_back = true;
    pattern.remove_suffix(star.size());
  }
  if (pattern.find_first_of("*?[") != std::string_view::npos) return std::nullopt;
  out.piece = pattern;
  return out;
}

Result<std::string> regex_of(std::string_view pattern, bool path) {
  const std::string one = path ? "[^/]" : "[\\s\\S]";
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      const bool two = i + 1 < pattern.size() && pattern[i + 1] == '*';
      out += two ? "[\\s\\S]*" : one + "*";
      i += two ? 1 : 0;
    } else if (c == '?') {
      out += one;
    } else if (c == '[') {
      const std::size_t end = pattern.find(']', i + 1);
      if (end == std::string_view::npos) return fail(ErrorKind::invalid_argument, "a [ without its ]");
      std::string_view inside = pattern.substr(i + 1, end - i - 1);
      out += inside.starts_with('!') || inside.starts_with('^') ? "[^" : "[";
      if (inside.starts_with('!') || inside.starts_with('^')) inside.remove_prefix(1);
      if (inside.empty()) return fail(ErrorKind::invalid_argument, "nothing between [ and ]");
      for (const char inner : inside) {
        if (inner == '\\' || inner == '[' || inner == '^') out.push_back('\\');
        out.push_back(inner);
      }
      out.push_back(']');
      i = end;
    } else {
      out += re2::RE2::QuoteMeta(re2::StringPiece(&pattern[i], 1));
    }
  }
  return out;
}

}  // namespace

std::string Glob::path_form(std::string_view path) {
  std::string out = to_lower(path);
  for (char& c : out) {
    if (c == '\\') c = '/';
  }
  if (!out.starts_with('/')) out.insert(out.begin(), '/');
  return out;
}

Result<Glob> Glob::parse(std::string_view pattern, Kind kind) {
  Glob out;
  const bool path = kind == Kind::path;
  out.fold_ = kind == Kind::words;
  std::string text(pattern);
  if (path) text = pattern.starts_with("**") ? path_form(pattern).substr(1) : path_form(pattern);
  if (out.fold_) text = to_lower(pattern);
  if (const auto plain = plain_form(text, path)) {
    out.piece_ = plain->piece;
    out.form_ = plain->piece.empty() && plain->open_front ? Form::any
                : plain->open_front && plain->open_back   ? Form::contains
                : plain->open_front                       ? Form::suffix
                : plain->open_back                        ? Form::prefix
                                                          : Form::exact;
    return out;
  }
  TT_ASSIGN(const std::string regex, regex_of(text, path));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto made = std::make_shared<re2::RE2>(regex, options);
  if (!made->ok()) return fail(ErrorKind::invalid_argument, "no pattern: " + std::string(pattern));
  out.form_ = Form::regex;
  out.regex_ = std::move(made);
  return out;
}

bool Glob::matches(std::string_view given) const {
  if (form_ == Form::any) return true;
  const std::string folded = fold_ ? to_lower(given) : std::string();
  const std::string_view text = fold_ ? std::string_view(folded) : given;
  switch (form_) {
    case Form::exact:
      return text == piece_;
    case Form::prefix:
      return text.starts_with(piece_);
    case Form::suffix:
      return text.ends_with(piece_);
    case Form::contains:
      return text.find(piece_) != std::string_view::npos;
    case Form::any:
      return true;
    case Form::regex:
      break;
  }
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex_);
}

}  // namespace telltale::errors
