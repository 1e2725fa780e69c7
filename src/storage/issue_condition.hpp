// Conditions on the records of issues, as a tree: what a search says of issues themselves, before anything is
// asked of their events. The book of records turns a tree into its own language (metadb/: SQL).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace telltale::storage {

enum class IssueField : unsigned char {
  // Numbers.
  id,
  status,
  substatus,
  level,
  first_seen,
  last_seen,
  event_count,
  user_count,
  priority,
  bookmarked_by,  // any user who has bookmarked the issue or a part of it, by id
  // Texts.
  title,
  culprit,
  type,
  platform,
  short_id,
  assignee,
  first_release,
  last_release,
  release,      // any release that the issue was seen in
  environment,  // any environment that it was seen in
};

struct IssueCondition {
  enum class Op : unsigned char {
    all,         // children: every one holds; with no children, true
    any,         // children: at least one holds
    none,        // children: not one holds
    in_numbers,  // the field is one of numbers
    at_least,    // not below numbers[0]
    below,       // below numbers[0]
    in_texts,    // the field is one of texts
    like,        // the whole field is texts in this order with anything between them
    contains,    // texts in this order somewhere in the field, ASCII case ignored
    present,     // not empty
  };
  Op op = Op::all;
  IssueField field = IssueField::id;
  std::vector<std::int64_t> numbers;
  /// Of an environment: seen in it at or after `from` and before `to`.
  std::int64_t from = INT64_MIN;
  std::int64_t to = INT64_MAX;
  std::vector<std::string> texts;  // like: the first stands at the field's begin, the last at its end
  std::vector<IssueCondition> children;

  bool empty() const { return op == Op::all && children.empty(); }
  static IssueCondition group(Op op, std::vector<IssueCondition> children) {
    IssueCondition c;
    c.op = op;
    c.children = std::move(children);
    return c;
  }
  static IssueCondition number(Op op, IssueField field, std::vector<std::int64_t> numbers) {
    IssueCondition c;
    c.op = op;
    c.field = field;
    c.numbers = std::move(numbers);
    return c;
  }
  static IssueCondition text(Op op, IssueField field, std::vector<std::string> texts = {}) {
    IssueCondition c;
    c.op = op;
    c.field = field;
    c.texts = std::move(texts);
    return c;
  }
};

}  // namespace telltale::storage
