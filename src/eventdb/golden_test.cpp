// A folder written by each format version stays readable: tests/golden/eventdb-v<N> was made by the writer of
// its time (this test with TELLTALE_WRITE_GOLDEN set to a folder), out of rows that are made here again.
// Never change golden_rows(); a new version gets a folder of its own.
#include <algorithm>
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/block.hpp"
#include "eventdb/block_builder.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/index_page.hpp"
#include "eventdb/part.hpp"
#include "eventdb/part_words_merger.hpp"
#include "eventdb/word_index_builder.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint64_t kBatches = 4;
/// Of a batch; templates and signatures, which came with version 3, take more rows.
std::uint64_t golden_batch_rows(int version) { return version >= 3 ? 700 : 80; }

std::vector<EventRow> golden_rows(std::uint64_t batch, int version) {
  static constexpr const char* kWords[] = {"order", "filled", "cache", "miss", "\xC3\xBC\xC3\xB6", ""};
  Rng rng(batch);
  std::vector<EventRow> rows;
  for (std::uint64_t i = 0; i < golden_batch_rows(version); ++i) {
    EventRow row;
    row.project.value = static_cast<std::uint32_t>(1 + rng.below(2));
    // Three days, or two.
    row.time = UnixNanos::from_seconds(1'700'000'000 +
                                       static_cast<std::int64_t>(rng.below(version >= 3 ? 80'000 : 200'000)));
    row.time.ns += static_cast<std::int64_t>(rng.below(1'000'000)) * 1000;
    row.received = row.time + Nanos(static_cast<std::int64_t>(rng.below(1'000'000)));
    row.ids.service = kWords[rng.below(6)];
    row.ids.level = static_cast<Level>(rng.below(7));
    row.ids.environment = "production";
    if (rng.chance(0.7)) row.ids.trace_id = Id128{rng.next(), rng.next()};
    if (rng.chance(0.5)) row.ids.span_id = Id64{rng.next()};
    if (rng.chance(0.5)) row.ids.request_id = "req-" + std::to_string(rng.below(1000));
    if (rng.chance(0.5)) row.ids.user_id = std::to_string(rng.below(50));
    row.message = kWords[rng.below(6)];
    row.message += " " + std::to_string(rng.below(10'000));
    if (version >= 3)
      row.message += " after " + std::to_string(rng.below(100)) + "." + Id64{rng.next()}.hex();
    if (rng.chance(0.2)) row.payload = std::string(rng.below(300), 'p');
    // In the order of appearance, whatever order a compiler evaluates arguments in.
    const auto set = [&](double share, const char* name, auto value) {
      if (!rng.chance(share)) return;
      AttrValue made = value();
      row.set(name, std::move(made), version == 1 ? AttrKind::metadata : static_cast<AttrKind>(rng.below(3)));
    };
    set(0.6, "n", [&] {
      const std::uint64_t bits = rng.next();
      return static_cast<std::int64_t>(bits >> rng.below(60));
    });
    set(0.6, "took_ms", [&] { return static_cast<double>(rng.below(100'000)) / 100; });
    set(0.3, "exact", [&] { return rng.unit(); });
    set(0.3, "cached", [&] { return rng.chance(0.5); });
    set(0.4, "trace_id", [&] { return row.ids.trace_id.hex(); });
    set(0.4, "timestamp", [&] { return format_rfc3339(row.time); });
    set(0.4, "ip", [&] { return "10.0.0." + std::to_string(rng.below(256)); });
    set(0.4, "word", [&] { return std::string(kWords[rng.below(6)]); });
    set(0.1, "event_id", [&] { return Id128{rng.next(), 5}.hex(); });
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Written with a checkpoint a batch.
std::vector<EventRow> all_golden_rows(int version) {
  std::vector<EventRow> all;
  for (std::uint64_t batch = 1; batch <= kBatches; ++batch)
    for (EventRow& row : golden_rows(batch, version)) all.push_back(std::move(row));
  std::stable_sort(all.begin(), all.end(),
                   [](const EventRow& a, const EventRow& b) { return a.time < b.time; });
  return all;
}

/// From version 6 on, so that parts have several blocks, and words of their own.
constexpr std::size_t kGoldenBlockRows = 64;

/// Which is said to be an index of from version 4 on.
class PayloadText final : public storage::EventTexts {
 public:
  void read(std::string_view payload, const Visit& visit) override { visit(0, payload); }
};
storage::WordIndexing golden_words() {
  return {Table::logs, "word", 7, 1, [] { return std::make_unique<PayloadText>(); }};
}

class Golden : public ::testing::TestWithParam<int> {
 protected:
  void open(io::FileSystem& fs, const std::string& dir) {
    EventDbOptions options;
    if (GetParam() >= 4) options.words = golden_words();
    if (GetParam() >= 6) options.block_rows = kGoldenBlockRows;
    auto opened = open_eventdb(fs, dir, options, clock_, log_, metrics_);
    ASSERT_TRUE(opened) << opened.error().message();
    db_ = *std::move(opened);
  }
  void expect_golden_rows() {
    storage::EventQuery q;
    q.projects = {ProjectId{1}, ProjectId{2}};
    q.order = storage::Order::oldest_first;
    q.with_payload = true;
    q.limit = 10'000;
    WorkContext context(clock_, WorkLimits{});
    const auto rows = storage::collect(*db_, q, context);
    ASSERT_TRUE(rows) << rows.error().message();
    const auto want = all_golden_rows(GetParam());
    ASSERT_EQ(rows->size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) ASSERT_TRUE((*rows)[i] == want[i]) << "row " << i;
    for (const char* text : {"filled", "rder 1", "no such text"}) {
      q.filter = storage::EventFilter::leaf(storage::FilterOp::contains, "message", text);
      const auto has = [&](const EventRow& row) { return row.message.find(text) != std::string::npos; };
      ASSERT_EQ(storage::collect(*db_, q, context)->size(),
                static_cast<std::size_t>(std::count_if(want.begin(), want.end(), has)))
          << text;
    }
    if (GetParam() >= 4) expect_groups(want, context);
    if (GetParam() >= 6) expect_part_words();
    for (std::size_t i = 0; i < want.size(); i += 17) {
      const EventRow& row = want[i];
      if (!row.ids.trace_id.present()) continue;
      q.filter = storage::EventFilter::leaf(storage::FilterOp::eq, "trace_id", row.ids.trace_id.hex());
      ASSERT_EQ(storage::collect(*db_, q, context)->size(), 1u);
      q.filter = storage::EventFilter::spelled(storage::FilterOp::eq, "trace_id", row.ids.trace_id.hex());
      ASSERT_EQ(storage::collect(*db_, q, context)->size(), 1u);
    }
  }

  void expect_part_words() {
    const auto files = memory_->list("events");
    ASSERT_TRUE(files);
    for (const io::FileInfo& file : *files) {
      if (!file.name.ends_with(".part")) continue;
      const auto part = Part::open(*memory_, "events", file.name, log_);
      ASSERT_TRUE(part);
      const bool has_several = (*part)->blocks().size() >= kLeastPartWordBlocks;
      EXPECT_EQ((*part)->words().size > 0, has_several);
      EXPECT_TRUE(has_several || !file.name.starts_with("logs-20231115-"));
    }
  }
  void expect_groups(const std::vector<EventRow>& rows, WorkContext& context) {
    for (const char* text : {"filled", "rder", "no_such_word"}) {
      std::set<storage::WordGroup> groups;
      for (const EventRow& row : rows)
        if (const AttrValue* group = row.find("word"); group && row.message.find(text) != std::string::npos)
          groups.insert({row.project, to_string(*group)});
      storage::WordQuery q;
      q.table = Table::logs;
      q.group = "word";
      q.projects = {ProjectId{1}, ProjectId{2}};
      q.all = {{{{0xFF, {text}, false}}}};
      const auto found = db_->word_groups(q, context);
      ASSERT_TRUE(found && *found);
      EXPECT_TRUE((*found)->unknown.empty() && (*found)->possible.empty());
      EXPECT_EQ(std::set<storage::WordGroup>((*found)->sure.begin(), (*found)->sure.end()), groups) << text;
    }
    for (std::size_t i = 0; i < rows.size(); i += 29) expect_id(rows[i], context);
  }
  /// The hexadecimal digits at the end of its message.
  void expect_id(const EventRow& row, WorkContext& context) {
    const AttrValue* group = row.find("word");
    const std::string id = row.message.substr(row.message.rfind('.') + 1);
    if (group == nullptr || !is_id_word(id)) return;
    const storage::WordGroup of{row.project, to_string(*group)};
    storage::WordQuery q;
    q.table = Table::logs;
    q.group = "word";
    q.projects = {ProjectId{1}, ProjectId{2}};
    q.all = {{{{0xFF, {id}, false}}}};
    const auto found = db_->word_groups(q, context);
    ASSERT_TRUE(found && *found);
    const auto& possible = (*found)->possible;
    EXPECT_TRUE(std::binary_search(possible.begin(), possible.end(), of));
    if (GetParam() >= 5) {
      EXPECT_LE(possible.size(), 2u) << "of some thousand ids hardly two have the same hash";
    }
  }

  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  std::unique_ptr<io::FileSystem> memory_ = io::make_memory_file_system();
  std::unique_ptr<EventDb> db_;
};

TEST_P(Golden, FolderOfTheVersionIsReadAndRewritten) {
  auto disk = io::make_posix_file_system();
  const std::string from =
      std::string(TELLTALE_SOURCE_DIR) + "/tests/golden/eventdb-v" + std::to_string(GetParam());
  ASSERT_TRUE(memory_->make_dirs("events"));
  const auto files = disk->list(from);
  ASSERT_TRUE(files) << files.error().message();
  for (const io::FileInfo& file : *files) {
    if (file.is_dir) continue;
    const auto bytes = io::read_file(*disk, from + "/" + file.name);
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(io::publish_file(*memory_, "events/" + file.name, *bytes));
  }
  open(*memory_, "events");
  EXPECT_EQ(db_->applied(), Sequence{kBatches});
  expect_golden_rows();
  const auto report = db_->verify();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->damaged.empty());
  const std::size_t before = db_->stats().parts;
  ASSERT_TRUE(db_->maintenance());
  EXPECT_LT(db_->stats().parts, before) << "merged, that is, rewritten";
  expect_golden_rows();
}

INSTANTIATE_TEST_SUITE_P(Versions, Golden, ::testing::Values(1, 2, 3, 4, 5, 6));

TEST(GoldenWriter, WritesAFolderWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_GOLDEN");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_GOLDEN is not set";
  const char* version = std::getenv("TELLTALE_GOLDEN_VERSION");
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  auto disk = io::make_posix_file_system();
  const int written = version != nullptr ? std::atoi(version) : 6;
  EventDbOptions options;
  if (written >= 3) options.block_rows = 1'024;
  if (written >= 4) options.words = golden_words();
  if (written >= 6) options.block_rows = kGoldenBlockRows;
  auto db = open_eventdb(*disk, dir, options, clock, log, metrics);
  ASSERT_TRUE(db);
  for (std::uint64_t b = 1; b <= kBatches; ++b) {
    storage::Batch batch;
    batch.logs = golden_rows(b, written);
    ASSERT_TRUE((*db)->apply(Sequence{b}, batch));
    ASSERT_TRUE((*db)->checkpoint());
  }
}

/// A seed for fuzz/targets/eventdb_files.cpp.
void write_seed(io::FileSystem& disk, const std::string& name, int decoder, std::size_t rows,
                std::string_view bytes) {
  std::string seed{static_cast<char>(decoder), static_cast<char>(rows)};
  seed += bytes;
  ASSERT_TRUE(io::publish_file(disk, name, seed));
}

/// Seeds of words of a part: every page is the one that stands behind the directory.
void write_part_words_seeds(io::FileSystem& disk, const std::string& to, const std::vector<EventRow>& rows) {
  auto memory = std::make_shared<MemoryBytes>();
  std::vector<std::unique_ptr<WordStream>> streams;
  for (std::uint32_t half = 0; half < 2; ++half) {
    WordIndexBuilder block(1);
    for (std::uint32_t i = 0; i < rows.size() / 2; ++i) {
      block.begin_row({1}, "group" + std::to_string(i % 3), i);
      block.add(i % 2, rows[half * rows.size() / 2 + i].message);
    }
    const auto place = block.write(*memory);
    ASSERT_TRUE(place && place->made());
    auto index = WordIndex::open(memory, *place, rows.size());
    ASSERT_TRUE(index);
    auto stream = stream_of_block(*std::move(index), {0, 1, 2});
    ASSERT_TRUE(stream);
    streams.push_back(*std::move(stream));
  }
  auto pages = merge_word_streams(std::move(streams), 1, 3, *memory);
  ASSERT_TRUE(pages && *pages);
  const std::vector<PartGroup> groups{{{1}, "group0"}, {{1}, "group1"}, {{1}, "group2"}};
  const std::vector<std::vector<GroupBlock>> blocks{{{0, false}, {1, true}}, {{1, false}}, {}};
  PartWords::Content content;
  content.pages = **std::move(pages);
  content.groups = 3;
  content.lone = Bitmap(3);
  content.group_pages.push_back(
      {*memory->put(encode_part_groups(groups)), *memory->put(encode_group_blocks(blocks))});
  const std::string directory = PartWords::encode(content);
  ASSERT_LT(directory.size(), 256u);
  const auto write = [&](const std::string& name, io::BlockHandle page) {
    write_seed(disk, to + name, 11, 1,
               std::string(1, static_cast<char>(directory.size())) + directory +
                   std::string(memory->read(page)->view));
  };
  write("part-words-v6-names", content.pages.names.front().handle);
  write("part-words-v6-words", content.pages.words.front().handle);
  write("part-words-v6-sets", content.pages.set_pages.front().handle);
  write("part-words-v6-groups", content.group_pages.front().names);
  write("part-words-v6-blocks", content.group_pages.front().blocks);
}

TEST(GoldenWriter, WritesFuzzSeedsWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_FUZZ_SEEDS");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_FUZZ_SEEDS is not set";
  auto disk = io::make_posix_file_system();
  const std::string to = std::string(dir) + "/";
  std::vector<EventRow> rows = golden_rows(1, 2);
  rows.resize(20);
  for (std::size_t i = 0; i < rows.size(); i += 2)
    rows[i].message = "{\"n\":" + field_text(rows[i], "n").value_or("null") + "}";
  std::vector<HeadRow> ordered;
  for (std::size_t i = 0; i < rows.size(); ++i) ordered.push_back({&rows[i], i});
  std::sort(ordered.begin(), ordered.end(), before);
  MemoryBytes bytes;
  const auto written = build_block(ordered, bytes);
  ASSERT_TRUE(written);
  const auto packed = bytes.read(written->meta.directory);
  ASSERT_TRUE(packed);
  write_seed(*disk, to + "directory-v2", 4, rows.size(), packed->view);
  const auto directory = BlockDirectory::decode(packed->view);
  ASSERT_TRUE(directory);
  for (std::size_t c = 0; c < directory->columns.size(); ++c) {
    const ColumnEntry& entry = directory->columns[c];
    const bool is_ints = entry.id < kColumns && is_int_column(static_cast<Column>(entry.id));
    if (entry.inlined.empty() || (entry.is_attribute() && entry.type != AttrType::text)) continue;
    write_seed(*disk, to + "column-v2-" + std::to_string(c), is_ints ? 0 : 1, rows.size(), entry.inlined);
  }
  PartFooter footer;
  footer.rows = rows.size();
  footer.blocks.push_back(written->meta);
  footer.index.push_back({written->index_keys.front(), {16, 100}});
  write_seed(*disk, to + "footer-v2", 2, 0, footer.encode());
  std::vector<std::uint64_t> entries;
  for (const std::uint64_t key : written->index_keys) entries.push_back(index_entry_of(key));
  write_seed(*disk, to + "index-v2", 7, 0, "someone." + encode_index_page(entries));
  WordIndexBuilder index(1);
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    index.begin_row(rows[i].project, "group" + std::to_string(i % 3), i);
    index.add(i % 2, i < 8 ? rows[i].message : "some 0x7f00ab words");
  }
  const auto place = index.write(bytes);
  ASSERT_TRUE(place && place->made());
  const auto words = bytes.read(place->words);
  const auto sets = bytes.read(place->sets);
  ASSERT_TRUE(words && sets && words->view.size() < 256);
  write_seed(*disk, to + "words-v4", 9, rows.size(),
             std::string(1, static_cast<char>(words->view.size())) + std::string(words->view) +
                 std::string(sets->view));
  const auto ids = bytes.read(place->ids);
  const auto page = bytes.read({place->ids.offset - 1, 0});
  ASSERT_TRUE(ids && page && ids->view.size() < 256);
  write_seed(
      *disk, to + "ids-v5", 10, rows.size(),
      std::string(1, static_cast<char>(ids->view.size())) + std::string(ids->view) + std::string(page->view));
  write_part_words_seeds(*disk, to, rows);
  const std::vector<double> reals{0.5, 12.25, -3, 1e300};
  write_seed(*disk, to + "reals-v2", 5, reals.size(), encode_real_column(reals));
  std::vector<std::int64_t> rising;
  for (std::int64_t i = 0; i < 200; ++i) rising.push_back(1'700'000'000 + i * i);
  write_seed(*disk, to + "differences-v2", 0, rising.size(), encode_int_column(rising));
}

}  // namespace

}  // namespace telltale::eventdb
