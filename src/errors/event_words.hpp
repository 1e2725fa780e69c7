// Words in events: what the event store keeps its index of, and what a query of the search language asks of
// that index.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "search/condition.hpp"
#include "storage/event_words.hpp"

namespace telltale::errors {

/// Kinds of texts of an event. Stored numbers: never renumber.
enum class TextKind : unsigned {
  function = 0,
  module = 1,
  filename = 2,
  abs_path = 3,
  package = 4,
  line = 5,
  var = 6,
  said = 7,  // the row's message, too
};

/// Error events by their grouping hashes.
storage::WordIndexing event_word_indexing();

/// What every event that satisfies the trees must satisfy; `exact`: and no more. Those of `negated` must not
/// hold. nullopt: nothing that words could tell. Table, projects and range are the caller's.
std::optional<storage::WordQuery> word_query_of(const std::vector<const search::Conditions*>& trees,
                                                const std::vector<const search::Conditions*>& negated);

}  // namespace telltale::errors
