#include "wire/prometheus/remote_read.hpp"

#include <bit>

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/hash.hpp"
#include "base/rng.hpp"
#include "wire/prometheus/remote_write.hpp"

namespace telltale::wire::prometheus {
namespace {

/// Reads an XOR chunk bit by bit, as its description says and no faster.
class NaiveChunk {
 public:
  explicit NaiveChunk(std::string_view bytes) : bytes_(bytes) {}
  std::vector<std::pair<std::int64_t, std::uint64_t>> read() {
    const std::uint64_t count = take(16);
    std::vector<std::pair<std::int64_t, std::uint64_t>> out;
    std::int64_t time = 0, step = 0;
    std::uint64_t value = 0;
    int leading = 0, trailing = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i == 0) {
        const std::uint64_t z = varint();
        time = static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1);
        value = take(64);
      } else {
        step = i == 1 ? static_cast<std::int64_t>(varint()) : step + change();
        time += step;
        if (take(1) == 1) {
          if (take(1) == 1) {
            leading = static_cast<int>(take(5));
            int significant = static_cast<int>(take(6));
            if (significant == 0) significant = 64;
            trailing = 64 - leading - significant;
          }
          value ^= take(64 - leading - trailing) << trailing;
        }
      }
      out.emplace_back(time, value);
    }
    return out;
  }

 private:
  std::uint64_t take(int bits) {
    std::uint64_t out = 0;
    for (; bits > 0; --bits, ++at_) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_ / 8));
      out = out << 1 | ((byte >> (7 - at_ % 8)) & 1);
    }
    return out;
  }
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (int shift = 0;; shift += 7) {
      const std::uint64_t b = take(8);
      out |= (b & 0x7F) << shift;
      if (b < 0x80) return out;
    }
  }
  std::int64_t change() {
    int ones = 0;
    while (ones < 4 && take(1) == 1) ++ones;
    if (ones == 0) return 0;
    const int bits = ones == 1 ? 14 : ones == 2 ? 17 : ones == 3 ? 20 : 64;
    std::uint64_t v = take(bits);
    if (bits < 64 && v > (1ULL << (bits - 1))) v -= 1ULL << bits;
    return static_cast<std::int64_t>(v);
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

TEST(RemoteRead, AnXorChunkReadsBackBitForBit) {
  const std::uint64_t seed = 20260108;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<Sample> samples(1 + rng.below(130));
    std::int64_t time = static_cast<std::int64_t>(rng.below(2'000'000'000'000)) - 100;
    double value = 0;
    for (Sample& s : samples) {
      const std::uint64_t kind = rng.below(8);
      time += kind < 5 ? 15'000 + static_cast<std::int64_t>(rng.below(3))
                       : static_cast<std::int64_t>(1 + rng.below(1u << (4 * kind)));
      if (kind == 7) time += static_cast<std::int64_t>(rng.below(1ULL << 40));
      if (rng.chance(0.6)) value += static_cast<double>(rng.below(100));
      if (rng.chance(0.1)) value = std::bit_cast<double>(rng.next());
      s.time.ms = time;
      s.value = rng.chance(0.02) ? stale_nan() : value;
    }
    const auto read = NaiveChunk(xor_chunk(samples)).read();
    ASSERT_EQ(read.size(), samples.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(read[i].first, samples[i].time.ms) << round << " " << i;
      ASSERT_EQ(read[i].second, std::bit_cast<std::uint64_t>(samples[i].value)) << round << " " << i;
    }
  }
}

TEST(RemoteRead, ARequestIsQueriesAndWhatIsAccepted) {
  std::string body;
  protozero::pbf_writer request(body);
  {
    protozero::pbf_writer query(request, 1);
    query.add_int64(1, 100);
    query.add_int64(2, 200);
    protozero::pbf_writer matcher(query, 3);
    matcher.add_enum(1, 2);
    matcher.add_string(2, "job");
    matcher.add_string(3, "a.*");
  }
  EXPECT_FALSE(parse_read_request(body)->chunks);
  const std::vector<std::int32_t> types = {1, 0};
  request.add_packed_enum(2, types.begin(), types.end());
  const auto read = parse_read_request(body);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->chunks);
  EXPECT_TRUE(read->samples);
  ASSERT_EQ(read->queries.size(), 1u);
  EXPECT_EQ(read->queries[0].end.ms, 200);
  EXPECT_EQ(read->queries[0].matchers.at(0).type, ReadMatcherType::re);
  for (std::size_t n = 0; n < body.size(); ++n) (void)parse_read_request(std::string_view(body).substr(0, n));
}

TEST(RemoteRead, AHistogramIsWrittenAsItIsRead) {
  auto h = std::make_shared<Histogram>();
  h->integer = true;
  h->schema = 2;
  h->zero_threshold = 0.001;
  h->zero_count = 1;
  h->count = 7;
  h->sum = 12.5;
  h->positive_spans = {{-1, 2}, {3, 1}};
  h->positive = {1, 2, 1};
  h->negative_spans = {{0, 1}};
  h->negative = {2};
  h->reset_hint = ResetHint::no;
  Sample sample;
  sample.time.ms = 9000;
  sample.value = 12.5;
  for (const bool integer : {true, false}) {
    h->integer = integer;
    sample.histogram = std::make_shared<const Histogram>(*h);
    ReadResponseWriter writer;
    writer.begin_query();
    writer.add_series(Labels(std::vector<Label>{{"__name__", "wait"}}), {&sample, 1});
    writer.end_query();
    const std::string response = writer.take();
    protozero::pbf_reader results(response.data(), response.size());
    ASSERT_TRUE(results.next(1));
    // A result is a list of series, as a write request is.
    const auto result = results.get_view();
    const auto back = parse_remote_write({result.data(), result.size()}, WriteVersion::v1);
    ASSERT_TRUE(back);
    ASSERT_EQ(back->samples.size(), 1u) << (back->errors.empty() ? "" : back->errors[0].reason);
    EXPECT_TRUE(back->samples[0].histogram->same_bits(*h));
    EXPECT_EQ(back->samples[0].time.ms, 9000);
  }
}

TEST(RemoteRead, AFrameHasItsLengthAndItsChecksum) {
  const std::vector<Sample> samples(250, Sample{{5}, 1});
  const std::string frame = chunked_frame(Labels(std::vector<Label>{{"__name__", "up"}}), samples, 3);
  std::size_t at = 0;
  std::uint64_t size = 0;
  for (int shift = 0;; shift += 7) {
    const auto b = static_cast<unsigned char>(frame.at(at++));
    size |= std::uint64_t{b & 0x7Fu} << shift;
    if (b < 0x80) break;
  }
  std::uint32_t crc = 0;
  for (int i = 0; i < 4; ++i) crc = crc << 8 | static_cast<unsigned char>(frame.at(at++));
  ASSERT_EQ(frame.size() - at, size);
  EXPECT_EQ(crc, crc32c(frame.substr(at)));
  int chunks = 0;
  protozero::pbf_reader response(frame.data() + at, size);
  ASSERT_TRUE(response.next(1));
  protozero::pbf_reader series = response.get_message();
  while (series.next(2)) {
    ++chunks;
    series.skip();
  }
  EXPECT_EQ(chunks, 3);
  ASSERT_TRUE(response.next(2));
  EXPECT_EQ(response.get_int64(), 3);
}

}  // namespace
}  // namespace telltale::wire::prometheus
