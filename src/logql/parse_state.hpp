// What the parts of the parser share: the tokens, a place in them, errors with positions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logql/ast.hpp"
#include "logql/lexer.hpp"

namespace telltale::logql {

class ParseState {
 public:
  ParseState(std::string_view text, std::vector<Token> tokens) : text_(text), tokens_(std::move(tokens)) {}

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool at_end() const { return peek().kind == TokenKind::end; }
  bool take_symbol(std::string_view symbol);
  bool take_word(std::string_view word);
  Result<> want_symbol(std::string_view symbol);
  Result<std::string> want_string(std::string_view what);
  /// Sanitised.
  Result<std::string> want_label();
  /// With an optional sign.
  Result<double> want_number(std::string_view what);
  /// `(a, b)`.
  Result<std::vector<std::string>> want_labels();

  tl::unexpected<Error> error(std::string_view message) const { return error_at(peek().begin, message); }
  tl::unexpected<Error> error_at(std::size_t offset, std::string_view message) const {
    return tl::unexpected(parse_error(text_, offset, message));
  }
  /// "unexpected X, wanted Y".
  tl::unexpected<Error> unexpected(std::string_view wanted) const;

  /// Refuses trees deeper than limits::kMaxQueryDepth.
  Result<> enter();
  void leave() { --depth_; }

 private:
  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

/// `{…}`; the state stands before the brace.
Result<std::vector<Matcher>> parse_selector(ParseState& state);
/// One stage, from its `|`, `|=`, `!=`, …. Not unwrap.
Result<Stage> parse_stage(ParseState& state);
/// Whether a stage other than unwrap starts here.
bool at_stage(const ParseState& state);
bool at_unwrap(const ParseState& state);
Result<Unwrap> parse_unwrap(ParseState& state);

/// Whether a stage's texts mean something: regular expressions, patterns, templates, JSON paths, addresses.
Result<> check_stage(const Stage& stage);
Result<> check_filter(const LabelFilter& filter);

}  // namespace telltale::logql
