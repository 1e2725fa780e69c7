// Prometheus' promqltest format, read: what a file loads and what it expects of queries. Times are
// milliseconds from the file's zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "promql/conformance/series_text.hpp"

namespace telltale::promql {

using SeriesItems = std::vector<std::optional<SeriesItem>>;

struct Expectations {
  bool fail = false;
  bool ordered = false;
  bool range_vector = false;
  std::optional<std::string> text;
  std::vector<std::pair<std::string, std::string>> annotations;  // kind, rest
  std::vector<std::pair<Labels, SeriesItems>> series;            // one item a step
  std::optional<double> scalar;
  std::optional<std::string> unread;  // a line we could not read
};

struct TestEval {
  std::string expr;
  bool instant = true;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t step = 60'000;
  Expectations want;
};

/// The start of the sample of that series that is, or will be, at that time.
struct TestStart {
  Labels labels;
  std::int64_t time_ms = 0;
  std::int64_t start_ms = 0;
};

struct TestCommand {
  enum class Kind : unsigned char { clear, load, eval, broken };
  Kind kind = Kind::broken;
  std::size_t line = 0;                          // from 0
  std::string problem;                           // broken
  std::vector<std::pair<Labels, Sample>> loads;  // load, in the order of the file
  std::vector<TestStart> starts;                 // load
  TestEval eval;                                 // eval
};

/// In the order of the file. What cannot be read is a broken command; what can be is there beside it.
std::vector<TestCommand> read_test_file(std::string_view text);

/// `msg: …` or `regex: …` of an expectation as its kind (msg, regex or nothing) and the rest.
std::pair<std::string, std::string> expected_pattern(const std::string& rest);

}  // namespace telltale::promql
