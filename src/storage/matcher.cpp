#include "storage/matcher.hpp"

#include <algorithm>

#include <re2/re2.h>

namespace telltale::storage {

LabelMatcher::LabelMatcher(MatchOp op, std::string name, std::string value,
                           std::shared_ptr<const re2::RE2> regex, std::shared_ptr<const LiteralRegex> literal)
    : op_(op),
      name_(std::move(name)),
      value_(std::move(value)),
      regex_(std::move(regex)),
      literal_(std::move(literal)) {}

Result<LabelMatcher> LabelMatcher::make(MatchOp op, std::string name, std::string value) {
  std::shared_ptr<const re2::RE2> regex;
  std::shared_ptr<const LiteralRegex> literal;
  if (op == MatchOp::re || op == MatchOp::nre) {
    re2::RE2::Options options;
    options.set_dot_nl(true);
    options.set_log_errors(false);
    regex = std::make_shared<const re2::RE2>(value, options);
    if (!regex->ok()) {
      return fail(ErrorKind::invalid_argument, "matcher of label " + name + ": bad regular expression \"" +
                                                   value + "\": " + regex->error());
    }
    if (auto parsed = LiteralRegex::parse(value))
      literal = std::make_shared<const LiteralRegex>(*std::move(parsed));
  }
  return LabelMatcher(op, std::move(name), std::move(value), std::move(regex), std::move(literal));
}

bool LabelMatcher::matches_regex(std::string_view value) const {
  if (literal_) return literal_->matches(value);
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
}

bool LabelMatcher::matches(std::string_view value) const {
  switch (op_) {
    case MatchOp::eq:
      return value == value_;
    case MatchOp::ne:
      return value != value_;
    case MatchOp::re:
      return matches_regex(value);
    case MatchOp::nre:
      return !matches_regex(value);
  }
  return false;
}

std::string LabelMatcher::to_string() const {
  static constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  std::string out = name_;
  out += kOps[static_cast<unsigned>(op_)];
  out += '"';
  for (const char c : value_) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool matches_all(const std::vector<LabelMatcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&labels](const LabelMatcher& m) { return m.matches(labels); });
}

}  // namespace telltale::storage
