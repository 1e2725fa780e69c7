// Runs PromQL tests written in Prometheus' promqltest format: `load`, `clear`, `eval instant at`, `eval range
// from`, `eval_fail`, and `expect` lines. Each instant case is also run as a range of three steps, whose
// middle must agree, and with `@` at each selector at other times (pinned.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace telltale::promql {

struct ConformanceReport {
  int passed = 0;
  int failed = 0;
  std::vector<std::string> failures;
};

/// `name` is put before each failure's line number.
ConformanceReport run_conformance(std::string_view text, const std::string& name, const Clock& clock);

}  // namespace telltale::promql
