// What people type into a search field, as a tree with the places of its parts in the text:
//   is:unresolved level:[error,fatal] release:1.2.* (url:/pay* OR "card declined") !user.email:*@test.example
// Conditions stand one behind the other and all hold; OR joins alternatives (AND binds more tightly), `!`
// turns a condition or a parenthesis around. A word without a key is looked for in texts; neighbouring words
// are one condition that has them all. docs/search.md says the language by example; which keys exist and what
// their values mean is not known here (search/catalogue.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::search {

/// Bytes [begin, end) of the query.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// A value as typed: literal pieces with a star between each two.
struct Pattern {
  std::vector<std::string> pieces{std::string()};
  bool quoted = false;
  Place place;

  bool literal() const { return pieces.size() == 1; }
  /// As typed, escapes resolved: of a literal, the text itself.
  std::string text() const;
  /// Nothing but stars.
  bool anything() const;
  /// The whole text, byte for byte.
  bool matches(std::string_view text) const;
  /// Somewhere in the text, ASCII case ignored.
  bool found_in(std::string_view text) const;
  /// The same where ids are words of their own, which are found whole or with a star (base/id_words.hpp): of
  /// the texts in events.
  bool said_in(std::string_view text) const;
};

enum class Comparison : unsigned char { equal, greater, greater_equal, less, less_equal };

struct Term {
  std::string key;   // empty: words to look for
  bool tag = false;  // typed as tags[key]
  Comparison comparison = Comparison::equal;
  std::vector<Pattern> values;  // with a key: one of them; words: all of them
  Place place;
  Place key_place;
};

struct Tree {
  enum class Kind : unsigned char { all, any, none, term };
  Kind kind = Kind::all;
  std::vector<Tree> children;  // of `none` one
  Term term;
};

/// invalid_argument: `column 14: …`; see query_error(). A blank text is `all` without children.
Result<Tree> parse_query(std::string_view text);

/// `column N: message`, N the place's first character counted from 1.
tl::unexpected<Error> query_error(std::string_view text, std::size_t offset, std::string_view message);

}  // namespace telltale::search
