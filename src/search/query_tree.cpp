#include "search/query_tree.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/id_words.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::search {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
}

std::size_t find_folded(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto at = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), needle.begin(),
                              needle.end(), [fold](char a, char b) { return fold(a) == fold(b); });
  return at == text.end() && !needle.empty() ? std::string_view::npos
                                             : static_cast<std::size_t>(at - text.begin());
}

/// Recursive descent over the characters; there are no tokens, because what a character means depends on
/// whether a key, a value or a list is being read.
class QueryParser {
 public:
  explicit QueryParser(std::string_view text) : text_(text) {}

  Result<Tree> run() {
    if (text_.size() > limits::kMaxSearchBytes)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("column 1: the query is longer than {} bytes", limits::kMaxSearchBytes));
    if (!is_utf8(text_)) return fail(ErrorKind::invalid_argument, "column 1: the query is not UTF-8");
    skip_blanks();
    if (at_end()) return Tree{};
    TT_ASSIGN(Tree tree, alternatives(0));
    if (!at_end()) return error(at_, "no parenthesis is open here");
    return tree;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char here() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_])) ++at_;
  }
  tl::unexpected<Error> error(std::size_t offset, std::string_view message) const {
    return query_error(text_, offset, message);
  }
  /// `word` stands here as a word of its own.
  bool at_word(std::string_view word) const {
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t end = at_ + word.size();
    return end >= text_.size() || is_blank(text_[end]) || text_[end] == '(' || text_[end] == ')';
  }

  Result<Tree> alternatives(std::size_t depth) {
    if (depth > limits::kMaxSearchDepth)
      return error(at_, fmt::format("parentheses are nested deeper than {}", limits::kMaxSearchDepth));
    std::vector<Tree> children;
    while (true) {
      TT_ASSIGN(Tree next, conjunction(depth));
      children.push_back(std::move(next));
      if (!at_word("OR")) break;
      at_ += 2;
      skip_blanks();
    }
    if (children.size() == 1) return std::move(children.front());
    return Tree{Tree::Kind::any, std::move(children), {}};
  }

  Result<Tree> conjunction(std::size_t depth) {
    std::vector<Tree> children;
    bool joined = false;  // an AND waits for what follows
    while (true) {
      skip_blanks();
      if (at_end() || here() == ')' || at_word("OR")) break;
      if (at_word("AND")) {
        if (children.empty() || joined) return error(at_, "AND has nothing before it");
        at_ += 3;
        joined = true;
        continue;
      }
      TT_ASSIGN(Tree next, condition(depth));
      const bool words = next.kind == Tree::Kind::term && next.term.key.empty();
      if (words && !joined && !children.empty() && children.back().kind == Tree::Kind::term &&
          children.back().term.key.empty()) {
        Term& before = children.back().term;
        before.values.push_back(std::move(next.term.values.front()));
        before.place.end = next.term.place.end;
      } else {
        children.push_back(std::move(next));
      }
      joined = false;
    }
    if (joined) return error(at_, "AND needs a condition behind it");
    if (children.empty()) {
      if (at_word("OR")) return error(at_, "OR has nothing before it");
      if (here() == ')')
        return error(at_, depth == 0 ? "no parenthesis is open here" : "a condition is expected before )");
      return error(at_, "a condition is expected");
    }
    if (children.size() == 1) return std::move(children.front());
    return Tree{Tree::Kind::all, std::move(children), {}};
  }

  Result<Tree> condition(std::size_t depth) {
    const std::size_t begin = at_;
    if (here() == '!') {
      ++at_;
      if (at_end() || is_blank(here())) return error(begin, "! needs a condition right behind it");
      if (here() == '!') return error(at_, "one ! is enough");
      TT_ASSIGN(Tree inner, condition(depth));
      std::vector<Tree> children;
      children.push_back(std::move(inner));
      return Tree{Tree::Kind::none, std::move(children), {}};
    }
    if (here() == '(') {
      ++at_;
      TT_ASSIGN(Tree inner, alternatives(depth + 1));
      if (here() != ')') return error(begin, "this parenthesis is not closed");
      ++at_;
      // An extra level, so that words inside do not join those outside.
      std::vector<Tree> children;
      children.push_back(std::move(inner));
      return Tree{Tree::Kind::all, std::move(children), {}};
    }
    if (++terms_ > limits::kMaxSearchTerms)
      return error(begin, fmt::format("more than {} conditions", limits::kMaxSearchTerms));
    Tree out;
    out.kind = Tree::Kind::term;
    TT_ASSIGN(out.term, term());
    return out;
  }

  /// The key before a colon; nullopt when here stands a word.
  std::optional<Term> key() {
    Term term;
    std::size_t end = at_;
    if (text_.substr(at_).starts_with("tags[")) {
      const std::size_t close = text_.find(']', at_);
      if (close == std::string_view::npos || close == at_ + 5 || close + 1 >= text_.size() ||
          text_[close + 1] != ':')
        return std::nullopt;
      term.tag = true;
      term.key = std::string(text_.substr(at_ + 5, close - at_ - 5));
      term.key_place = {at_ + 5, close};
      end = close + 1;
    } else {
      while (end < text_.size() && is_key_char(text_[end])) ++end;
      if (end == at_ || end >= text_.size() || text_[end] != ':') return std::nullopt;
      // What addresses (https://…) and qualified names (std::vector) look like is no key.
      const std::string_view rest = text_.substr(end + 1);
      if (rest.starts_with(":") || rest.starts_with("//")) return std::nullopt;
      term.key = std::string(text_.substr(at_, end - at_));
      term.key_place = {at_, end};
    }
    at_ = end + 1;
    return term;
  }

  Result<Term> term() {
    const std::size_t begin = at_;
    if (auto keyed = key()) {
      TT_TRY(values(*keyed));
      keyed->place = {begin, at_};
      return std::move(*keyed);
    }
    if (text_.substr(at_).starts_with("tags["))
      return error(begin, "tags[name] needs a name and a colon with a value behind it");
    if (here() == ':') return error(begin, "a key is expected before the colon");
    Term words;
    TT_ASSIGN(auto word, value(false));
    words.values.push_back(std::move(word));
    words.place = {begin, at_};
    return words;
  }

  Result<> values(Term& term) {
    const std::size_t begin = at_;
    if (text_.substr(at_).starts_with(">=")) {
      term.comparison = Comparison::greater_equal;
    } else if (text_.substr(at_).starts_with("<=")) {
      term.comparison = Comparison::less_equal;
    } else if (here() == '>') {
      term.comparison = Comparison::greater;
    } else if (here() == '<') {
      term.comparison = Comparison::less;
    }
    const bool or_equal =
        term.comparison == Comparison::greater_equal || term.comparison == Comparison::less_equal;
    if (term.comparison != Comparison::equal) at_ += or_equal ? 2 : 1;
    const bool listed = here() == '[' && term.comparison == Comparison::equal;
    if (!listed) {
      if (at_end() || is_blank(here()) || here() == ')')
        return error(at_,
                     fmt::format("a value is expected behind {}{}; a text that has a colon stands in quotes",
                                 text_.substr(term.key_place.begin, begin - term.key_place.begin),
                                 text_.substr(begin, at_ - begin)));
      if (here() == '(') return error(at_, "a value is expected; several stand in brackets: [a, b]");
      TT_ASSIGN(auto one, value(false));
      term.values.push_back(std::move(one));
      return {};
    }
    ++at_;
    while (true) {
      skip_blanks();
      if (at_end()) return error(begin, "this list is not closed with ]");
      if (here() == ']' || here() == ',') return error(at_, "a value is expected in the list");
      if (++terms_ > limits::kMaxSearchTerms)
        return error(at_, fmt::format("more than {} conditions", limits::kMaxSearchTerms));
      TT_ASSIGN(auto one, value(true));
      term.values.push_back(std::move(one));
      skip_blanks();
      if (here() == ',') {
        ++at_;
        continue;
      }
      if (here() != ']')
        return error(at_end() ? begin : at_,
                     at_end() ? "this list is not closed with ]" : "a comma or ] is expected in the list");
      ++at_;
      return {};
    }
  }

  /// A backslash makes a plain character of a star, a quotation mark and itself, and nothing of any other.
  Result<Pattern> value(bool in_list) {
    const std::size_t begin = at_;
    Pattern out;
    out.quoted = here() == '"';
    if (out.quoted) ++at_;
    while (true) {
      if (at_end()) {
        if (out.quoted) return error(begin, "this quotation mark is not closed");
        break;
      }
      const char c = here();
      if (c == '\\' && at_ + 1 < text_.size() &&
          (text_[at_ + 1] == '*' || text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) {
        out.pieces.back().push_back(text_[at_ + 1]);
        at_ += 2;
        continue;
      }
      if (out.quoted && c == '"') {
        ++at_;
        if (!at_end() && !is_blank(here()) && here() != ')' && !(in_list && (here() == ',' || here() == ']')))
          return error(at_, "a blank is expected behind the closing quotation mark");
        break;
      }
      if (!out.quoted &&
          (is_blank(c) || c == '(' || c == ')' || c == '"' || (in_list && (c == ',' || c == ']')))) {
        // main() and f(x) are words; a parenthesis that was not opened in the word ends it.
        if (c == '(' || (c == ')' && open_ > 0)) {
          open_ += c == '(' ? 1 : -1;
        } else {
          if (c == '"') return error(at_, "a quotation mark inside of a word; quote the whole value");
          break;
        }
      }
      if (c == '*') {
        if (out.pieces.back().empty() && out.pieces.size() > 1) {
          ++at_;  // ** is *
          continue;
        }
        if (out.pieces.size() > limits::kMaxSearchStars)
          return error(at_, fmt::format("more than {} stars in one value", limits::kMaxSearchStars));
        out.pieces.emplace_back();
      } else {
        out.pieces.back().push_back(c);
      }
      ++at_;
    }
    open_ = 0;
    out.place = {begin, at_};
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t terms_ = 0;
  int open_ = 0;  // parentheses of the word being read
};

}  // namespace

std::string Pattern::text() const { return fmt::format("{}", fmt::join(pieces, "*")); }

bool Pattern::anything() const {
  return !literal() && std::all_of(pieces.begin(), pieces.end(), [](const auto& p) { return p.empty(); });
}

bool Pattern::matches(std::string_view text) const {
  if (literal()) return text == pieces.front();
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  if (!text.ends_with(pieces.back())) return false;
  text.remove_suffix(pieces.back().size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t at = text.find(pieces[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + pieces[i].size());
  }
  return true;
}

bool Pattern::found_in(std::string_view text) const {
  std::size_t from = 0;
  for (const std::string& piece : pieces) {
    const std::size_t at = find_folded(text, piece, from);
    if (at == std::string_view::npos) return false;
    from = at + piece.size();
  }
  return true;
}

bool Pattern::said_in(std::string_view text) const {
  std::vector<std::string> folded;
  for (const std::string& piece : pieces) folded.push_back(folded_text(piece));
  return says_in_order(folded_text(text), folded);
}

tl::unexpected<Error> query_error(std::string_view text, std::size_t offset, std::string_view message) {
  const std::string_view before = text.substr(0, offset);
  const auto column = 1 + std::count_if(before.begin(), before.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                      });
  return fail(ErrorKind::invalid_argument, fmt::format("column {}: {}", column, message));
}

Result<Tree> parse_query(std::string_view text) { return QueryParser(text).run(); }

}  // namespace telltale::search
