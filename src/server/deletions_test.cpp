// Deletions by query on the whole server's stores, against what plain code says of each line; the power goes
// at any call and nothing is lost, half done or deleted that should stay.
#include "server/deletions.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include <fmt/format.h>

#include "base/rng.hpp"
#include "base/upkeep_limits.hpp"
#include "server/stores_rig.hpp"

namespace telltale::server {
namespace {

using rig::Rig;
using storage::Deletion;
using storage::DeletionState;

struct PlainLine {
  std::uint32_t project = 1;
  std::int64_t age_s = 0;
  std::string app;
  std::string level;
  int number = 0;
  int status = 200;
  std::string word;
  bool json = true;

  std::string text() const {
    return json ? fmt::format(R"({{"n":{},"status":{},"word":"{}"}})", number, status, word)
                : fmt::format(R"({{"n":{} {} and no more)", number, word);
  }
  bool has(const std::string& part) const { return text().find(part) != std::string::npos; }
};

struct PlainQuery {
  std::string query;
  std::function<bool(const PlainLine&)> means;
};

/// Each query, and what it means in plain code.
std::vector<PlainQuery> plain_queries() {
  using L = const PlainLine&;
  return {
      {R"({app="a1"})", [](L l) { return l.app == "a1"; }},
      {R"({app=~"a1|a2"} |= "alpha")",
       [](L l) { return (l.app == "a1" || l.app == "a2") && l.has("alpha"); }},
      {R"({app!="a1"} != "beta")", [](L l) { return l.app != "a1" && !l.has("beta"); }},
      {R"({level="error", app="a0"})", [](L l) { return l.level == "error" && l.app == "a0"; }},
      {R"(|~ "\"n\":[0-9]*7[, ]")", [](L l) { return l.number % 10 == 7; }},
      {R"({app="a2"} |= "alpha" or "gamma")",
       [](L l) { return l.app == "a2" && (l.has("alpha") || l.has("gamma")); }},
      {R"({app="a2"} | json | status >= 500)",
       [](L l) { return l.app == "a2" && l.json && l.status >= 500; }},
      {R"({app="a3"} | json | word="alpha" | status < 500)",
       [](L l) { return l.app == "a3" && l.json && l.word == "alpha" && l.status < 500; }},
      {
          R"({app="a3"} | json)",
          [](L l) { return l.json && l.app == "a3"; },
      },
      {R"({app="a3"} | json | __error__="JSONParserErr")", [](L l) { return l.app == "a3" && !l.json; }},
      {R"({app=~"a.+"} | pattern "<_>\"word\":\"<w>\"<_>" | w="gamma")",
       [](L l) { return l.json && l.word == "gamma"; }},
      {R"({app="nobody"})", [](L) { return false; }},
  };
}

std::vector<PlainLine> random_lines(Rng& rng, int count) {
  static constexpr const char* kWords[] = {"alpha", "beta", "gamma", "delta"};
  std::vector<PlainLine> out;
  for (int i = 0; i < count; ++i) {
    PlainLine line;
    line.project = static_cast<std::uint32_t>(1 + rng.below(2));
    line.age_s = static_cast<std::int64_t>(rng.below(3 * 86'400));
    line.app = "a" + std::to_string(rng.below(4));
    line.level = rng.chance(0.3) ? "error" : "info";
    line.number = i;
    line.status = rng.chance(0.3) ? 503 : 200;
    line.word = kWords[rng.below(4)];
    line.json = rng.chance(0.7);
    out.push_back(line);
  }
  return out;
}

struct DeletionRig {
  Rig rig;
  std::unique_ptr<Erasure> erasure;
  std::unique_ptr<DeletionQueue> queue;

  Result<> open() {
    TT_TRY(rig.open());
    erasure = std::make_unique<Erasure>(*rig.stores, nullptr, rig.clock, rig.log);
    queue = std::make_unique<DeletionQueue>(*rig.stores, *erasure, rig.clock, rig.log);
    return {};
  }
  void close() {
    queue.reset();
    erasure.reset();
    rig.close();
  }
  bool push(const std::vector<PlainLine>& lines) {
    return std::all_of(lines.begin(), lines.end(), [&](const PlainLine& line) {
      std::string escaped;
      for (const char c : line.text()) {
        if (c == '"') escaped += '\\';
        escaped += c;
      }
      const std::string body =
          fmt::format(R"({{"streams":[{{"stream":{{"app":"{}","level":"{}"}},"values":[["{}","{}"]]}}]}})",
                      line.app, line.level, time_of(line).ns, escaped);
      return rig.ingest->loki_push(ProjectId{line.project}, body, ingest::LokiFormat::json).has_value();
    });
  }
  UnixNanos time_of(const PlainLine& line) const {
    return rig.clock.now() - Nanos(std::chrono::seconds(line.age_s));
  }
  std::multiset<std::string> left() {
    EXPECT_TRUE(rig.settle());
    storage::EventQuery query;
    query.projects = {ProjectId{1}, ProjectId{2}};
    WorkContext context(rig.clock, WorkLimits{});
    std::multiset<std::string> out;
    const auto rows = storage::collect(rig.stores->events(), query, context);
    EXPECT_TRUE(rows);
    for (const EventRow& row : *rows) out.insert(std::to_string(row.project.value) + row.message);
    return out;
  }
};

std::multiset<std::string> texts_of(const std::vector<PlainLine>& lines) {
  std::multiset<std::string> out;
  for (const auto& line : lines) out.insert(std::to_string(line.project) + line.text());
  return out;
}

TEST(Deletions, AgreeWithWhatPlainCodeSays) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  const auto queries = plain_queries();
  for (int run = 0; run < 3; ++run) {
    DeletionRig r;
    ASSERT_TRUE(r.open());
    std::vector<PlainLine> lines = random_lines(rng, 400);
    ASSERT_TRUE(r.push(lines));
    ASSERT_EQ(r.left(), texts_of(lines));
    for (int i = 0; i < 12; ++i) {
      const PlainQuery& query = queries[rng.below(queries.size())];
      Deletion wanted;
      wanted.query = query.query;
      wanted.projects = {ProjectId{static_cast<std::uint32_t>(1 + rng.below(2))}};
      if (rng.chance(0.3)) wanted.projects = {ProjectId{1}, ProjectId{2}};
      if (rng.chance(0.5)) {
        wanted.range.from = r.rig.clock.now() - Nanos(std::chrono::seconds(rng.below(2 * 86'400)));
        wanted.range.to = wanted.range.from + Nanos(std::chrono::hours(1 + rng.below(30)));
      }
      const std::size_t before = lines.size();
      std::erase_if(lines, [&](const PlainLine& line) {
        const ProjectId project{line.project};
        return std::find(wanted.projects.begin(), wanted.projects.end(), project) != wanted.projects.end() &&
               wanted.range.contains(r.time_of(line)) && query.means(line);
      });
      const auto made = r.queue->add(wanted);
      ASSERT_TRUE(made) << made.error().message();
      if (rng.chance(0.2)) {
        r.close();
        ASSERT_TRUE(r.open());
      }
      r.queue->run();
      const auto all = r.queue->list();
      ASSERT_TRUE(all);
      ASSERT_EQ(all->front().id, made->id);
      ASSERT_EQ(all->front().state, DeletionState::done) << query.query << ": " << all->front().problem;
      ASSERT_EQ(all->front().progress.rows, before - lines.size()) << query.query;
      ASSERT_TRUE(all->front().finished);
      ASSERT_EQ(r.left(), texts_of(lines)) << query.query;
    }
    EXPECT_EQ(*r.rig.stores->verify(), std::vector<std::string>{});
    r.close();
  }
}

TEST(Deletions, ALineThatIsGoneIsNowhereOnTheDisk) {
  DeletionRig r;
  ASSERT_TRUE(r.open());
  PlainLine line;
  line.app = "a1";
  line.word = "unmistakableword";
  PlainLine other = line;
  other.word = "another";
  ASSERT_TRUE(r.push({line, other}));
  Deletion wanted;
  wanted.projects = {ProjectId{1}};
  wanted.query = R"({app="a1"} | json | word=~"unmist.*")";
  ASSERT_TRUE(r.queue->add(wanted));
  r.queue->run();
  EXPECT_EQ(r.left(), texts_of({other}));
  for (const char* dir : {"data/eventdb", "data/journal"}) {
    const auto files = r.rig.disk.list(dir);
    ASSERT_TRUE(files);
    for (const auto& file : *files) {
      if (file.is_dir) continue;
      const auto bytes = io::read_file(r.rig.disk, io::join_path(dir, file.name));
      EXPECT_EQ(bytes->find("unmistakable"), std::string::npos) << file.name;
    }
  }
  r.close();
}

TEST(Deletions, WhatCannotBeMeantIsRefused) {
  DeletionRig r;
  ASSERT_TRUE(r.open());
  for (const auto& [query, problem] : std::vector<std::pair<std::string, std::string>>{
           {R"({app="a")", "parse error"},
           {R"(count_over_time({app="a"}[5m]))", "a log query is wanted"},
           {R"({app="a"} | line_format "x")", "line_format"},
           {R"({app="a"} | json | drop x)", "drop"},
           {R"({} | json)", "no condition"}}) {
    Deletion wanted;
    wanted.projects = {ProjectId{1}};
    wanted.query = query;
    const auto made = r.queue->add(wanted);
    ASSERT_FALSE(made) << query;
    EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(made.error().message().find(problem), std::string::npos) << made.error().message();
  }
  EXPECT_TRUE(r.queue->list()->empty());
  r.close();
}

TEST(Deletions, OnlyWhatWaitsIsCancelledAndTheQueueIsBounded) {
  DeletionRig r;
  ASSERT_TRUE(r.open());
  PlainLine line;
  line.app = "a1";
  ASSERT_TRUE(r.push({line}));
  Deletion wanted;
  wanted.projects = {ProjectId{1}};
  wanted.query = R"({app="a1"})";
  const auto first = r.queue->add(wanted);
  ASSERT_TRUE(first);
  ASSERT_TRUE(r.queue->cancel(first->id));
  EXPECT_EQ(r.queue->cancel(first->id).error().kind(), ErrorKind::conflict);
  EXPECT_EQ(r.queue->cancel(99).error().kind(), ErrorKind::not_found);
  r.queue->run();
  EXPECT_EQ(r.left().size(), 1u);
  EXPECT_EQ(r.queue->list()->front().state, DeletionState::cancelled);
  for (std::size_t i = 0; i < limits::kMaxWaitingDeletions; ++i) ASSERT_TRUE(r.queue->add(wanted));
  EXPECT_EQ(r.queue->add(wanted).error().kind(), ErrorKind::resource_exhausted);
  r.queue->run();
  EXPECT_EQ(r.left().size(), 0u);
  const auto all = r.queue->list();
  EXPECT_EQ(std::count_if(all->begin(), all->end(),
                          [](const Deletion& d) { return d.state == DeletionState::done; }),
            static_cast<std::ptrdiff_t>(limits::kMaxWaitingDeletions));
  EXPECT_TRUE(r.queue->add(wanted));
  r.close();
}

/// False: the work ended before the power went.
bool cut_while_deleting(std::uint64_t seed, std::uint64_t k) {
  DeletionRig r;
  Rng rng(seed);
  EXPECT_TRUE(r.open());
  std::vector<PlainLine> lines = random_lines(rng, 30);
  EXPECT_TRUE(r.push(lines));
  EXPECT_TRUE(r.rig.settle());
  const std::size_t all_lines = lines.size();
  Deletion wanted;
  wanted.projects = {ProjectId{1}};
  wanted.query = R"({app=~"a[012]"} | json | status >= 500)";
  r.rig.disk.power_off_at(r.rig.disk.calls() + k);
  const bool acknowledged = r.queue->add(wanted).has_value();
  if (acknowledged) r.queue->run();
  const bool cut = r.rig.disk.powered_off();
  r.close();
  r.rig.disk.crash(rng.chance(0.3) ? std::nullopt : std::optional(rng.next()));
  const auto opened = r.open();
  EXPECT_TRUE(opened) << opened.error().message();
  if (!opened) return false;
  const auto known = r.queue->list();
  EXPECT_TRUE(known);
  EXPECT_TRUE(!acknowledged || known->size() == 1) << "an acknowledged wish was lost";
  if (known->empty()) {
    EXPECT_EQ(r.left(), texts_of(lines)) << "k " << k;
  } else {
    std::erase_if(lines, [](const PlainLine& l) {
      return l.project == 1 && l.app != "a3" && l.json && l.status >= 500;
    });
    r.queue->run();
    const auto done = r.queue->list();
    EXPECT_EQ(done->front().state, DeletionState::done) << done->front().problem;
    EXPECT_LE(done->front().progress.rows, all_lines - lines.size());
    EXPECT_EQ(r.left(), texts_of(lines)) << "k " << k;
  }
  EXPECT_EQ(*r.rig.stores->verify(), std::vector<std::string>{});
  r.close();
  return cut;
}

TEST(Deletions, APowerCutNeitherLosesNorHalvesOne) {
  const char* given = std::getenv("TELLTALE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const bool every = std::getenv("TELLTALE_SOAK") != nullptr;
  Rng rng(seed);
  for (std::uint64_t k = 1;; k += every ? 1 : 1 + rng.below(24)) {
    SCOPED_TRACE("TELLTALE_SEED=" + std::to_string(seed) + " k=" + std::to_string(k));
    if (!cut_while_deleting(seed + k, k) || ::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace telltale::server
