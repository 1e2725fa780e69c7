// Words that rows' texts are made of, and which groups of rows say them: what an EventStore may keep an index
// of, so that a search for existence ("which issues have an event that says …") reads no rows. A row's texts
// are those of its payload, each of one of eight kinds, and its message; what a payload's texts are, the
// store is told by whoever knows (EventTexts).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/event_row.hpp"
#include "storage/metric_store.hpp"

namespace telltale::storage {

inline constexpr unsigned kTextKinds = 8;
/// A bit a kind.
using TextKinds = std::uint8_t;

/// Reads payloads, one after the other. Not thread-safe.
class EventTexts {
 public:
  virtual ~EventTexts() = default;
  /// The text is valid during the call; 0 <= kind < kTextKinds.
  using Visit = std::function<void(unsigned kind, std::string_view text)>;
  virtual void read(std::string_view payload, const Visit& visit) = 0;
};

/// What a store is to keep an index of.
struct WordIndexing {
  Table table = Table::errors;
  std::string group;     // the attribute whose text, together with the project, tells groups apart
  unsigned message = 0;  // the kind that a row's message counts as
  TextKinds names = 0;   // kinds whose texts are kept as a whole, too
  std::function<std::unique_ptr<EventTexts>()> texts;
};

/// One way to satisfy a condition: the pieces stand in this order in one text of one of the kinds, with
/// anything between them; an id that goes on before the first or behind the last is none of it unless an
/// empty piece stands there (base/id_words.hpp).
struct WordNeedle {
  TextKinds kinds = 0;
  std::vector<std::string> pieces;
  /// The text begins with the first piece and ends with the last, byte for byte. Otherwise anything may stand
  /// before and behind, and ASCII case is ignored.
  bool whole = false;
};
/// One of these holds.
struct WordCondition {
  std::vector<WordNeedle> any;
};
struct WordQuery {
  Table table = Table::errors;
  std::string group;
  Projects projects;
  TimeRange range;
  std::vector<WordCondition> all;  // of one row
  bool exact = true;               // false: rows must satisfy more than this
};

/// Where rows are, as the store keeps them that says it.
class RowPlaces {
 public:
  virtual ~RowPlaces() = default;
};

struct WordGroup {
  ProjectId project;
  std::string group;
  auto operator<=>(const WordGroup&) const = default;
};
struct WordGroups {
  /// Have a row in the range that satisfies the query. Sorted, as those below.
  std::vector<WordGroup> sure;
  /// May have one; none of `sure`. Rows must be read to tell.
  std::vector<WordGroup> possible;
  /// Where rows of `possible` are that may satisfy it. Sorted, apart from each other.
  std::vector<TimeRange> possible_in;
  /// The same for EventQuery::places, closer than times can say it; null: nothing is known but those.
  std::shared_ptr<const RowPlaces> places;
  /// Of whose rows nothing is known: there, any group may have one. Sorted, apart from each other.
  std::vector<TimeRange> unknown;
};

}  // namespace telltale::storage
