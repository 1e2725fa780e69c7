// Which groups say words, of the whole store through checkpoints, merges, erasures and restarts, against
// looking at every row.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/id_words.hpp"
#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/part.hpp"
#include "eventdb/word_index.hpp"

namespace telltale::eventdb {
namespace {

constexpr unsigned kMessageKind = 7;
constexpr std::int64_t kWordsStart = 1'700'000'000;

/// A payload is lines, whose first character is the kind.
class Lines final : public storage::EventTexts {
 public:
  void read(std::string_view payload, const Visit& visit) override {
    while (!payload.empty()) {
      const std::size_t end = std::min(payload.find('\n'), payload.size());
      if (end > 0) visit(static_cast<unsigned>(payload[0] - '0'), payload.substr(1, end - 1));
      payload.remove_prefix(std::min(end + 1, payload.size()));
    }
  }
};

storage::WordIndexing indexing() {
  return {Table::errors, "group", kMessageKind, 0x07, [] { return std::make_unique<Lines>(); }};
}

constexpr const char* kSaid[] = {"timeout", "redis",         "amber_basket", "0x7f00ab", "cafe",
                                 "12345",   "Card declined", "a.b",          "x"};

EventRow worded_row(Rng& rng) {
  EventRow row;
  row.project.value = rng.chance(0.3) ? 2 : 1;
  // Two days; late ones, too.
  row.time = UnixNanos::from_seconds(kWordsStart + static_cast<std::int64_t>(rng.below(100'000)));
  row.time.ns += static_cast<std::int64_t>(rng.below(1'000));
  row.received = row.time;
  row.message = kSaid[rng.below(std::size(kSaid))];
  if (rng.chance(0.4)) row.message = "order " + std::to_string(1'000 + rng.below(100'000));
  for (std::size_t i = 0, n = rng.below(4); i < n; ++i) {
    row.payload += static_cast<char>('0' + rng.below(7));
    row.payload += std::string(kSaid[rng.below(std::size(kSaid))]) + (rng.chance(0.3) ? " rare" : "") +
                   (rng.chance(0.1) ? std::to_string(rng.below(100)) : "") + "\n";
  }
  if (rng.chance(0.95)) row.set("group", "group" + std::to_string(rng.below(25)));
  if (rng.chance(0.3)) row.ids.user_id = "u" + std::to_string(rng.below(5));
  if (rng.chance(0.5)) row.set("n", static_cast<std::int64_t>(rng.below(10)));
  return row;
}

std::string in_small(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool says(const EventRow& row, const storage::WordNeedle& needle) {
  bool found = false;
  const auto look = [&](unsigned kind, std::string_view text) {
    if ((needle.kinds >> kind & 1) == 0) return;
    if (needle.whole) {
      found = found || is_whole(text, needle.pieces);
      return;
    }
    std::vector<std::string> pieces;
    for (const std::string& piece : needle.pieces) pieces.push_back(in_small(piece));
    found = found || says_in_order(in_small(std::string(text)), pieces);
  };
  look(kMessageKind, row.message);
  Lines().read(row.payload, look);
  return found;
}

class WordGroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    seed_ = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed_));
    rng_ = Rng(seed_);
    options_.chunk_rows = 24;
    options_.block_rows = 64;
    options_.words = indexing();
    ASSERT_TRUE(reopen());
  }
  bool reopen() {
    db_.reset();
    auto opened = open_eventdb(*disk_, "events", options_, clock_, log_, metrics_);
    if (opened) db_ = *std::move(opened);
    return opened.has_value();
  }
  void apply(std::size_t rows) {
    storage::Batch batch;
    for (std::size_t i = 0; i < rows; ++i) batch.errors.push_back(worded_row(rng_));
    rows_.insert(rows_.end(), batch.errors.begin(), batch.errors.end());
    ASSERT_TRUE(db_->apply(Sequence{++sequence_}, batch));
  }
  storage::WordNeedle random_needle() {
    storage::WordNeedle out;
    out.kinds = rng_.chance(0.5) ? 0xFF : static_cast<storage::TextKinds>(1 << rng_.below(8));
    for (std::size_t i = 0, n = rng_.chance(0.8) ? 1 : 2; i < n; ++i) {
      const std::string text = kSaid[rng_.below(std::size(kSaid))];
      out.pieces.push_back(rng_.chance(0.5) ? text : text.substr(rng_.below(text.size())));
    }
    if (rng_.chance(0.1)) out.pieces = {"rare"};
    if (rng_.chance(0.2)) {
      const std::string& message = rows_[rng_.below(rows_.size())].message;
      out.pieces = {message.substr(message.rfind(' ') + 1)};
    }
    out.whole = rng_.chance(0.2);
    if (rng_.chance(0.2)) out.pieces.insert(out.pieces.begin(), "");
    if (out.pieces.size() < 3 && rng_.chance(0.2)) out.pieces.emplace_back();
    return out;
  }
  static bool is_plain(const std::string& piece) {
    return std::all_of(piece.begin(), piece.end(), [](char c) { return std::isalpha(c) != 0 || c == '_'; }) &&
           piece.find_first_not_of("abcdefxABCDEFX") != std::string::npos;
  }

  void ask_once() {
    storage::WordQuery query;
    query.group = "group";
    query.projects = rng_.chance(0.5) ? storage::Projects{{1}} : storage::Projects{{1}, {2}};
    if (rng_.chance(0.5)) {
      query.range.from = UnixNanos::from_seconds(kWordsStart + static_cast<std::int64_t>(rng_.below(60'000)));
      query.range.to =
          query.range.from + Nanos(static_cast<std::int64_t>(rng_.below(60'000)) * 1'000'000'000);
    }
    for (std::size_t i = 0, n = rng_.chance(0.7) ? 1 : 2; i < n; ++i) {
      auto& condition = query.all.emplace_back();
      condition.any.push_back(random_needle());
      if (rng_.chance(0.2)) condition.any.push_back(random_needle());
    }
    WorkContext context(clock_, WorkLimits{});
    const auto answer = db_->word_groups(query, context);
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_TRUE(*answer);
    check(query, **answer);
  }
  using Seen = std::set<std::pair<std::int64_t, std::string>>;
  /// Rows where the answer says they may be; the store may have merged its parts since.
  Seen rows_at(std::shared_ptr<const storage::RowPlaces> places, const storage::WordQuery& query) {
    if (rng_.chance(0.05)) {
      EXPECT_TRUE(db_->maintenance());
    }
    storage::EventQuery rows;
    rows.table = Table::errors;
    rows.projects = query.projects;
    rows.range = query.range;
    rows.places = std::move(places);
    WorkContext context(clock_, WorkLimits{});
    const auto read = storage::collect(*db_, rows, context);
    EXPECT_TRUE(read);
    Seen out;
    for (const EventRow& row : *read) out.emplace(row.time.ns, row.message);
    places_read_ += out.size();
    places_have_ += rows_.size();
    return out;
  }
  void check(const storage::WordQuery& query, const storage::WordGroups& found) {
    std::set<storage::WordGroup> truth;
    const auto has = [](const auto& list, const storage::WordGroup& group) {
      return std::binary_search(list.begin(), list.end(), group);
    };
    const auto unknown = [&](UnixNanos time) {
      return std::any_of(found.unknown.begin(), found.unknown.end(),
                         [&](const TimeRange& range) { return range.contains(time); });
    };
    const auto may_be_at = [&](UnixNanos time) {
      return std::any_of(found.possible_in.begin(), found.possible_in.end(),
                         [&](const TimeRange& range) { return range.contains(time); });
    };
    const auto left_open = found.possible.empty() ? Seen() : rows_at(found.places, query);
    for (const EventRow& row : rows_) {
      const AttrValue* group = row.find("group");
      if (group == nullptr || !query.range.contains(row.time)) continue;
      if (std::find(query.projects.begin(), query.projects.end(), row.project) == query.projects.end())
        continue;
      const bool matches =
          std::all_of(query.all.begin(), query.all.end(), [&](const storage::WordCondition& condition) {
            return std::any_of(condition.any.begin(), condition.any.end(),
                               [&](const storage::WordNeedle& needle) { return says(row, needle); });
          });
      if (!matches) continue;
      const storage::WordGroup name{row.project, to_string(*group)};
      truth.insert(name);
      EXPECT_TRUE(unknown(row.time) || has(found.sure, name) ||
                  (has(found.possible, name) && may_be_at(row.time) &&
                   left_open.contains({row.time.ns, row.message})));
    }
    for (const auto& name : found.sure) EXPECT_TRUE(truth.contains(name)) << name.group;
    if (options_.words) {
      EXPECT_TRUE(found.unknown.empty() || !all_indexed_);
    }
    bool plain = query.range.from.ns == INT64_MIN && query.all.size() == 1;
    for (const auto& needle : query.all.front().any)
      plain = plain && !needle.whole && needle.pieces.size() == 1 && is_plain(needle.pieces.front());
    if (plain && all_indexed_) {
      EXPECT_EQ(found.sure.size(), truth.size()) << "needs no reading";
      EXPECT_TRUE(found.possible.empty());
      ++read_nothing_;
    }
  }
  void ask() {
    for (int i = 0; i < 60; ++i) {
      ask_once();
      if (HasFailure()) FAIL() << "seed " << seed_;
    }
  }
  void erase_user(const std::string& user) {
    storage::EraseRequest request;
    request.table = Table::errors;
    request.projects = {{1}, {2}};
    request.filter = storage::EventFilter::leaf(storage::FilterOp::eq, "user_id", user);
    ASSERT_TRUE(db_->checkpoint());
    const auto gone = db_->erase(request);
    ASSERT_TRUE(gone) << gone.error().message();
    const std::size_t before = rows_.size();
    std::erase_if(rows_, [&](const EventRow& row) { return row.ids.user_id == user; });
    EXPECT_EQ(*gone, before - rows_.size());
  }

  /// On the disk.
  std::size_t parts_with_words() {
    std::size_t out = 0;
    const auto files = disk_->list("events");
    for (const io::FileInfo& file : *files) {
      if (!file.name.ends_with(".part")) continue;
      const auto part = Part::open(*disk_, "events", file.name, log_);
      if (part && (*part)->words().size > 0) ++out;
    }
    return out;
  }

  std::uint64_t seed_ = 0;
  Rng rng_{1};
  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  std::unique_ptr<io::FileSystem> disk_ = io::make_memory_file_system();
  EventDbOptions options_;
  std::unique_ptr<EventDb> db_;
  std::uint64_t sequence_ = 0;
  std::vector<EventRow> rows_;
  bool all_indexed_ = true;
  int read_nothing_ = 0;
  std::size_t places_read_ = 0;
  std::size_t places_have_ = 0;
};

TEST_F(WordGroupsTest, AgreeWithAVectorOfRows) {
  for (int round = 0; round < 12; ++round) {
    apply(1 + rng_.below(80));
    ask();
    if (rng_.chance(0.6)) {
      ASSERT_TRUE(db_->checkpoint());
    }
    ask();
    if (round % 4 == 3) {
      ASSERT_TRUE(db_->maintenance());
      ask();
    }
    if (round == 5) {
      erase_user("u1");
      ask();
    }
    if (round == 8) {
      ASSERT_TRUE(db_->checkpoint());
      ASSERT_TRUE(reopen());
      ask();
    }
  }
  erase_user("u2");
  ASSERT_TRUE(db_->maintenance());
  ask();
  EXPECT_TRUE(db_->verify()->damaged.empty());
  EXPECT_GT(read_nothing_, 0);
  EXPECT_LT(places_read_, places_have_);
}

TEST_F(WordGroupsTest, PartsOfManyBlocksAgreeWithAVectorOfRows) {
  options_.chunk_rows = 16;
  options_.block_rows = 16;
  ASSERT_TRUE(reopen());
  std::size_t most = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) apply(20 + rng_.below(120));
    ASSERT_TRUE(db_->checkpoint());
    ask();
    if (round % 4 == 3) {
      ASSERT_TRUE(db_->maintenance());
      ask();
    }
    if (round == 4) erase_user("u1");
    if (round == 7) {
      ASSERT_TRUE(reopen());
      erase_user("u2");
    }
    ask();
    most = std::max(most, parts_with_words());
  }
  erase_user("u3");
  ask();
  EXPECT_GT(parts_with_words(), 0u);
  EXPECT_GT(most, 2u);
  EXPECT_TRUE(db_->verify()->damaged.empty());
}

TEST_F(WordGroupsTest, AnErasedRowsWordsAreGoneFromItsPart) {
  options_.chunk_rows = 16;
  options_.block_rows = 16;
  ASSERT_TRUE(reopen());
  for (int i = 0; i < 4; ++i) apply(100);
  storage::Batch batch;
  batch.errors.push_back(rows_.front());
  batch.errors.back().message = "unheardof";
  batch.errors.back().set("group", "group7");
  batch.errors.back().ids.user_id = "gone";
  rows_.push_back(batch.errors.back());
  ASSERT_TRUE(db_->apply(Sequence{++sequence_}, batch));
  ASSERT_TRUE(db_->checkpoint());
  ASSERT_GT(parts_with_words(), 0u);
  storage::WordQuery query;
  query.group = "group";
  query.projects = {{1}, {2}};
  query.all = {{{{0xFF, {"heardo"}, false}}}};
  WorkContext context(clock_, WorkLimits{});
  EXPECT_EQ((*db_->word_groups(query, context))->sure.size(), 1u);
  erase_user("gone");
  ASSERT_GT(parts_with_words(), 0u);
  const auto after = db_->word_groups(query, context);
  EXPECT_TRUE((*after)->sure.empty() && (*after)->possible.empty());
}

TEST_F(WordGroupsTest, APartWithDamagedWordsIsNotServed) {
  options_.chunk_rows = 16;
  options_.block_rows = 16;
  ASSERT_TRUE(reopen());
  for (int i = 0; i < 4; ++i) apply(100);
  ASSERT_TRUE(db_->checkpoint());
  db_.reset();
  const auto files = disk_->list("events");
  ASSERT_TRUE(files);
  for (const io::FileInfo& file : *files) {
    if (!file.name.ends_with(".part")) continue;
    auto bytes = io::read_file(*disk_, "events/" + file.name);
    ASSERT_TRUE(bytes);
    {
      const auto part = Part::open(*disk_, "events", file.name, log_);
      ASSERT_TRUE(part);
      if ((*part)->words().size == 0) continue;
      (*bytes)[(*part)->words().offset + (*part)->words().size / 2] ^= 1;
    }
    ASSERT_TRUE(io::publish_file(*disk_, "events/" + file.name, *bytes));
  }
  ASSERT_TRUE(reopen());
  storage::WordQuery query;
  query.group = "group";
  query.projects = {{1}, {2}};
  query.all = {{{{0xFF, {"redis"}, false}}}};
  WorkContext context(clock_, WorkLimits{});
  auto answer = db_->word_groups(query, context);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::corruption);
  for (int i = 0; i < 3 && !answer; ++i) answer = db_->word_groups(query, context);
  EXPECT_TRUE(answer) << "without the parts";
  ASSERT_TRUE(db_->maintenance());
  EXPECT_FALSE(db_->stats().quarantined.empty());
}

TEST_F(WordGroupsTest, PartsWithoutAnIndexGetOneWhenTheyMerge) {
  options_.words.reset();
  ASSERT_TRUE(reopen());
  for (int i = 0; i < 4; ++i) {
    apply(100);
    ASSERT_TRUE(db_->checkpoint());
  }
  WorkContext context(clock_, WorkLimits{});
  storage::WordQuery query;
  query.group = "group";
  query.projects = {{1}, {2}};
  query.all = {{{{0xFF, {"redis"}, false}}}};
  EXPECT_FALSE(*db_->word_groups(query, context)) << "an engine without words cannot tell";
  options_.words = indexing();
  ASSERT_TRUE(reopen());
  all_indexed_ = false;
  ask();
  EXPECT_FALSE((*db_->word_groups(query, context))->unknown.empty());
  ASSERT_TRUE(db_->maintenance());
  all_indexed_ = true;
  ask();
  query.group = "another";
  EXPECT_FALSE(*db_->word_groups(query, context));
  query.group = "group";
  query.all = {{{{0xFF, {" ."}, false}}}};
  EXPECT_FALSE(*db_->word_groups(query, context)) << "no letter to look for";
}

TEST_F(WordGroupsTest, GroupsThatAreNumbersMakeNoIndex) {
  apply(40);
  ASSERT_TRUE(db_->checkpoint());
  storage::Batch batch;
  for (int i = 0; i < 40; ++i) {
    batch.errors.push_back(worded_row(rng_));
    batch.errors.back().set("group", std::int64_t{5});
    rows_.push_back(batch.errors.back());
  }
  ASSERT_TRUE(db_->apply(Sequence{++sequence_}, batch));
  ASSERT_TRUE(db_->checkpoint());
  all_indexed_ = false;
  ask();
}

}  // namespace
}  // namespace telltale::eventdb
