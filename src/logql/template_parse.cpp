// text/template's grammar (https://pkg.go.dev/text/template), read by recursive descent over the text itself.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "logql/lexer.hpp"
#include "logql/template_tree.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : text_(text) {}

  Result<TemplateNode> run() {
    std::string end;
    TT_ASSIGN(TemplateNode out, body(end));
    if (!end.empty()) return wrong(fmt::format("unexpected {{{{{}}}}}", end));
    return out;
  }

 private:
  tl::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorKind::invalid_argument, fmt::format("template, byte {}: {}", at_ + 1, what));
  }

  /// Up to {{end}} or {{else…}}, whose word goes to `end`, or to the end of the text.
  Result<TemplateNode> body(std::string& end) {
    TemplateNode out;
    if (++depth_ > limits::kMaxTemplateDepth) return wrong("nested too deeply");
    while (true) {
      const std::size_t open = text_.find("{{", at_);
      add_text(out, open);
      if (open == std::string_view::npos) {
        at_ = text_.size();
        break;
      }
      at_ = open + 2;
      if (text_.substr(at_, 2) == "- " || (text_.substr(at_, 1) == "-" && at_ + 1 < text_.size() &&
                                           kSpaces.find(text_[at_ + 1]) != std::string_view::npos))
        at_ += 1;
      skip();
      if (text_.substr(at_, 2) == "/*") {
        const std::size_t close = text_.find("*/", at_);
        if (close == std::string_view::npos) return wrong("a comment that is not closed");
        at_ = close + 2;
        TT_TRY(close_action());
        continue;
      }
      const std::string word = peek_word();
      if (word == "end" || word == "else") {
        at_ += word.size();
        end = word;
        break;
      }
      TT_TRY(statement(word, out));
    }
    --depth_;
    return out;
  }

  /// The text before `open`, with the trim markers on both sides obeyed.
  void add_text(TemplateNode& out, std::size_t open) {
    std::string_view plain = text_.substr(at_, open == std::string_view::npos ? open : open - at_);
    if (trim_next_) plain = plain.substr(std::min(plain.find_first_not_of(kSpaces), plain.size()));
    trim_next_ = false;
    const bool trim = open != std::string_view::npos && text_.substr(open, 3) == "{{-" &&
                      open + 3 < text_.size() && kSpaces.find(text_[open + 3]) != std::string_view::npos;
    if (trim) plain = plain.substr(0, plain.find_last_not_of(kSpaces) + 1);
    if (plain.empty()) return;
    TemplateNode text;
    text.kind = NodeKind::text;
    text.text = std::string(plain);
    out.children.push_back(std::move(text));
  }

  Result<> statement(const std::string& word, TemplateNode& out) {
    TemplateNode node;
    if (word == "if" || word == "range" || word == "with") {
      at_ += word.size();
      node.kind = word == "if" ? NodeKind::if_ : word == "range" ? NodeKind::range : NodeKind::with;
      TT_TRY(branch(node));
    } else if (word == "break" || word == "continue") {
      if (loops_ == 0) return wrong(word + " outside of range");
      at_ += word.size();
      node.kind = word == "break" ? NodeKind::break_ : NodeKind::continue_;
      TT_TRY(close_action());
    } else if (word == "define" || word == "template" || word == "block") {
      return wrong(word + " is not supported");
    } else {
      node.kind = NodeKind::action;
      TT_ASSIGN(node.children.emplace_back(), pipe(false));
      TT_TRY(close_action());
    }
    out.children.push_back(std::move(node));
    return {};
  }

  /// From behind the word: condition, body, else.
  Result<> branch(TemplateNode& node) {
    const std::size_t variables = variables_.size();
    TT_ASSIGN(node.children.emplace_back(), pipe(node.kind == NodeKind::range));
    TT_TRY(close_action());
    if (node.kind == NodeKind::range) ++loops_;
    std::string end;
    TT_ASSIGN(node.children.emplace_back(), body(end));
    if (node.kind == NodeKind::range) --loops_;
    if (end == "else") {
      skip();
      const std::string word = peek_word();
      TemplateNode otherwise;
      if (word == "if" || word == "with") {  // {{else if}} is an if that shares this {{end}}
        at_ += word.size();
        TemplateNode inner;
        inner.kind = word == "if" ? NodeKind::if_ : NodeKind::with;
        TT_TRY(branch(inner));
        otherwise.children.push_back(std::move(inner));
      } else {
        TT_TRY(close_action());
        TT_ASSIGN(otherwise, body(end));
        if (end != "end") return wrong("wanted {{end}}");
        TT_TRY(close_action());
      }
      node.children.push_back(std::move(otherwise));
    } else {
      if (end != "end") return wrong("wanted {{end}}");
      TT_TRY(close_action());
      node.children.emplace_back();
    }
    variables_.resize(variables);
    return {};
  }

  Result<> close_action() {
    skip();
    if (text_.substr(at_, 3) == "-}}" && kSpaces.find(text_[at_ - 1]) != std::string_view::npos) {
      trim_next_ = true;
      at_ += 3;
      return {};
    }
    if (text_.substr(at_, 2) != "}}") return wrong("wanted }}");
    at_ += 2;
    return {};
  }

  void skip() {
    while (at_ < text_.size() && kSpaces.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  static bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  std::string peek_word() const {
    std::size_t end = at_;
    while (end < text_.size() && name_char(text_[end])) ++end;
    return std::string(text_.substr(at_, end - at_));
  }

  Result<TemplateNode> pipe(bool range) {
    TemplateNode out;
    out.kind = NodeKind::pipe;
    if (++depth_ > limits::kMaxTemplateDepth) return wrong("nested too deeply");
    TT_TRY(declaration(out, range));
    while (true) {
      TT_ASSIGN(out.children.emplace_back(), command(out.children.empty()));
      skip();
      if (text_.substr(at_, 1) != "|") break;
      ++at_;
    }
    --depth_;
    for (const std::string& name : out.names)
      if (out.declares) variables_.push_back(name);
    return out;
  }

  /// `$x :=`, `$x =`, of range also `$i, $x :=`.
  Result<> declaration(TemplateNode& out, bool range) {
    const std::size_t start = at_;
    std::vector<std::string> names;
    while (true) {
      skip();
      if (text_.substr(at_, 1) != "$") break;
      ++at_;
      const std::string name = "$" + peek_word();
      at_ += name.size() - 1;
      names.push_back(name);
      skip();
      if (range && text_.substr(at_, 1) == "," && names.size() == 1) {
        ++at_;
        continue;
      }
      break;
    }
    const bool declares = text_.substr(at_, 2) == ":=";
    const bool assigns = !declares && text_.substr(at_, 1) == "=" && text_.substr(at_, 2) != "==";
    if (names.empty() || (!declares && !assigns)) {
      at_ = start;
      return {};
    }
    at_ += declares ? 2 : 1;
    for (const std::string& name : names)
      if (assigns && std::find(variables_.begin(), variables_.end(), name) == variables_.end())
        return wrong("undefined variable " + name);
    out.names = std::move(names);
    out.declares = declares;
    return {};
  }

  Result<TemplateNode> command(bool first) {
    TemplateNode out;
    out.kind = NodeKind::command;
    while (true) {
      skip();
      if (at_ >= text_.size()) return wrong("an action that is not closed");
      const char c = text_[at_];
      if (c == '|' || c == ')' || text_.substr(at_, 2) == "}}" || text_.substr(at_, 3) == "-}}") break;
      TT_ASSIGN(out.children.emplace_back(), operand());
      if (at_ < text_.size() && kSpaces.find(text_[at_]) == std::string_view::npos && text_[at_] != '|' &&
          text_[at_] != ')' && text_[at_] != '}' && text_[at_] != '(')
        return wrong(fmt::format("unexpected {}", truncate_utf8(text_.substr(at_), 4)));
    }
    if (out.children.empty()) return wrong("missing value");
    TemplateNode& head = out.children[0];
    const bool callable = head.kind == NodeKind::function;
    if (!callable && (out.children.size() > 1 || !first))
      return wrong(first ? "only a function takes arguments" : "only a function stands behind |");
    return out;
  }

  Result<TemplateNode> operand() {
    const char c = text_[at_];
    TemplateNode out;
    if (c == '(') {
      ++at_;
      TT_ASSIGN(TemplateNode inner, pipe(false));
      skip();
      if (text_.substr(at_, 1) != ")") return wrong("wanted )");
      ++at_;
      if (text_.substr(at_, 1) != ".") return inner;
      out.kind = NodeKind::chain;
      out.children.push_back(std::move(inner));
      TT_TRY(fields(out));
      return out;
    }
    if (c == '"' || c == '`' || c == '\'') return quoted();
    if (c == '$') {
      ++at_;
      const std::string name = "$" + peek_word();
      at_ += name.size() - 1;
      if (name != "$" && std::find(variables_.begin(), variables_.end(), name) == variables_.end())
        return wrong("undefined variable " + name);
      out.kind = NodeKind::variable;
      out.names.push_back(name);
      TT_TRY(fields(out));
      return out;
    }
    if (c == '.' && (at_ + 1 >= text_.size() || !(text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9'))) {
      out.kind = NodeKind::field;
      TT_TRY(fields(out));
      if (!out.names.empty()) return out;
      ++at_;
      out.kind = NodeKind::dot;
      return out;
    }
    if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') return number();
    return word();
  }

  Result<> fields(TemplateNode& out) {
    while (at_ + 1 < text_.size() && text_[at_] == '.' && name_char(text_[at_ + 1])) {
      ++at_;
      const std::string name = peek_word();
      at_ += name.size();
      out.names.push_back(name);
    }
    return {};
  }

  Result<TemplateNode> quoted() {
    const char mark = text_[at_];
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != mark) {
      if (text_[end] == '\n' && mark != '`') return wrong("a string that is not closed");
      end += text_[end] == '\\' && mark != '`' ? 2 : 1;
    }
    if (end >= text_.size()) return wrong("a string that is not closed");
    TemplateNode out;
    out.kind = NodeKind::constant;
    const std::string_view written = text_.substr(at_, end - at_ + 1);
    if (mark == '\'') {
      auto decoded = lex("\"" + std::string(written.substr(1, written.size() - 2)) + "\"");
      if (!decoded || (*decoded)[0].value.empty()) return wrong("not a character");
      out.value = TemplateValue(std::int64_t{static_cast<unsigned char>((*decoded)[0].value[0])});
    } else {
      auto decoded = lex(written);
      if (!decoded) return wrong("bad string");
      out.value = TemplateValue(std::move((*decoded)[0].value));
    }
    at_ = end + 1;
    return out;
  }

  Result<TemplateNode> number() {
    std::size_t end = at_ + 1;
    while (end < text_.size() &&
           (name_char(text_[end]) || text_[end] == '.' ||
            ((text_[end] == '-' || text_[end] == '+') && (text_[end - 1] == 'e' || text_[end - 1] == 'E'))))
      ++end;
    const std::string written(text_.substr(at_, end - at_));
    TemplateNode out;
    out.kind = NodeKind::constant;
    char* stop = nullptr;
    errno = 0;
    const long long whole = std::strtoll(written.c_str(), &stop, 0);
    if (*stop == '\0' && errno == 0) {
      out.value = TemplateValue(static_cast<std::int64_t>(whole));
    } else if (const auto real = parse_go_float(written)) {
      out.value = TemplateValue(*real);
    } else {
      return wrong("bad number " + written);
    }
    at_ = end;
    return out;
  }

  Result<TemplateNode> word() {
    const std::string name = peek_word();
    if (name.empty()) return wrong(fmt::format("unexpected {}", repair_utf8(text_.substr(at_, 1))));
    TemplateNode out;
    if (name == "true" || name == "false") {
      out.kind = NodeKind::constant;
      out.value = TemplateValue(name == "true");
    } else if (name == "nil") {
      out.kind = NodeKind::constant;
    } else {
      out.kind = NodeKind::function;
      out.names.push_back(name);
      out.entry = find_function(name);
      if (out.entry == nullptr && name != "and" && name != "or")
        return wrong("function " + name + " is not defined");
    }
    at_ += name.size();
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  int loops_ = 0;
  bool trim_next_ = false;
  std::vector<std::string> variables_;
};

}  // namespace

Result<TemplateNode> parse_template(std::string_view text) { return TemplateReader(text).run(); }

}  // namespace telltale::logql
