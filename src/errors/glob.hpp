// Patterns of grouping rules: `*` any run, `?` one character, `[abc]` one of several. In paths `*` stays
// within a folder and `**` crosses them. Compiled once; the common forms (a piece with stars around it) are
// plain string searches, the rest is RE2 and so takes linear time whatever the pattern.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace re2 {
class RE2;
}

namespace telltale::errors {

class Glob {
 public:
  enum class Kind : unsigned char {
    text,   // as it stands, case counts
    words,  // case does not count
    path,   // case does not count, `\` is `/`, and a path may begin anywhere: `src/x` is `/src/x`
  };
  /// invalid_argument for a class without its end.
  static Result<Glob> parse(std::string_view pattern, Kind kind);
  /// For Kind::path, `text` went through path_form() before.
  bool matches(std::string_view text) const;
  static std::string path_form(std::string_view path);

 private:
  enum class Form : unsigned char { exact, prefix, suffix, contains, any, regex };
  Form form_ = Form::any;
  bool fold_ = false;
  std::string piece_;
  std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace telltale::errors
