// A query whose keys and values are understood: each condition knows its field and what is compared. Relative
// times have become times, `me` a name, `key:*` and `has:key` the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/event_row.hpp"
#include "search/catalogue.hpp"
#include "search/query_tree.hpp"
#include "storage/event_store.hpp"

namespace telltale::search {

struct Condition {
  const KnownField* field = nullptr;  // nullptr: words, or the attribute `name`
  std::string name;                   // the key; empty: words
  bool has = false;                   // any value will do
  std::vector<Pattern> values;        // one of them; words: all of them
  Comparison comparison = Comparison::equal;
  std::vector<double>
      numbers;                // number, duration (nanoseconds): one of them, or the one that is compared with
  std::int64_t user = 0;      // state: whose bookmarks are asked for, where they are
  TimeRange times;            // time
  std::vector<Level> levels;  // level: one of them
  bool truth = false;         // boolean
  bool nobody = false;        // person: none
};

struct Conditions {
  Tree::Kind kind = Tree::Kind::all;
  std::vector<Conditions> children;
  Condition condition;

  bool empty() const { return kind == Tree::Kind::all && children.empty(); }
  static Conditions of(Condition c) { return {Tree::Kind::term, {}, std::move(c)}; }
};

struct QueryContext {
  Subject subject = Subject::issues;
  UnixNanos now;
  std::string me;         // what `assigned:me` stands for; empty: nobody
  std::int64_t user = 0;  // who is signed in, for bookmarks; 0: nobody
};

/// invalid_argument: `column N: …`, naming the key and what it takes.
Result<Conditions> understand(std::string_view text, const QueryContext& context);

/// A condition on rows (FieldSource::event, attributes) as a filter. Not for words.
storage::EventFilter row_filter(const Condition& condition);
/// The pattern somewhere in the field's text, ASCII case ignored.
storage::EventFilter text_filter(std::string_view field, const Pattern& pattern);

}  // namespace telltale::search
