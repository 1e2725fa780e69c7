#include "logs/multiline.hpp"

#include <gtest/gtest.h>

namespace telltale::logs {
namespace {

using Mode = MultilineOptions::Mode;

std::vector<std::string> joined(MultilineOptions options, const std::vector<std::string>& lines) {
  auto starts = LineStarts::create(options);
  EXPECT_TRUE(starts);
  LineJoiner joiner(*starts);
  std::vector<JoinedLine> out;
  std::uint64_t offset = 0;
  for (const auto& line : lines) {
    joiner.add(line, offset, offset + line.size() + 1, Nanos{0}, out);
    offset += line.size() + 1;
  }
  joiner.flush(Nanos{0}, true, out);
  std::vector<std::string> texts;
  std::uint64_t expected = 0;
  for (const auto& event : out) {
    EXPECT_EQ(event.begin, expected) << "events follow each other without a gap";
    expected = event.end;
    texts.push_back(event.text);
  }
  EXPECT_EQ(expected, offset);
  return texts;
}

TEST(Multiline, Continuation) {
  const MultilineOptions options{.mode = Mode::continuation};
  EXPECT_EQ(joined(options, {"a", "b", " c", "d"}), (std::vector<std::string>{"a", "b\n c", "d"}));
  EXPECT_EQ(joined(options,
                   {"ERROR failed", "Traceback (most recent call last):", "  File \"a.py\", line 1, in f",
                    "    x()", "ValueError: no", "", "During handling of the above exception, another:", "",
                    "Traceback (most recent call last):", "  File \"b.py\"", "KeyError: 'k'", "INFO next"})
                .size(),
            2u);
  EXPECT_EQ(
      joined(options, {"ERROR order failed", "java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)",
                       "Caused by: java.io.IOException: disk", "\t... 3 more", "INFO next", "INFO last"})
          .size(),
      3u);
  EXPECT_EQ(joined(options, {"panic: runtime error", "", "goroutine 1 [running]:", "main.main()",
                             "\t/a/main.go:3 +0x1d", "exit status 2", "listening"})
                .size(),
            2u);
  EXPECT_EQ(joined(options, {"config {", "  a: 1", "}", "done"}),
            (std::vector<std::string>{"config {\n  a: 1\n}", "done"}));
  EXPECT_EQ(joined(options, {"one", "", "two"}).size(), 3u);
}

TEST(Multiline, StartsByTimeOrPattern) {
  EXPECT_EQ(joined({.mode = Mode::time}, {"2026-01-08 09:30:00,1 a", "b", "c", "2026-01-08 09:30:01,1 d"}),
            (std::vector<std::string>{"2026-01-08 09:30:00,1 a\nb\nc", "2026-01-08 09:30:01,1 d"}));
  EXPECT_EQ(joined({.mode = Mode::pattern, .start = "^#\\d+"}, {"#1 a", "x", "#2 b"}),
            (std::vector<std::string>{"#1 a\nx", "#2 b"}));
  EXPECT_FALSE(LineStarts::create({.mode = Mode::pattern, .start = "("}));
}

TEST(Multiline, Bounds) {
  EXPECT_EQ(joined({.mode = Mode::continuation, .max_lines = 2}, {"a", " b", " c", " d"}),
            (std::vector<std::string>{"a\n b", " c\n d"}));
  EXPECT_EQ(joined({.mode = Mode::continuation, .max_bytes = 4}, {"ab", " c", " d"}),
            (std::vector<std::string>{"ab", " c", " d"}));
  auto starts = LineStarts::create({.mode = Mode::continuation});
  LineJoiner joiner(*starts);
  std::vector<JoinedLine> out;
  joiner.add("a", 0, 2, Nanos{0}, out);
  joiner.flush(std::chrono::milliseconds(999), false, out);
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(joiner.waiting());
  joiner.flush(std::chrono::milliseconds(1000), false, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].text, "a");
  EXPECT_FALSE(joiner.waiting());
}

}  // namespace
}  // namespace telltale::logs
