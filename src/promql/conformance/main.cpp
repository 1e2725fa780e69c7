// promql_conformance FILE…: runs promqltest files and ends with `N passed, N failed`.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "promql/conformance/runner.hpp"

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  const telltale::SystemClock clock;
  bool quiet = false;
  for (int i = 1; i < argc; ++i) {
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
    const auto report = telltale::promql::run_conformance(text.str(), argv[i], clock);
    for (const std::string& failure : report.failures) {
      if (!quiet) std::printf("%s\n", failure.c_str());
    }
    std::printf("%s: %d passed, %d failed\n", argv[i], report.passed, report.failed);
    passed += report.passed;
    failed += report.failed;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
