// Label matchers as PromQL and LogQL write them: = != =~ !~, regular expressions in RE2's syntax, fully
// anchored,
// `.` also matching newlines. An absent label has the empty value.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"
#include "storage/literal_regex.hpp"

namespace re2 {
class RE2;
}

namespace telltale::storage {

enum class MatchOp : unsigned char { eq, ne, re, nre };

/// Immutable and cheap to copy; thread-safe.
class LabelMatcher {
 public:
  /// invalid_argument with the regular expression's error.
  static Result<LabelMatcher> make(MatchOp op, std::string name, std::string value);

  MatchOp op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool matches(std::string_view value) const;
  bool matches(const Labels& labels) const { return matches(labels.get(name_)); }
  /// Where =~ is a list of texts: these; null for any other matcher. With !~ they are what does not match.
  const std::vector<std::string>* alternatives() const {
    return literal_ && !literal_->alternatives().empty() ? &literal_->alternatives() : nullptr;
  }
  /// True when a series without the label matches.
  bool matches_empty() const { return matches(std::string_view()); }
  std::string to_string() const;

 private:
  LabelMatcher(MatchOp op, std::string name, std::string value, std::shared_ptr<const re2::RE2> regex,
               std::shared_ptr<const LiteralRegex> literal);
  bool matches_regex(std::string_view value) const;

  MatchOp op_;
  std::string name_;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;
  std::shared_ptr<const LiteralRegex> literal_;  // what the expression is instead, if it is
};

bool matches_all(const std::vector<LabelMatcher>& matchers, const Labels& labels);

}  // namespace telltale::storage
