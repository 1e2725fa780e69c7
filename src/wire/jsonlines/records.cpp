#include "wire/jsonlines/records.hpp"

namespace telltale::wire::jsonlines {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Records::Records(std::string_view body) : body_(body) {
  const std::size_t first = body.find_first_not_of(kSpace);
  list_ = first != std::string_view::npos && body[first] == '[';
  if (list_) at_ = first + 1;
}

bool Records::next(Record& out) { return list_ ? next_element(out) : next_line(out); }

bool Records::next_line(Record& out) {
  while (at_ < body_.size()) {
    std::size_t end = body_.find('\n', at_);
    if (end == std::string_view::npos) end = body_.size();
    out.text = trimmed(body_.substr(at_, end - at_));
    out.number = ++number_;
    at_ = end + 1;
    if (out.text.empty()) continue;
    out.readable_after =
        static_cast<std::size_t>(body_.data() + body_.size() - (out.text.data() + out.text.size()));
    return true;
  }
  return false;
}

// Finds the comma or bracket that ends the element: those inside of strings and brackets do not count.
bool Records::next_element(Record& out) {
  while (at_ < body_.size()) {
    const std::size_t start = at_;
    std::size_t depth = 0;
    bool in_string = false;
    bool last = false;
    for (; at_ < body_.size(); ++at_) {
      const char c = body_[at_];
      if (in_string) {
        if (c == '\\') ++at_;
        if (c == '"') in_string = false;
        continue;
      }
      if (c == '"') in_string = true;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) {
          last = true;
          break;
        }
        --depth;
      }
      if (c == ',' && depth == 0) break;
    }
    const std::size_t end = at_ < body_.size() ? at_ : body_.size();
    out.text = trimmed(body_.substr(start, end - start));
    at_ = last ? body_.size() : end + 1;
    if (out.text.empty()) continue;
    out.number = ++number_;
    out.readable_after =
        static_cast<std::size_t>(body_.data() + body_.size() - (out.text.data() + out.text.size()));
    return true;
  }
  return false;
}

}  // namespace telltale::wire::jsonlines
