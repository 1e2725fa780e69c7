// Patterns against a corpus (tests/corpus/patterns/), against templates that random lines were made from, and
// against their own promise: every line matches the pattern it was counted under.
#include "logs/pattern_miner.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

namespace telltale::logs {
namespace {

constexpr const char* kNames[] = {"anna", "bert", "carl", "dora", "emil", "fritz", "gert", "hans", "ida",
                                  "jane", "karl", "lena", "mara", "nora", "otto",  "paul", "quin", "rosa",
                                  "sven", "tina", "udo",  "vera", "walt", "xena",  "yuri", "zora"};

struct Mined {
  std::map<std::string, std::size_t> counts;
  std::size_t memory = 0;
};

/// Counts by pattern; each line is held against its pattern's expression.
Mined mine(const std::vector<std::string>& lines, std::size_t max_clusters = limits::kMaxPatternClusters) {
  PatternMiner miner(max_clusters);
  std::vector<PatternMiner::Cluster> clusters;
  for (const auto& line : lines) clusters.push_back(miner.add(line));
  EXPECT_LE(miner.clusters(), max_clusters);
  Mined out;
  out.memory = miner.memory_bytes();
  std::map<std::string, std::unique_ptr<re2::RE2>> expressions;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string pattern = miner.pattern(miner.root(clusters[i]));
    ++out.counts[pattern];
    auto& expression = expressions[pattern];
    if (!expression) expression = std::make_unique<re2::RE2>(pattern_regex(pattern), re2::RE2::Latin1);
    EXPECT_TRUE(pattern == kVariable || re2::RE2::FullMatch(lines[i], *expression))
        << lines[i] << "\nis not of\n"
        << pattern;
    EXPECT_EQ(pattern.find("<_><_>"), std::string::npos) << pattern;
  }
  return out;
}

std::string filled(std::string text, std::size_t i) {
  std::size_t words = 0;
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string::npos; ++at) {
    if (text.compare(at, 2, "%d") == 0) text.replace(at, 2, std::to_string(i));
    if (text.compare(at, 2, "%w") == 0) text.replace(at, 2, kNames[(words++ == 0 ? i : i / 7) % 26]);
  }
  return text;
}

struct Case {
  std::string title;
  std::vector<std::string> lines;
  std::map<std::string, std::size_t> expected;
};

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("# ")) {
      cases.push_back({line.substr(2), {}, {}});
    } else if (line.starts_with('>')) {
      const std::size_t end = std::min(line.find(' '), line.size());
      const std::size_t times = end > 1 ? std::stoul(line.substr(1, end - 1)) : 1;
      const std::string text = end < line.size() ? line.substr(end + 1) : "";
      for (std::size_t i = 0; i < times; ++i) cases.back().lines.push_back(end > 1 ? filled(text, i) : text);
    } else if (line.starts_with("= ")) {
      const std::size_t end = std::min(line.find(' ', 2), line.size());
      cases.back().expected[end < line.size() ? line.substr(end + 1) : ""] = std::stoul(line.substr(2, end));
    }
  }
  return cases;
}

TEST(Patterns, Corpus) {
  std::size_t seen = 0;
  for (const auto& file : std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/patterns")) {
    if (file.path().extension() != ".txt") continue;
    for (const Case& c : read_cases(file.path())) {
      SCOPED_TRACE(file.path().filename().string() + ": " + c.title);
      EXPECT_EQ(mine(c.lines).counts, c.expected);
      ++seen;
    }
  }
  EXPECT_GT(seen, 10u);
}

// Lines of known templates, in random order, come back as those templates.
TEST(Patterns, TemplatesOfRandomLinesAreFoundAgain) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 rng(seed);
  const auto name = [&] { return std::string(kNames[rng() % 26]); };
  const auto number = [&] { return std::to_string(rng() % 100'000); };
  std::vector<std::string> lines;
  std::map<std::string, std::size_t> expected;
  const auto add = [&](const std::string& pattern, std::string line) {
    lines.push_back(std::move(line));
    ++expected[pattern];
  };
  for (int i = 0; i < 3'000; ++i) {
    switch (rng() % 5) {
      case 0:
        add("GET /orders/<_> took <_> ms", fmt::format("GET /orders/{} took {} ms", number(), number()));
        break;
      case 1:
        add("user <_> bought <_> shares", fmt::format("user {} bought {} shares", name(), number()));
        break;
      case 2:
        add("payment of <_> by <_> refused: no funds",
            fmt::format("payment of {} by {} refused: no funds", number(), name()));
        break;
      case 3:
        add("cache miss", "cache miss");
        break;
      default:
        add("[worker <_>] job <_> done", fmt::format("[worker {}] job {} done", number(), number()));
    }
  }
  EXPECT_EQ(mine(lines).counts, expected);
}

// Whatever comes, memory stays bounded and nothing is counted under a pattern that it does not match.
TEST(Patterns, HostileLines) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 rng(seed);
  std::vector<std::string> lines;
  const std::string_view bits[] = {"<_>", "<a>", "<",  ">",   "=",    "\"", " ", "-----", "12",
                                   "foo", "x",   "::", "a:1", "\xff", "\n", "{", "}",     "\\"};
  for (int i = 0; i < 2'000; ++i) {
    std::string line;
    for (std::size_t n = rng() % 30; n > 0; --n) {
      line += bits[rng() % std::size(bits)];
      if (rng() % 4 == 0) line += kNames[rng() % 26];
    }
    lines.push_back(line);
  }
  lines.push_back(std::string(100'000, '-'));
  lines.push_back(std::string(100'000, 'a'));
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "w ";
  lines.push_back(many);
  lines.push_back(many + "x");
  const Mined mined = mine(lines, 50);
  EXPECT_LT(mined.memory, 50u * 64 * 1024);
}

// The oldest promise of a full miner: what is frequent stays.
TEST(Patterns, FrequentPatternsSurviveRareOnes) {
  std::vector<std::string> lines;
  for (int i = 0; i < 5'000; ++i) {
    lines.push_back("heartbeat ok");
    std::string rare = "rare";
    for (int k = 0; k < i % 97; ++k) rare += fmt::format("{}w{}", k % 2 ? " " : "/", kNames[k % 26]);
    lines.push_back(rare);
  }
  const Mined mined = mine(lines, 20);
  EXPECT_EQ(mined.counts.at("heartbeat ok"), 5'000u);
}

}  // namespace
}  // namespace telltale::logs
