#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "logql/conformance/runner.hpp"

namespace telltale::logql {
namespace {

TEST(LogqlCorpus, EveryCasePasses) {
  int passed = 0;
  for (const auto& file : std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/logql")) {
    if (file.path().extension() != ".test") continue;
    std::ifstream in(file.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto report = run_cases(text.str(), file.path().filename().string());
    EXPECT_GT(report.passed, 0);
    passed += report.passed;
    for (const std::string& failure : report.failures) ADD_FAILURE() << failure;
  }
  EXPECT_GE(passed, 600);
}

}  // namespace
}  // namespace telltale::logql
