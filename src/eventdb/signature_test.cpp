// A signature may say yes to what is not there, never no to what is: against plain searching, for texts as
// they are, as they stand in JSON, and for whole stores.
#include "eventdb/signature.hpp"

#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/block_filter.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/skeleton.hpp"
#include "storage/event_filter.hpp"

namespace telltale::eventdb {

namespace {

bool may_have(const Signature& signature, std::string_view needle) {
  for (const GramPlace& place : grams_of_needle(needle))
    if (!has_gram(signature.rows[place.row & (signature.rows.size() - 1)], place)) return false;
  return true;
}

std::string text_with_escapes(Rng& rng) {
  static constexpr const char* kPieces[] = {"order",
                                            "Quote",
                                            "n",
                                            "u00e9",
                                            "\n",
                                            "\t",
                                            "\"",
                                            "\\",
                                            "7f3a",
                                            "\xC3\xA9",
                                            "\xE4\xB8\xAD",
                                            "user_",
                                            "42",
                                            " ",
                                            ".",
                                            "\xF0\x9F\x98\x80",
                                            "fatal",
                                            "\x01"};
  std::string text;
  for (auto n = 1 + rng.below(12); n > 0; --n) text += kPieces[rng.below(std::size(kPieces))];
  return text;
}

}  // namespace

TEST(Signature, NeverDeniesWhatIsThere) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 200; ++round) {
    GramCollector collector;
    std::vector<std::string> shown;
    for (auto n = rng.below(6); n > 0; --n) {
      const std::string text = text_with_escapes(rng);
      shown.push_back(text);
      if (rng.chance(0.5)) {
        collector.add(text);
        continue;
      }
      collector.add_value(text);
      for (const bool ascii : {false, true}) {
        std::string escaped;
        append_escaped(text, ascii, escaped);
        shown.push_back(escaped);
      }
    }
    const Signature signature = collector.take();
    for (const std::string& text : shown)
      for (std::size_t begin = 0; begin < text.size(); ++begin)
        for (std::size_t size = 1; begin + size <= text.size(); ++size)
          ASSERT_TRUE(may_have(signature, text.substr(begin, size))) << text << " / " << begin << " " << size;
  }
}

TEST(Signature, DeniesWhatIsNot) {
  GramCollector collector;
  collector.add("GET /quotes/AAPL took 12 ms, user_7 waited");
  const Signature signature = collector.take();
  EXPECT_TRUE(may_have(signature, "quotes"));
  EXPECT_TRUE(may_have(signature, "QUOTES/aapl")) << "case is folded";
  EXPECT_FALSE(may_have(signature, "invoices"));
  EXPECT_FALSE(may_have(signature, "quotesx"));
  EXPECT_TRUE(grams_of_needle("deadbeef 12345 2026-01-08T10:00:00Z").empty()) << "ids and times tell nothing";
  EXPECT_TRUE(grams_of_needle("ms").empty());
  EXPECT_EQ(grams_of_needle("quotes").size(), 3u);
}

TEST(Signature, FewAnswerYesByChance) {
  Rng rng(1);
  GramCollector collector;
  const auto word = [&] {
    std::string out;
    for (int i = 0; i < 4; ++i) out += static_cast<char>('a' + rng.below(26));
    return out;
  };
  for (int i = 0; i < 20'000; ++i) collector.add(word());
  const Signature signature = collector.take();
  GramCollector again;
  EXPECT_EQ(again.take().rows.size(), 1u) << "nothing is left of the collector before";
  std::size_t yes = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string other = word();
    other[rng.below(4)] = '_';
    yes += !grams_of_needle(other).empty() && may_have(signature, other) ? 1U : 0U;
  }
  EXPECT_LT(yes, 20'000u / 100);
}

/// A word in one of many blocks is found, and the other blocks are not read for it.
TEST(Signature, SparesBlocks) {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  auto fs = io::make_memory_file_system();
  EventDbOptions options;
  options.block_rows = 64;
  auto opened = open_eventdb(*fs, "events", options, clock, log, metrics);
  ASSERT_TRUE(opened) << opened.error().message();
  auto& db = **opened;
  constexpr int kBlocks = 100;  // more than a group
  storage::Batch batch;
  for (int i = 0; i < kBlocks * 64; ++i) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(1'767'830'400 + i);
    row.message = "order " + std::to_string(i) + " filled";
    if (i == 1000) row.message = "a quokka went by";
    if (i == 5000) row.set("animal", std::string("wombats"));
    // A second attribute of one name stands outside of columns.
    if (i == 3000) row.attributes = {{"done", std::string("no")}, {"done", true}};
    if (i == 3000) row.attributes.push_back({"done", false});
    batch.logs.push_back(std::move(row));
  }
  ASSERT_TRUE(db.apply(Sequence{1}, batch));
  ASSERT_TRUE(db.checkpoint());
  ASSERT_TRUE(db.maintenance());
  std::vector<std::shared_ptr<const Part>> parts;
  const auto files = fs->list("events");
  ASSERT_TRUE(files);
  for (const io::FileInfo& file : *files)
    if (file.name.ends_with(".part")) parts.push_back(*Part::open(*fs, "events", file.name, log));
  /// Rows that match, and blocks that were looked at for them.
  const auto asked = [&](const storage::EventFilter& filter) {
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    q.filter = filter;
    q.limit = kBlocks * 64;
    WorkContext context(clock, WorkLimits{});
    const auto rows = storage::collect(db, q, context);
    EXPECT_TRUE(rows) << rows.error().message();
    const auto compiled = BlockFilter::compile(filter, q.projects, q.range);
    std::vector<BlockRef> blocks;
    for (const auto& part : parts) EXPECT_TRUE(compiled->candidates(part, blocks));
    return std::make_pair(rows ? rows->size() : 0, blocks.size());
  };
  using storage::EventFilter;
  using storage::FilterOp;
  using Pair = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::contains, "message", "filled")),
            Pair(kBlocks * 64 - 1, kBlocks));
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::icontains, "message", "QUOKK")), Pair(1, 1));
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::contains, "*", "ombat")), Pair(1, 1));
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::eq, "animal", "wombats")), Pair(1, 1));
  EXPECT_EQ(asked(EventFilter::one_of("animal", {"wombats", "quokkas"})), Pair(1, 1));
  EXPECT_EQ(asked(EventFilter::one_of("animal", {"wombats", ""})).first, std::size_t{kBlocks * 64});
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::regex, "message", "quokka.? w")), Pair(1, 1));
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::contains, "message", "kangaroo")), Pair(0, 0));
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::contains, "message", "er 1000")).second, std::size_t{kBlocks});
  EXPECT_EQ(asked(EventFilter::leaf(FilterOp::contains, "*", "fals")).first, 1u) << "outside of columns";
  const EventFilter quokka = EventFilter::leaf(FilterOp::contains, "message", "quokka");
  const EventFilter wombat = EventFilter::leaf(FilterOp::contains, "animal", "wombat");
  EXPECT_EQ(asked(EventFilter::all_of({quokka, wombat})), Pair(0, 1)) << "one block is sooner read";
  EXPECT_EQ(asked({FilterOp::any, {}, {}, {quokka, wombat}, {}, false}), Pair(2, 2));
  EXPECT_EQ(asked({FilterOp::none, {}, {}, {quokka}, {}, false}), Pair(kBlocks * 64 - 1, kBlocks));
}

}  // namespace telltale::eventdb
