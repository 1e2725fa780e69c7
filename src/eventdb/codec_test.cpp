// Columns of random values survive the round trip whatever codec they get; damaged bytes are refused or read
// as something, but never crash.
#include <bit>
#include <random>

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "base/rng.hpp"
#include "eventdb/column_scan.hpp"
#include "eventdb/int_codec.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/text_gatherer.hpp"

namespace telltale::eventdb {

namespace {

std::vector<std::int64_t> random_ints(Rng& rng, std::size_t n) {
  std::vector<std::int64_t> out;
  const auto shape = rng.below(6);
  const auto bits = 1 + rng.below(64);
  auto at = static_cast<std::int64_t>(rng.next());
  for (std::size_t i = 0; i < n; ++i) {
    switch (shape) {
      case 0:
        out.push_back(7);
        break;
      case 1:
        out.push_back(static_cast<std::int64_t>(rng.next() >> (64 - bits)));
        break;
      case 2:
        out.push_back(static_cast<std::int64_t>(rng.next()));
        break;
      case 3:
        at = static_cast<std::int64_t>(static_cast<std::uint64_t>(at) + rng.below(1000) * 1'000'000);
        out.push_back(at);
        break;
      case 4:
        out.push_back(rng.chance(0.5) ? INT64_MIN : INT64_MAX);
        break;
      default:
        out.push_back(static_cast<std::int64_t>(i * 3));
    }
  }
  return out;
}

TEST(IntCodec, RoundTrip) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 150; ++run) {
    const auto values = random_ints(rng, rng.below(3000));
    const std::string bytes = encode_int_column(values);
    const auto back = decode_int_column(bytes, values.size());
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(*back, values);
    const auto points = PackedInts::open(bytes, values.size());
    ASSERT_TRUE(points);
    for (int i = 0; i < 50 && !values.empty(); ++i) {
      const auto row = rng.below(values.size());
      ASSERT_EQ(points->at(row), values[row]) << row;
    }
  }
}

TEST(IntCodec, ValuesFurtherApartThanASignedNumberHolds) {
  for (const std::vector<std::int64_t>& values : {std::vector<std::int64_t>{5, INT64_MIN + 4},
                                                  {INT64_MIN + 4, 5, INT64_MAX},
                                                  {-3, INT64_MAX - 1, INT64_MIN}}) {
    const auto back = decode_int_column(encode_int_column(values), values.size());
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, values);
  }
}

TEST(IntCodec, DifferencesThroughAllRunsAreStillRead) {
  // 2,050 values 7, 9, 12, 14, 17, …: differences 2 and 3, the first one ignored.
  std::vector<std::uint64_t> packed;
  std::vector<std::int64_t> values{7};
  for (std::size_t i = 0; i < 2050; ++i) packed.push_back(i % 2 == 0 ? 1 : 0);
  for (std::size_t i = 1; i < packed.size(); ++i)
    values.push_back(values.back() + 2 + static_cast<std::int64_t>(packed[i]));
  std::string bytes("\x02\x0e\x01", 3);  // codec, zigzag 7, divisor
  for (std::size_t i = 0; i < packed.size(); i += 1024) {
    bytes += std::string("\x04\x01", 2);  // zigzag 2, bits
    pack_bits(
        std::span<const std::uint64_t>(packed).subspan(i, std::min<std::size_t>(1024, packed.size() - i)), 1,
        bytes);
  }
  const auto back = decode_int_column(bytes, values.size());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, values);
  const auto points = PackedInts::open(bytes, values.size());
  ASSERT_TRUE(points);
  for (const std::size_t row : {0, 1, 1023, 1024, 1025, 2049}) EXPECT_EQ(points->at(row), values[row]);
}

TEST(IntCodec, RisingTimesOfOneUnitTakeFewBits) {
  std::vector<std::int64_t> times;
  for (std::int64_t i = 0; i < 10'000; ++i) times.push_back(1'700'000'000'000'000'000 + i * 5'000'000);
  EXPECT_LT(encode_int_column(times).size(), 200u);
}

TEST(RealCodec, RoundTripBitForBit) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 200; ++run) {
    std::vector<double> values;
    const auto shape = rng.below(4);
    for (auto n = rng.below(2000); n > 0; --n) {
      if (shape == 0) values.push_back(static_cast<double>(rng.below(100'000)) / 100);
      if (shape == 1) values.push_back(std::bit_cast<double>(rng.next()));
      if (shape == 2) values.push_back(static_cast<double>(rng.below(1000)) - 500);
      if (shape == 3) values.push_back(rng.chance(0.5) ? -0.0 : rng.unit());
    }
    const auto back = decode_real_column(encode_real_column(values), values.size());
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(back->size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint64_t>((*back)[i]), std::bit_cast<std::uint64_t>(values[i]));
    const std::string bytes = encode_real_column(values);
    const auto points = PackedReals::open(bytes, values.size());
    ASSERT_TRUE(points);
    for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 40)
      ASSERT_EQ(std::bit_cast<std::uint64_t>(points->at(i)), std::bit_cast<std::uint64_t>(values[i]));
  }
}

std::string random_value(Rng& rng, std::uint64_t shape) {
  switch (shape) {
    case 0:
      return Id128{rng.next(), rng.next()}.hex();
    case 1: {
      std::string uuid = Id128{rng.below(50), rng.next()}.hex();
      for (const std::size_t at : {8, 13, 18, 23}) uuid.insert(at, 1, '-');
      return uuid;
    }
    case 2:
      return "10." + std::to_string(rng.below(256)) + ".0." + std::to_string(rng.below(256));
    case 3:
      return "word" + std::to_string(rng.below(5));
    case 4:
      return std::string(rng.below(300), static_cast<char>('a' + rng.below(3)));
    case 5:
      return rng.chance(0.1) ? "" : Id64{rng.below(20)}.hex();
    default:
      return rng.chance(0.5) ? "0A0B0C0D" : "255.255.255.0" + std::string(rng.below(2), '1');
  }
}

std::optional<std::string> value_at(TextColumn& column, std::size_t row, const BlockSource& source) {
  if (column.presence() != nullptr && !column.presence()->test(row)) return std::nullopt;
  std::string scratch;
  switch (column.codec()) {
    case TextCodec::dictionary:
      if (column.code(row) == 0 && column.first_is_absent()) return std::nullopt;
      EXPECT_EQ(column.code(row), column.codes()[row]);
      return std::string(column.entry(column.code(row), scratch));
    case TextCodec::pages: {
      const auto page = column.page(column.page_of(row), source);
      EXPECT_TRUE(page);
      return std::string((*page)->at(row - (*page)->first_row));
    }
    case TextCodec::templates:
      EXPECT_TRUE(column.templates().text(row, scratch));
      return scratch;
    default:
      to_text(column.form(), column.raw_value(row).data(), scratch);
      return scratch;
  }
}

TEST(TextCodec, RoundTrip) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 100; ++run) {
    const std::size_t rows = 1 + rng.below(rng.chance(0.05) ? 9'000 : 400);
    const auto shape = rng.below(8);
    const double share = rng.chance(0.5) ? 1 : rng.unit();
    std::vector<std::optional<std::string>> values;
    for (std::size_t i = 0; i < rows; ++i)
      values.push_back(rng.chance(share) ? std::optional(random_value(rng, shape)) : std::nullopt);
    TextValues column;
    column.rows = rows;
    column.presence.emplace(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      column.values.push_back(values[i] ? std::string_view(*values[i]) : std::string_view());
      if (values[i]) column.presence->set(i);
    }
    if (rng.chance(0.7)) find_dictionary(column);
    MemoryBytes bytes;
    SharedCodes shared;
    const auto encoded = encode_text_column(column, 0, shared, Effort::thorough, bytes);
    ASSERT_TRUE(encoded);
    const auto owner = std::make_shared<const std::string>(*encoded);
    auto back = TextColumn::decode({owner, *owner}, rows);
    ASSERT_TRUE(back) << back.error().message();
    for (std::size_t i = 0; i < rows; ++i) ASSERT_EQ(value_at(*back, i, bytes), values[i]) << "row " << i;
    for (int flips = 0; flips < 40; ++flips) {
      std::string damaged = *encoded;
      damaged[rng.below(damaged.size())] ^= static_cast<char>(1 << rng.below(8));
      const auto holder = std::make_shared<const std::string>(damaged);
      auto read = TextColumn::decode({holder, *holder}, rows);
      if (!read || read->codec() != TextCodec::dictionary || read->shares_codes_of()) continue;
      std::string scratch;
      for (std::size_t i = 0; i < rows; ++i) (void)read->entry(read->code(i), scratch);
    }
  }
}

std::optional<std::string> unencoded(const TextValues& column, std::size_t row) {
  if (!column.entries.empty()) {
    if (column.first_is_absent && column.codes[row] == 0) return std::nullopt;
    return std::string(column.entries[column.codes[row]]);
  }
  if (column.presence && !column.presence->test(row)) return std::nullopt;
  return std::string(column.values[row]);
}

TEST(TextGatherer, KeepsWhatComesBy) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  int dictionaries = 0;
  for (int run = 0; run < 150; ++run) {
    const std::size_t rows = 1 + rng.below(rng.chance(0.1) ? 9'000 : 400);
    const auto shape = rng.below(8);
    const double share = rng.chance(0.5) ? 1 : rng.unit();
    const std::size_t changes_at = rng.chance(0.3) ? rng.below(rows) : rows;  // from few values to many
    std::vector<std::optional<std::string>> values;
    for (std::size_t i = 0; i < rows; ++i)
      values.push_back(rng.chance(share) ? std::optional(random_value(rng, i < changes_at ? shape : 0))
                                         : std::nullopt);
    TextGatherer gatherer(rows);
    for (std::size_t i = 0; i < rows; ++i)
      if (values[i]) gatherer.add(i, *values[i]);
    EXPECT_EQ(gatherer.present(), static_cast<std::size_t>(std::count_if(values.begin(), values.end(),
                                                                         [](const auto& v) { return !!v; })));
    TextValues column = gatherer.take();
    ASSERT_EQ(column.rows, rows);
    dictionaries += column.entries.empty() ? 0 : 1;
    for (std::size_t i = 0; i < rows; ++i) ASSERT_EQ(unencoded(column, i), values[i]) << "row " << i;
    MemoryBytes bytes;
    SharedCodes shared;
    const auto owner =
        std::make_shared<const std::string>(*encode_text_column(column, 0, shared, Effort::thorough, bytes));
    auto back = TextColumn::decode({owner, *owner}, rows);
    ASSERT_TRUE(back) << back.error().message();
    for (std::size_t i = 0; i < rows; ++i) ASSERT_EQ(value_at(*back, i, bytes), values[i]) << "row " << i;
  }
  EXPECT_GT(dictionaries, 20);
}

TEST(TextCodec, ColumnsWithTheSameCodesStoreThemOnce) {
  TextValues first;
  TextValues second;
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back("id" + std::to_string(i / 3) + "-");
  std::vector<std::string> others;
  for (const std::string& id : ids) others.push_back("other" + id);
  first.rows = second.rows = ids.size();
  first.values.assign(ids.begin(), ids.end());
  second.values.assign(others.begin(), others.end());
  find_dictionary(first);
  find_dictionary(second);
  MemoryBytes bytes;
  SharedCodes shared;
  const auto a =
      std::make_shared<const std::string>(*encode_text_column(first, 0, shared, Effort::thorough, bytes));
  const auto b =
      std::make_shared<const std::string>(*encode_text_column(second, 1, shared, Effort::thorough, bytes));
  auto owner = TextColumn::decode({a, *a}, ids.size());
  auto borrower = TextColumn::decode({b, *b}, ids.size());
  ASSERT_TRUE(owner && borrower);
  ASSERT_EQ(borrower->shares_codes_of(), 0u);
  ASSERT_TRUE(borrower->borrow_codes(*owner));
  EXPECT_EQ(value_at(*borrower, 1234, bytes), others[1234]);
}

TEST(TextForm, OnlyWhatComesBackByteForByte) {
  EXPECT_EQ(form_of("0123456789abcdef").form, TextForm::hex);
  EXPECT_EQ(form_of("0123456789ABCDEF").form, TextForm::text);
  EXPECT_EQ(form_of("1.2.3.4").form, TextForm::ipv4);
  EXPECT_EQ(form_of("1.2.3.04").form, TextForm::text);
  EXPECT_EQ(form_of("1.2.3.256").form, TextForm::text);
  EXPECT_EQ(form_of("1.2.3.4.").form, TextForm::text);
  EXPECT_EQ(form_of("01234567-89ab-cdef-0123-456789abcdef").form, TextForm::uuid);
  EXPECT_EQ(form_of("01234567-89ab-cdef-0123-456789abcdeF").form, TextForm::text);
  EXPECT_EQ(form_of("").form, TextForm::text);
  std::string out;
  for (std::uint8_t style = 0; style < kTimeStyles; ++style) {
    const std::int64_t time = 1'700'000'000'123'456'789;
    render_time(style, time, out);
    const auto found = time_style_of(time, out);
    ASSERT_TRUE(found);
    std::string again;
    render_time(*found, time, again);
    EXPECT_EQ(again, out);
  }
  render_time(2, 1'767'864'600'123'456'000, out);
  EXPECT_EQ(out, "2026-01-08T09:30:00.123456Z");
  render_time(1, -1, out);
  EXPECT_EQ(out, "1969-12-31T23:59:59.999Z");
}

TEST(RequiredLiteral, IsInEveryMatch) {
  EXPECT_EQ(required_literal("took \\d+ms"), "took ");
  EXPECT_EQ(required_literal("a|b"), "");
  EXPECT_EQ(required_literal("(?i)timeout"), "");
  EXPECT_EQ(required_literal("conn(ection)? refused"), " refused");
  EXPECT_EQ(required_literal("^GET /api/v1"), "GET /api/v1");
  EXPECT_EQ(required_literal("a\\.b\\*c"), "a.b*c");
  EXPECT_EQ(required_literal("[abc]def"), "def");
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  static constexpr std::string_view kPieces[] = {
      "a", "b",   "ab",  "(ab)", "[ab]", ".",        "a*",        "b+",       "(a|b)", "a?",    "^",
      "$", "\\d", "\\.", "a{2}", "b{0}", "\xC3\xA9", "\xC3\xA9?", "(b[a]c)*", "[^b]",  "\\x61", "\\Qa*\\E"};
  for (int run = 0; run < 3000; ++run) {
    std::string regex;
    for (auto n = 1 + rng.below(6); n > 0; --n) regex += kPieces[rng.below(std::size(kPieces))];
    re2::RE2::Options options;
    options.set_log_errors(false);
    const re2::RE2 compiled(regex, options);
    if (!compiled.ok()) continue;
    const std::string literal = required_literal(regex);
    for (int t = 0; t < 20; ++t) {
      std::string text;
      static constexpr std::string_view kText[] = {"a", "b", "ab", ".", "1", "\xC3\xA9", "c", "*"};
      for (auto n = rng.below(8); n > 0; --n) text += kText[rng.below(std::size(kText))];
      if (re2::RE2::PartialMatch(text, compiled)) {
        ASSERT_NE(text.find(literal), std::string::npos) << regex << " / " << text << " / " << literal;
      }
    }
  }
}

}  // namespace

}  // namespace telltale::eventdb
