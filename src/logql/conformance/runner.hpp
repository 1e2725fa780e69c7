// Runs LogQL cases written as text: rows to load, queries, what they must answer. The format is documented in
// tests/corpus/logql/README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::logql {

struct CaseReport {
  int passed = 0;
  int failed = 0;
  std::vector<std::string> failures;  // `file:line: what`
};

CaseReport run_cases(std::string_view text, const std::string& file);

}  // namespace telltale::logql
