// Columns and chunks against what went in: every form, every width, and bytes that are no column.
#include <bit>
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "model/histogram.hpp"
#include "tsdb/chunk.hpp"

namespace telltale::tsdb {
namespace {

std::int64_t wrapping(std::uint64_t v) { return static_cast<std::int64_t>(v); }

std::vector<std::int64_t> random_ints(Rng& rng) {
  const std::size_t n = 1 + rng.below(rng.chance(0.2) ? kMaxColumnValues : 70);
  const std::uint64_t kind = rng.below(6);
  const unsigned width = static_cast<unsigned>(rng.below(65));
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  std::vector<std::int64_t> out;
  std::uint64_t last = rng.next() >> rng.below(64);
  std::uint64_t step = rng.next() >> rng.below(64);
  for (std::size_t i = 0; i < n; ++i) {
    if (kind == 0) last = rng.next() & mask;                             // plain
    if (kind == 1) last += step;                                         // even
    if (kind == 2) last += rng.next() & mask;                            // deltas
    if (kind == 3) last += step += rng.next() & mask;                    // of deltas
    if (kind == 4) last = rng.chance(0.02) ? 0 : last + rng.below(300);  // a counter that begins anew
    if (rng.chance(0.01)) last = rng.next();                             // exceptions
    out.push_back(wrapping(last));
  }
  return out;
}

TEST(Column, IntegersComeBack) {
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto in = random_ints(rng);
    ByteWriter bytes;
    encode_ints(in, bytes);
    ByteReader reader(bytes.view());
    std::vector<std::int64_t> out(in.size());
    ASSERT_TRUE(decode_ints(reader, out));
    EXPECT_TRUE(reader.empty());
    ASSERT_EQ(out, in);
  }
}

TEST(Column, ACounterThatBeginsAnewCostsNoMoreThanItsSteps) {
  std::vector<std::int64_t> in;
  std::int64_t v = 1'000'000'000;
  for (int i = 0; i < 1'000; ++i) in.push_back(v = i == 500 ? 0 : v + i * 7 % 256);
  ByteWriter bytes;
  encode_ints(in, bytes);
  EXPECT_LT(bytes.size(), 1'000 + 64U);
}

/// What a client that adds up durations says from scrape to scrape.
double later_sum(Rng& rng, double sum, double unit) {
  for (std::uint64_t i = rng.below(40); i > 0; --i) sum += static_cast<double>(rng.below(5'000'000)) / unit;
  return sum;
}

std::vector<double> random_doubles(Rng& rng) {
  const std::size_t n = 1 + rng.below(rng.chance(0.2) ? kMaxColumnValues : 70);
  const std::uint64_t kind = rng.below(14);
  const double scale = std::pow(10, static_cast<double>(rng.below(18)));
  const double odd = rng.chance(0.5) ? 0 : 0.01;
  std::vector<double> out;
  double last = rng.chance(0.5) ? 0 : rng.unit() * scale;
  if (kind < 6) last = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (kind == 0) last = static_cast<double>(rng.below(1'000'000)) / scale;
    if (kind == 1) last += static_cast<double>(rng.below(300));
    if (kind == 2) last = rng.unit();
    if (kind == 3) last += rng.unit();
    if (kind == 4) last = std::bit_cast<double>(rng.next());
    if (kind == 5) last = 7;
    if (kind == 6) last = later_sum(rng, last, scale);
    if (kind == 7) last = -later_sum(rng, -last, scale);
    if (kind == 8) last = rng.chance(0.03) ? 0 : later_sum(rng, last, 1e9);
    if (kind == 9) last += 0.1 * static_cast<double>(rng.below(20)) - 1;
    if (kind == 10) last = static_cast<float>(rng.unit() * 100);
    if (kind == 11) last = static_cast<double>(rng.below(2'000)) * 4'096 - 1e6;
    if (kind == 12) last += static_cast<double>(rng.below(50)) * 0x1p-1074;
    if (kind == 13) last = static_cast<double>(rng.below(100'000)) * 1.1;
    double value = last;
    if (rng.chance(odd)) value = -0.0;
    if (rng.chance(odd)) value = std::bit_cast<double>(kStaleNanBits);
    if (rng.chance(odd)) value = HUGE_VAL;
    out.push_back(value);
  }
  return out;
}

bool equal_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

TEST(Column, DoublesComeBackBitForBit) {
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto in = random_doubles(rng);
    ByteWriter bytes;
    encode_doubles(in, bytes);
    ByteReader reader(bytes.view());
    std::vector<double> out(in.size());
    ASSERT_TRUE(decode_doubles(reader, out));
    EXPECT_TRUE(reader.empty());
    ASSERT_TRUE(equal_bits(out, in));
  }
}

std::size_t encoded_bytes(std::span<const double> values) {
  ByteWriter bytes;
  encode_doubles(values, bytes);
  return bytes.size();
}

TEST(Column, StepsAreChosenOnlyWhereTheyTakeLess) {
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto in = random_doubles(rng);
    ByteWriter bytes;
    encode_doubles(in, bytes);
    if (bytes.view()[0] < 2) continue;  // one value, or decimals: taken unasked
    std::vector<std::int64_t> patterns;
    std::size_t by_xor = 1;
    for (const double v : in) {
      const auto last = patterns.empty() ? 0 : static_cast<std::uint64_t>(patterns.back());
      ByteWriter one;
      one.varint(__builtin_bswap64(std::bit_cast<std::uint64_t>(v) ^ last));
      by_xor += one.size();
      patterns.push_back(std::bit_cast<std::int64_t>(v));
    }
    ByteWriter by_bits;
    encode_ints(patterns, by_bits);
    EXPECT_LE(bytes.size(), by_xor);
    EXPECT_LE(bytes.size(), by_bits.size() + 1);
  }
}

TEST(Column, SumsOfDecimalsTakeTheDigitsOfTheirSteps) {
  Rng rng(7);
  std::vector<double> in{0};
  while (in.size() < 1'000) in.push_back(in.back() + static_cast<double>(rng.below(1'000'000'000)) / 1e9);
  EXPECT_LT(encoded_bytes(in), 30U * 1'000 / 8 + 64) << "thirty bits hold a billion";
  // Added up in between, the last bits are not those of one addition.
  for (std::size_t i = 1; i < in.size(); ++i) in[i] = later_sum(rng, in[i - 1], 1e9);
  EXPECT_LT(encoded_bytes(in), (28U + 4) * 1'000 / 8 + 64);
}

TEST(Column, MultiplesTakeTheirQuotients) {
  Rng rng(7);
  for (const double unit : {4'096.0, 1'000.0, 86'400.0}) {
    std::vector<double> in;
    while (in.size() < 1'000) in.push_back(static_cast<double>(rng.below(256)) * unit);
    EXPECT_LT(encoded_bytes(in), 1'000 + 64U) << unit;
  }
}

TEST(Column, SinglePrecisionTakesNoMoreThanItsBits) {
  Rng rng(7);
  std::vector<double> in;
  while (in.size() < 1'000) in.push_back(static_cast<float>(1 + rng.unit()));
  EXPECT_LT(encoded_bytes(in), 23U * 1'000 / 8 + 64);
}

TEST(Column, FormsThatCannotBeAreRefused) {
  const auto decodes = [](std::string_view bytes, std::size_t n) {
    ByteReader in(bytes);
    std::vector<double> out(n);
    return decode_doubles(in, out);
  };
  using std::string_view_literals::operator""sv;
  const std::string steps = std::string("\4\3"sv) + std::string(8, '\0') + std::string("\0\2\0\0"sv);
  EXPECT_TRUE(decodes(steps, 3));
  EXPECT_FALSE(decodes(steps, 1)) << "no steps";
  EXPECT_FALSE(decodes(std::string(steps).replace(1, 1, 1, '\20'), 3)) << "no such exponent";
  EXPECT_FALSE(decodes(std::string_view(steps).substr(0, steps.size() - 1), 3)) << "cut";
  EXPECT_TRUE(decodes("\1\0\0\5\2\x80\x20\1\0\2"sv, 3)) << "multiples of 4,096 in even steps";
  EXPECT_FALSE(decodes("\1\0\0\5\2\x80\x20\5\2\2\1\0\2"sv, 3)) << "multiples of multiples";
  EXPECT_FALSE(decodes("\1\0\0\5\2\1\1\0\2"sv, 3)) << "multiples of one";
  EXPECT_FALSE(decodes("\1\0\0\6\2"sv, 3)) << "no such form";
  EXPECT_FALSE(decodes("\5\0\0"sv, 3)) << "no such form";
}

TEST(Column, DecimalsTakeTheirDigits) {
  std::vector<double> in;
  for (int i = 0; i < 1'000; ++i) in.push_back(static_cast<double>(i * 37 % 10'000) / 100);
  ByteWriter bytes;
  encode_doubles(in, bytes);
  EXPECT_LT(bytes.size(), 14U * 1'000 / 8 + 64) << "fourteen bits hold 0 to 9,999";
}

TEST(Column, CutAndFlippedBytesAreNoColumnOrAnother) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto in = random_doubles(rng);
    ByteWriter writer;
    encode_doubles(in, writer);
    std::string bytes(writer.view());
    for (int i = 0; i < 40; ++i) {
      std::string bad = bytes.substr(0, rng.chance(0.5) ? bytes.size() : rng.below(bytes.size()));
      if (!bad.empty() && rng.chance(0.8)) bad[rng.below(bad.size())] = static_cast<char>(rng.next());
      ByteReader reader(bad);
      std::vector<double> out(in.size());
      (void)decode_doubles(reader, out);
    }
  }
}

std::shared_ptr<const Histogram> random_histogram(Rng& rng, std::uint64_t layout) {
  Histogram h;
  h.schema = layout == 3 ? kCustomSchema : static_cast<std::int32_t>(layout);
  h.integer = layout == 1;
  h.reset_hint = static_cast<ResetHint>(rng.below(4));
  h.sum = rng.unit();
  if (layout == 3) {
    h.custom_values = {1, 2.5, 10};
  } else {
    h.zero_threshold = 0.001;
    h.zero_count = static_cast<double>(rng.below(10));
  }
  h.positive_spans = {{0, 2}, {static_cast<std::int32_t>(layout == 3 ? 0 : 5), 1}};
  for (int i = 0; i < 3; ++i) h.positive.push_back(static_cast<double>(rng.below(1'000)));
  if (layout == 2) {
    h.negative_spans = {{-3, 1}};
    h.negative = {static_cast<double>(rng.below(5))};
  }
  h.count = h.zero_count;
  for (const double c : h.positive) h.count += c;
  for (const double c : h.negative) h.count += c;
  return std::make_shared<const Histogram>(std::move(h));
}

SampleRun random_run(Rng& rng) {
  SampleRun run;
  std::int64_t ms = 1'700'000'000'000;
  const bool with_starts = rng.chance(0.4);
  const double histograms = rng.chance(0.5) ? 0 : rng.unit();
  std::uint64_t layout = rng.below(4);
  for (std::size_t i = 0, n = 1 + rng.below(200); i < n; ++i) {
    ms += 1 + static_cast<std::int64_t>(rng.below(20'000));
    if (rng.chance(0.05)) layout = rng.below(4);
    Sample s{{ms}, rng.unit(), {with_starts ? ms - 5'000 : 0}, nullptr};
    if (rng.chance(histograms)) {
      s.histogram = random_histogram(rng, layout);
      s.value = s.histogram->sum;
    }
    run.push(s);
  }
  return run;
}

TEST(Chunk, RunsOfFloatsAndHistogramsComeBack) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const SampleRun in = random_run(rng);
    SampleRun out;
    for (std::size_t at = 0; at < in.size();) {
      const std::size_t n = chunk_length(in.slice().part(at, in.size() - at));
      std::string bytes;
      encode_chunk(in.slice().part(at, n), bytes);
      ASSERT_TRUE(decode_chunk(bytes, std::span(in.times).subspan(at, n), out));
      at += n;
    }
    ASSERT_EQ(out.times, in.times);
    ASSERT_TRUE(equal_bits(out.values, in.values));
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto start = [i](const SampleRun& r) { return r.starts.empty() ? 0 : r.starts[i]; };
      ASSERT_EQ(start(out), start(in));
      const auto histogram = [i](const SampleRun& r) {
        return r.histograms.empty() ? nullptr : r.histograms[i];
      };
      ASSERT_EQ(histogram(out) == nullptr, histogram(in) == nullptr);
      if (histogram(in) != nullptr) {
        ASSERT_TRUE(histogram(out)->same_bits(*histogram(in)));
      }
    }
  }
}

}  // namespace
}  // namespace telltale::tsdb
