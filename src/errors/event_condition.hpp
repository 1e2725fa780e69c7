// Conditions on one event: what of them the store can answer, and the whole of them on a row with its JSON.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "errors/event_body.hpp"
#include "search/condition.hpp"
#include "storage/event_store.hpp"

namespace telltale::errors {

/// Of a tree that words or a condition on the body are in.
bool reads_body(const search::Conditions& tree);

/// Every event that satisfies the tree (turned around, when `negated`) passes; with reads_body(), others may,
/// too.
storage::EventFilter event_filter(const search::Conditions& tree, bool negated);

/// Exactly. For one thread.
class EventCheck {
 public:
  /// All of `trees` must hold, those of `negated` not. They outlive the check.
  static Result<EventCheck> of(std::vector<const search::Conditions*> trees,
                               std::vector<const search::Conditions*> negated);
  bool matches(const EventRow& row);
  /// Fields that rows must have, beside the payload.
  std::vector<std::string> fields() const { return {fields_.begin(), fields_.end()}; }

 private:
  Result<> prepare(const search::Conditions& tree);
  bool holds(const search::Conditions& tree, const EventRow& row);
  bool says_all(const search::Condition& words, const EventRow& row);

  std::vector<const search::Conditions*> trees_;
  std::vector<const search::Conditions*> negated_;
  std::map<const search::Condition*, storage::CompiledFilter> filters_;
  std::set<std::string> fields_;
  EventBodyReader reader_;
  const EventBody* body_ = nullptr;  // of the row being looked at
};

}  // namespace telltale::errors
