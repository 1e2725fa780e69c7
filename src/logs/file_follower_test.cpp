// The follower on real files: whatever is done to them, each line is kept once.
#include "logs/file_follower.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace telltale::logs {
namespace {

namespace stdfs = std::filesystem;
using Lines = std::vector<std::string>;

class FollowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir = stdfs::temp_directory_path() / fmt::format("telltale-follow-{}-{}", ::getpid(), counter++);
    stdfs::create_directories(dir);
    source.paths = {(dir / "*.log").string()};
    fs->make_dirs("state");
  }
  void TearDown() override { stdfs::remove_all(dir); }

  std::string path(std::string_view name) const { return (dir / name).string(); }
  void append(std::string_view name, std::string_view text) {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void start() {
    follower = std::make_unique<FileFollower>(
        std::vector<FileSource>{source}, *fs, "state/offsets.json",
        [this](ProjectId, const std::vector<FileLines>& files) -> Result<> {
          if (refuse > 0) {
            --refuse;
            return fail(ErrorKind::unavailable, "full");
          }
          if (while_kept) std::exchange(while_kept, nullptr)();
          for (const auto& file : files) {
            for (const auto& line : file.lines) {
              // As the journal does: an id that was seen is dropped.
              if (ids.insert(line.id).second) kept.push_back(line.text);
            }
          }
          return {};
        },
        clock, log, metrics);
    ASSERT_TRUE(follower->open());
  }
  /// Rounds until nothing is left to read, a second apart.
  void follow(int seconds = 3) {
    for (int i = 0; i < seconds; ++i) {
      while (follower->tick()) {
      }
      clock.advance(std::chrono::seconds(1));
    }
  }
  void expect_once(Lines expected) {
    Lines got = take();
    std::sort(got.begin(), got.end());
    std::sort(expected.begin(), expected.end());
    Lines lost;
    Lines extra;
    std::set_difference(expected.begin(), expected.end(), got.begin(), got.end(), std::back_inserter(lost));
    std::set_difference(got.begin(), got.end(), expected.begin(), expected.end(), std::back_inserter(extra));
    EXPECT_TRUE(lost.empty()) << lost.size() << " lost, such as " << lost.front();
    EXPECT_TRUE(extra.empty()) << extra.size() << " too many, such as " << extra.front();
  }
  Lines take() { return std::exchange(kept, {}); }

  static inline int counter = 0;
  stdfs::path dir;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FileSource source;
  std::unique_ptr<FileFollower> follower;
  std::set<Id128> ids;
  Lines kept;
  int refuse = 0;
  std::function<void()> while_kept;  // runs once: between reading lines and writing down that they are kept
};

TEST_F(FollowTest, GrowsAndWaitsForTheEndOfALine) {
  append("a.log", "one\ntwo\r\nthr");
  start();
  follow();
  EXPECT_EQ(take(), (Lines{"one", "two"}));
  append("a.log", "ee\n\n  \nfour\n");
  append("b.log", "other\n");
  append("c.log.gz", "never\n");
  follow();
  EXPECT_EQ(take(), (Lines{"three", "four", "other"}));
}

TEST_F(FollowTest, GoesOnWhereItWas) {
  append("a.log", "one\n");
  start();
  follow();
  append("a.log", "two\n");
  start();
  append("b.log", "new while away\n");
  follow();
  EXPECT_EQ(take(), (Lines{"one", "two", "new while away"}));
}

TEST_F(FollowTest, StartsAtTheEndOnlyTheFirstTime) {
  source.from_end = true;
  append("a.log", "old\n");
  start();
  follow();
  append("a.log", "one\n");
  append("b.log", "all of it\n");
  follow();
  start();
  append("c.log", "this, too\n");
  follow();
  EXPECT_EQ(take(), (Lines{"one", "all of it", "this, too"}));
}

TEST_F(FollowTest, RenamedFilesAreReadToTheirEnd) {
  append("a.log", "one\n");
  start();
  follow();
  stdfs::rename(path("a.log"), path("a.log.1"));
  append("a.log.1", "late\n");
  append("a.log", "two\n");
  follow();
  append("a.log.1", "later, without an end");
  follow(70);
  EXPECT_EQ(take(), (Lines{"one", "late", "two", "later, without an end"}));
}

TEST_F(FollowTest, RenamedBeforeAnythingWasKept) {
  append("a.log", "one\n");
  refuse = 1;
  start();
  follow(1);
  follower.reset();
  stdfs::rename(path("a.log"), path("a.log.1"));
  append("a.log", "two\n");
  start();
  follow();
  EXPECT_EQ(take(), (Lines{"one", "two"}));
}

TEST_F(FollowTest, RenamedWhileAway) {
  append("a.log", "one\n");
  start();
  follow();
  follower.reset();
  append("a.log", "two\n");
  stdfs::rename(path("a.log"), path("a.log.1"));
  append("a.log", "three\n");
  start();
  follow();
  EXPECT_EQ(take(), (Lines{"one", "two", "three"}));
}

std::string long_line(int i) {
  return fmt::format("line {} of a file that is cut off now and then, long enough to tell\n", i);
}

TEST_F(FollowTest, CopiedAndCutOff) {
  source.paths = {(dir / "a.log*").string()};  // the copies match, too
  start();
  int n = 0;
  Lines expected;
  const auto write = [&](int lines) {
    for (int i = 0; i < lines; ++i) {
      append("a.log", long_line(n));
      expected.push_back(long_line(n++));
      expected.back().pop_back();
    }
  };
  for (int round = 0; round < 5; ++round) {
    write(10);
    follow();
    write(5);  // not read before the cut: the copy has it
    for (int i = round; i > 0; --i)
      stdfs::rename(path(fmt::format("a.log.{}", i)), path(fmt::format("a.log.{}", i + 1)));
    stdfs::copy_file(path("a.log"), path("a.log.1"));
    if (round % 2 == 0) follow();  // the copy is seen before the cut
    if (round == 3) start();       // or nobody looks
    stdfs::resize_file(path("a.log"), 0);
    write(3);
    follow();
  }
  expect_once(expected);
}

// A copy is looked at the moment it is made, before anything of it is written.
TEST_F(FollowTest, CopiedWhileLookedAt) {
  source.paths = {(dir / "a.log*").string()};
  Lines expected;
  std::string whole;
  for (int i = 0; i < 10; ++i) {
    whole += long_line(i);
    expected.push_back(long_line(i));
    expected.back().pop_back();
  }
  append("a.log", whole);
  start();
  follow();
  append("a.log.1", "");
  follow();
  append("a.log.1", whole.substr(0, whole.size() / 2));
  follow();
  append("a.log.1", whole.substr(whole.size() / 2));
  follow();
  stdfs::resize_file(path("a.log"), 0);
  follow();
  expect_once(expected);
}

// Where the follower stands is told by what it read, not by what stands in the file by then.
class CopiedAndCutOffWhileKept : public FollowTest, public ::testing::WithParamInterface<bool> {};

TEST_P(CopiedAndCutOffWhileKept, EachLineOnce) {
  source.paths = {(dir / "a.log*").string()};
  Lines expected;
  const auto write = [&](int i) {
    append("a.log", long_line(i));
    expected.push_back(long_line(i));
    expected.back().pop_back();
  };
  for (int i = 0; i < 10; ++i) write(i);
  while_kept = [&] {
    write(10);
    stdfs::copy_file(path("a.log"), path("a.log.1"));
    stdfs::resize_file(path("a.log"), 0);
  };
  start();
  follow(1);
  const bool killed = GetParam();
  if (killed) start();
  follow();
  write(11);
  follow();
  expect_once(expected);
}
INSTANTIATE_TEST_SUITE_P(, CopiedAndCutOffWhileKept, ::testing::Bool());

// Killed between keeping the first lines and writing that down, then copied and cut off.
TEST_F(FollowTest, CopiedBeforeAnythingWasWrittenDown) {
  source.paths = {(dir / "a.log*").string()};
  append("a.log", long_line(0));
  start();
  refuse = 1;
  follow(1);  // the generation is written down
  const std::string state = *io::read_file(*fs, "state/offsets.json");
  follow(3);
  EXPECT_EQ(take().size(), 1u);
  follower.reset();
  ASSERT_TRUE(io::publish_file(*fs, "state/offsets.json", state));
  stdfs::copy_file(path("a.log"), path("a.log.1"));
  stdfs::resize_file(path("a.log"), 0);
  append("a.log", long_line(1));
  start();
  follow();
  EXPECT_EQ(take().size(), 1u);
}

TEST_F(FollowTest, CutOffAndGrownPastTheOldPlace) {
  append("a.log", long_line(0));
  start();
  follow();
  stdfs::resize_file(path("a.log"), 0);
  append("a.log", long_line(1) + long_line(2));
  follow();
  EXPECT_EQ(take().size(), 3u);
}

TEST_F(FollowTest, AHoleOfZeros) {
  append("a.log", std::string(100'000, '\0') + "after the hole\n");
  start();
  follow();
  EXPECT_EQ(take(), (Lines{"after the hole"}));
}

TEST_F(FollowTest, LongLinesAreCut) {
  append("a.log", std::string(3 * limits::kMaxLogLineBytes, 'x') + "\nnext\n");
  start();
  follow();
  const Lines got = take();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].size(), limits::kMaxLogLineBytes);
  EXPECT_EQ(got[1], "next");
  EXPECT_NE(metrics.render().find("telltale_follow_cut_total 1"), std::string::npos);
}

TEST_F(FollowTest, JoinsEvents) {
  source.multiline.mode = MultilineOptions::Mode::continuation;
  append("a.log", "one\n  more\ntwo\n");
  start();
  follow(1);
  EXPECT_EQ(take(), (Lines{"one\n  more"}));
  start();  // what waited is read again
  follow();
  EXPECT_EQ(take(), (Lines{"two"}));
}

TEST_F(FollowTest, WhatIsRefusedIsReadAgain) {
  append("a.log", "one\ntwo\n");
  refuse = 2;
  start();
  follow(1);
  EXPECT_TRUE(kept.empty());
  follow(5);
  EXPECT_EQ(take(), (Lines{"one", "two"}));
}

TEST_F(FollowTest, ADamagedStateIsMovedAside) {
  append("a.log", "one\n");
  ASSERT_TRUE(io::publish_file(*fs, "state/offsets.json", "{\"version\":1"));
  start();
  follow();
  EXPECT_EQ(take(), (Lines{"one"}));
  EXPECT_TRUE(*fs->exists("state/offsets.json.damaged"));
}

// Events of many lines, written in pieces that end anywhere: their file is never taken for another.
TEST_F(FollowTest, RandomPieces) {
  source.multiline.mode = MultilineOptions::Mode::continuation;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  std::string whole;
  Lines expected;
  for (int i = 0; i < 600; ++i) {
    expected.push_back(fmt::format("{}{} {}", random() % 3 ? "  " : "", i, std::string(random() % 90, 'x')));
    whole += expected.back() + '\n';
  }
  start();
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 400, whole.size() - at);
    append("a.log", std::string_view(whole).substr(at, size));
    at += size;
    if (random() % 8 == 0) refuse = 1;
    if (random() % 8 == 0) start();
    while (random() % 2) follow(1);
  }
  follow(10);
  std::stringstream events(fmt::format("{}\n", fmt::join(take(), "\n")));
  for (std::string line; std::getline(events, line);) kept.push_back(line);
  expect_once(expected);
  EXPECT_NE(metrics.render().find("telltale_follow_truncated_total 0"), std::string::npos);
}

// Any order of writing, renaming, cutting off, stopping without a word, and of a full server. The rotated
// names match, too: so nothing is lost either when nobody looks through several rotations.
TEST_F(FollowTest, RandomHistories) {
  source.paths = {(dir / "a.log*").string()};
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  start();
  int n = 0;
  int rotated = 0;
  Lines expected;
  for (int step = 0; step < 400; ++step) {
    switch (random() % 11) {
      case 0:
        refuse = 1;
        break;
      case 10:
        while_kept = [&] {
          if (!stdfs::exists(path("a.log"))) return;
          stdfs::copy_file(path("a.log"), path(fmt::format("a.log.{}", ++rotated)));
          stdfs::resize_file(path("a.log"), 0);
        };
        break;
      case 1:
        start();  // what was not written down is forgotten
        break;
      case 2:
        if (stdfs::exists(path("a.log")))
          stdfs::rename(path("a.log"), path(fmt::format("a.log.{}", ++rotated)));
        break;
      case 3:
        if (stdfs::exists(path("a.log"))) {
          stdfs::copy_file(path("a.log"), path(fmt::format("a.log.{}", ++rotated)));
          stdfs::resize_file(path("a.log"), 0);
        }
        break;
      case 4:
      case 5:
        follow(1 + static_cast<int>(random() % 3));
        break;
      default:
        for (unsigned i = 0; i < 1 + random() % 20; ++i) {
          append("a.log", long_line(n));
          expected.push_back(long_line(n++));
          expected.back().pop_back();
        }
    }
  }
  follow(10);
  expect_once(expected);
}

TEST(FollowState, RoundTrip) {
  FollowState state;
  state.sources = {"1:/a/*.log"};
  state.files.push_back({"/a/\"b\".log", 1, UINT64_MAX, 7, 9, {512, 3, 64, 5}, false});
  state.files.push_back({"/c", 1, 2, 3, 4, {}, true});
  const auto back = decode_follow_state(encode_follow_state(state));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->files, state.files);
  EXPECT_EQ(back->sources, state.sources);
  for (const auto* bad : {"", "{}", "[]", "{\"version\":2,\"files\":[]}", "{\"version\":1,\"files\":[{}]}"})
    EXPECT_FALSE(decode_follow_state(bad)) << bad;
}

}  // namespace
}  // namespace telltale::logs
