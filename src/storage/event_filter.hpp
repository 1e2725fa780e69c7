// One leaf of an event filter, compiled: a predicate on a field's text. The plain evaluator (CompiledFilter)
// runs it on rows, an engine may run it on a column or once per dictionary entry; both mean the same by
// construction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "storage/event_store.hpp"

namespace re2 {
class RE2;
}

namespace telltale::storage {

inline bool is_leaf(FilterOp op) {
  return op != FilterOp::all && op != FilterOp::any && op != FilterOp::none;
}

/// Immutable, cheap to copy, thread-safe.
class CompiledLeaf {
 public:
  /// invalid_argument for a bad regular expression or number, an empty field name, or `*` where it has no
  /// meaning.
  static Result<CompiledLeaf> compile(const EventFilter& leaf);

  const std::string& field() const { return field_; }
  bool any_spelling() const { return any_spelling_; }
  FilterOp op() const { return op_; }
  const std::string& value() const { return value_; }
  /// Of a comparison.
  double number() const { return number_; }
  /// Of an `in` leaf.
  const std::vector<std::string>& values() const { return values_; }
  /// `*`: true when any of message, payload and the attributes matches.
  bool any_field() const { return field_ == "*"; }
  /// nullopt: the row does not have the field.
  bool matches(std::optional<std::string_view> text) const;
  /// Of a json_line leaf.
  bool matches_line(const EventRow& row) const;
  bool as_number() const { return !value_.empty(); }

 private:
  CompiledLeaf() = default;
  FilterOp op_ = FilterOp::exists;
  std::string field_;
  bool any_spelling_ = false;
  std::string value_;  // lower case for icontains
  double number_ = 0;
  std::shared_ptr<const re2::RE2> regex_;
  std::vector<std::string> values_;
  std::shared_ptr<const std::unordered_set<std::string>> set_;
};

/// A text as a number, the whole of it: what comparisons and measures read. Not a number, infinities
/// excepted: nullopt.
std::optional<double> number_of(std::string_view text);

/// invalid_argument when the tree is nested deeper than limits::kMaxFilterDepth or has more than
/// limits::kMaxFilterNodes nodes.
Result<> check_filter_size(const EventFilter& filter);

}  // namespace telltale::storage
