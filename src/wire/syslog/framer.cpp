#include "wire/syslog/framer.hpp"

#include <algorithm>

namespace telltale::wire::syslog {
namespace {

constexpr std::size_t kMaxCountDigits = 9;

// The first LF or NUL.
std::size_t find_end(std::string_view in) {
  const std::size_t line = std::min(in.find('\n'), in.size());
  const std::size_t nul = in.substr(0, line).find('\0');
  if (nul != std::string_view::npos) return nul;
  return line == in.size() ? std::string_view::npos : line;
}

bool is_count_digit(char c) { return c >= '0' && c <= '9'; }

struct Count {
  enum class Kind : unsigned char { none, more, found } kind = Kind::none;
  std::uint64_t bytes = 0;
  std::size_t header = 0;
};

// `123 <`: a number, one blank, and the message's own `<`. A line that begins with a number is told from it
// by what follows.
Count read_count(std::string_view in) {
  if (in.empty() || in[0] < '1' || in[0] > '9') return {};
  Count out;
  std::size_t i = 0;
  for (; i < in.size() && i < kMaxCountDigits && is_count_digit(in[i]); ++i)
    out.bytes = out.bytes * 10 + static_cast<std::uint64_t>(in[i] - '0');
  if (i + 1 >= in.size()) {
    // Undecided as long as more bytes could make it a count.
    const bool open = i == in.size() || in[i] == ' ';
    out.kind = open ? Count::Kind::more : Count::Kind::none;
    return out;
  }
  if (in[i] != ' ' || in[i + 1] != '<') return {};
  out.kind = Count::Kind::found;
  out.header = i + 1;
  return out;
}

}  // namespace

void Framer::feed(std::string_view bytes, const std::function<void(std::string_view)>& sink) {
  if (buffer_.empty()) {
    const std::size_t used = take(bytes, sink);
    buffer_.assign(bytes.substr(used));
    return;
  }
  buffer_.append(bytes);
  const std::size_t used = take(buffer_, sink);
  buffer_.erase(0, used);
}

std::size_t Framer::take(std::string_view in, const std::function<void(std::string_view)>& sink) {
  std::size_t at = 0;
  while (at < in.size()) {
    if (skip_bytes_ != 0) {
      const std::size_t n = std::min<std::uint64_t>(skip_bytes_, in.size() - at);
      skip_bytes_ -= n;
      at += n;
      continue;
    }
    const std::string_view rest = in.substr(at);
    if (skip_to_end_) {
      const std::size_t end = find_end(rest);
      if (end == std::string_view::npos) return in.size();
      at += end + 1;
      skip_to_end_ = false;
      continue;
    }
    if (rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\0') {  // between messages
      ++at;
      continue;
    }
    const Count count = read_count(rest);
    if (count.kind == Count::Kind::more) return at;
    if (count.kind == Count::Kind::found) {
      const std::size_t wanted = std::min<std::uint64_t>(count.bytes, max_bytes_);
      if (rest.size() < count.header + wanted) return at;
      sink(rest.substr(count.header, wanted));
      at += count.header + wanted;
      if (count.bytes > max_bytes_) {
        ++cut_;
        skip_bytes_ = count.bytes - max_bytes_;
      }
      continue;
    }
    const std::size_t end = find_end(rest.substr(0, max_bytes_ + 1));
    if (end != std::string_view::npos) {
      sink(rest.substr(0, end));
      at += end + 1;
    } else if (rest.size() > max_bytes_) {
      ++cut_;
      sink(rest.substr(0, max_bytes_));
      at += max_bytes_;
      skip_to_end_ = true;
    } else {
      return at;
    }
  }
  return at;
}

void Framer::finish(const std::function<void(std::string_view)>& sink) {
  std::string_view rest = buffer_;
  const Count count = read_count(rest);
  if (count.kind == Count::Kind::found) {
    ++cut_;
    rest.remove_prefix(count.header);
  }
  if (!rest.empty()) sink(rest);
  buffer_.clear();
  skip_bytes_ = 0;
  skip_to_end_ = false;
}

}  // namespace telltale::wire::syslog
