#include "logs/multiline.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// Joined events hold every byte of every line, in order.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  using Mode = logs::MultilineOptions::Mode;
  for (const Mode mode : {Mode::continuation, Mode::time, Mode::off}) {
    const auto starts = logs::LineStarts::create({.mode = mode, .max_lines = 5, .max_bytes = 100});
    logs::LineJoiner joiner(*starts);
    std::vector<logs::JoinedLine> out;
    std::string lines;
    std::uint64_t at = 0;
    while (at < in.size()) {
      const std::size_t end = std::min(in.find('\n', at), in.size());
      joiner.add(in.substr(at, end - at), at, end + 1, Nanos{0}, out);
      at = end + 1;
    }
    joiner.flush(Nanos{0}, true, out);
    for (const auto& event : out) lines += event.text + "\n";
    if (lines != std::string(in) + (in.empty() || in.ends_with('\n') ? "" : "\n")) std::abort();
  }
  return 0;
}
