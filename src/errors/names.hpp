// What of a frame's names stays the same from build to build and from run to run. Compilers and runtimes
// number what they make up (lambdas, closures, proxies, template instances) and tools put a hash of the
// content into file names; none of that tells one mistake from another. Sources of the forms are named beside
// each.
#pragma once

#include <string>
#include <string_view>

#include "errors/grouping.hpp"

namespace telltale::errors {

enum class Language : unsigned char {
  other,
  javascript,
  python,
  java,
  ruby,
  php,
  native,
  go,
  csharp,
  elixir
};
/// The word of an event's or a frame's `platform`.
Language language_of(std::string_view platform);

/// Empty where the name says nothing (`?`, `<anonymous>`, an address).
std::string stable_function(const GroupingFrame& frame, Language language);
std::string stable_module(std::string_view module, Language language);
/// The base name in lower case; empty for addresses of the web and for what is no file (`<string>`).
std::string stable_file(const GroupingFrame& frame, Language language);
/// Spaces collapsed; empty for languages whose SDKs send no source and for lines that are data or minified.
std::string stable_line(std::string_view context_line, Language language);

}  // namespace telltale::errors
