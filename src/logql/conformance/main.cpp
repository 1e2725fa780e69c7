// logql_conformance FILE…: runs case files and ends with `N passed, N failed`.
// logql_conformance --parse: says `ok` or `error` of every line of its input as a query.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "logql/conformance/runner.hpp"
#include "logql/parser.hpp"

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  bool quiet = false;
  if (argc == 2 && std::strcmp(argv[1], "--parse") == 0) {
    for (std::string line; std::getline(std::cin, line);)
      std::puts(telltale::logql::parse(line) ? "ok" : "error");
    return 0;
  }
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
    const auto report = telltale::logql::run_cases(text.str(), argv[i]);
    if (!quiet)
      for (const std::string& failure : report.failures) std::printf("%s\n", failure.c_str());
    passed += report.passed;
    failed += report.failed;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
