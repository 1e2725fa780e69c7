// Which of two releases is the newer one, by their names alone.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace telltale::errors {

/// Releases are `package@version` or a version: one to four numbers, then `-` and pre-release parts, then `+`
/// and a build, which does not count. Ordered as semver.org 2.0.0 §11 says, missing numbers being 0. nullopt
/// when a name holds no version (a commit's hash) or the packages differ.
std::optional<std::strong_ordering> compare_releases(std::string_view a, std::string_view b);

}  // namespace telltale::errors
