// The label set of a stream as one string, in Go's quoting.
#include <optional>

#include "base/text.hpp"
#include "wire/loki/push.hpp"

namespace telltale::wire::loki {
namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == ':'; }

class LabelStringParser {
 public:
  explicit LabelStringParser(std::string_view in) : in_(in) {}

  Result<Labels> run() {
    std::vector<Label> labels;
    skip_space();
    if (!take('{')) return error("expected '{'");
    skip_space();
    while (!take('}')) {
      TT_ASSIGN(std::string name, label_name());
      skip_space();
      if (!take('=')) return error("expected '=' after the label name");
      skip_space();
      TT_ASSIGN(std::string value, quoted());
      labels.push_back({std::move(name), std::move(value)});
      skip_space();
      if (take(',')) {
        skip_space();
      } else if (at_ >= in_.size() || in_[at_] != '}') {
        return error("expected ',' or '}'");
      }
    }
    skip_space();
    if (at_ != in_.size()) return error("text after '}'");
    return Labels(std::move(labels));
  }

 private:
  tl::unexpected<Error> error(std::string_view what) const {
    return fail(ErrorKind::invalid_argument,
                "labels, column " + std::to_string(at_ + 1) + ": " + std::string(what));
  }
  void skip_space() {
    while (at_ < in_.size() && std::string_view(" \t\n\r").find(in_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_ >= in_.size() || in_[at_] != c) return false;
    ++at_;
    return true;
  }
  Result<std::string> label_name() {
    if (at_ < in_.size() && in_[at_] == '"') return quoted();
    const std::size_t start = at_;
    if (at_ < in_.size() && is_name_start(in_[at_]))
      while (at_ < in_.size() && is_name_char(in_[at_])) ++at_;
    if (at_ == start) return error("expected a label name");
    return std::string(in_.substr(start, at_ - start));
  }
  Result<std::string> quoted() {
    if (take('`')) {
      const std::size_t end = in_.find('`', at_);
      if (end == std::string_view::npos) return error("back quote is not closed");
      std::string raw(in_.substr(at_, end - at_));
      at_ = end + 1;
      return raw;
    }
    if (!take('"')) return error("expected a quoted string");
    std::string out;
    while (at_ < in_.size() && in_[at_] != '"') {
      if (in_[at_] == '\\') {
        TT_TRY(escape(out));
      } else {
        out += in_[at_++];
      }
    }
    if (!take('"')) return error("quote is not closed");
    return is_utf8(out) ? out : repair_utf8(out);
  }
  Result<void> escape(std::string& out) {
    ++at_;
    if (at_ >= in_.size()) return error("unfinished escape");
    const char c = in_[at_++];
    constexpr std::string_view kFrom = "abfnrtv\\\"'";
    constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\\"'";
    if (const auto i = kFrom.find(c); i != std::string_view::npos) {
      out += kTo[i];
      return {};
    }
    if (c == 'x' || (c >= '0' && c <= '7')) {
      if (c != 'x') --at_;
      TT_ASSIGN(const std::uint32_t byte, c == 'x' ? digits(2, 16) : digits(3, 8));
      if (byte > 0xFF) return error("octal escape over 255");
      out += static_cast<char>(byte);
      return {};
    }
    if (c == 'u' || c == 'U') {
      TT_ASSIGN(const std::uint32_t cp, digits(c == 'u' ? 4 : 8, 16));
      append_utf8(out, cp);
      return {};
    }
    return error("unknown escape");
  }
  Result<std::uint32_t> digits(int count, unsigned base) {
    std::uint32_t v = 0;
    for (int i = 0; i < count; ++i) {
      unsigned d = 99;
      if (at_ < in_.size()) {
        const char c = in_[at_];
        if (c >= '0' && c <= '9') d = static_cast<unsigned>(c - '0');
        if ((c | 32) >= 'a' && (c | 32) <= 'f') d = static_cast<unsigned>((c | 32) - 'a' + 10);
      }
      if (d >= base) return error("bad digit in escape");
      v = v * base + d;
      ++at_;
    }
    return v;
  }

  std::string_view in_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Labels> parse_label_string(std::string_view text) { return LabelStringParser(text).run(); }

}  // namespace telltale::wire::loki
