// promql_conformance FILE…: runs promqltest files and ends with `N passed, N failed`.
// promql_conformance --script SHIFT_MS FILE: the file as lines of JSON (script.hpp).
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "promql/conformance/runner.hpp"
#include "promql/conformance/script.hpp"

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  const telltale::SystemClock clock;
  bool quiet = false;
  std::optional<long long> shift_ms;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--script") == 0 && i + 1 < argc) {
      shift_ms = std::strtoll(argv[++i], nullptr, 10);
      continue;
    }
    if (std::strcmp(argv[i], "-q") == 0) {
      quiet = true;
      continue;
    }
    std::ifstream in(argv[i]);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", argv[i]);
      return 2;
    }
    std::stringstream text;
    text << in.rdbuf();
    if (shift_ms) {
      std::printf("%s", telltale::promql::test_script(text.str(), *shift_ms).c_str());
      continue;
    }
    const auto report = telltale::promql::run_conformance(text.str(), argv[i], clock);
    for (const std::string& failure : report.failures) {
      if (!quiet) std::printf("%s\n", failure.c_str());
    }
    std::printf("%s: %d passed, %d failed\n", argv[i], report.passed, report.failed);
    passed += report.passed;
    failed += report.failed;
  }
  if (shift_ms) return 0;
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
