#include "wire/prometheus/remote_read.hpp"

#include <algorithm>
#include <bit>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/hash.hpp"
#include "base/metric_limits.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::pbf_writer;
using protozero::tag_and_type;
constexpr auto kMessage = pbf_wire_type::length_delimited;
constexpr auto kNumber = pbf_wire_type::varint;
constexpr std::size_t kChunkSamples = 120;  // as Prometheus cuts them

ReadMatcher read_matcher(pbf_reader r) {
  ReadMatcher out;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kNumber):
        out.type = static_cast<ReadMatcherType>(r.get_uint32() & 3);
        break;
      case tag_and_type(2, kMessage):
        out.name = r.get_string();
        break;
      case tag_and_type(3, kMessage):
        out.value = r.get_string();
        break;
      default:
        r.skip();
    }
  }
  return out;
}

Result<ReadQuery> read_query(pbf_reader r) {
  ReadQuery out;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kNumber):
        out.start.ms = r.get_int64();
        break;
      case tag_and_type(2, kNumber):
        out.end.ms = r.get_int64();
        break;
      case tag_and_type(3, kMessage):
        if (out.matchers.size() >= limits::kMaxReadMatchers)
          return fail(ErrorKind::invalid_argument, "matchers: too many");
        out.matchers.push_back(read_matcher(r.get_message()));
        break;
      default:
        r.skip();
    }
  }
  return out;
}

/// The first of the types that the client names wins.
void read_types(pbf_reader& r, bool& first, ReadRequest& out) {
  const auto see = [&](std::int64_t type) {
    if (first) out.chunks = type == 1;
    if (first) out.samples = type == 0;
    first = false;
    if (type == 0) out.samples = true;
  };
  if (r.wire_type() == kNumber) return see(r.get_enum());
  for (const auto type : r.get_packed_enum()) see(type);
}

/// Bits from the left of each byte.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void bit(bool one) {
    if (free_ == 0) {
      out_ += '\0';
      free_ = 8;
    }
    --free_;
    if (one) out_.back() = static_cast<char>(static_cast<unsigned char>(out_.back()) | (1u << free_));
  }
  /// The lowest `count` bits, the highest of them first.
  void bits(std::uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bit(((value >> i) & 1) != 0);
  }
  void bytes(std::string_view bytes) {
    for (const char c : bytes) bits(static_cast<unsigned char>(c), 8);
  }

 private:
  std::string& out_;
  int free_ = 0;
};

std::string varint(std::uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
  return out;
}

std::string zigzag(std::int64_t v) {
  return varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
}

void put_change(BitWriter& out, std::int64_t change) {
  const auto fits = [&](int n) { return change >= -((1LL << (n - 1)) - 1) && change <= (1LL << (n - 1)); };
  if (change == 0) return out.bit(false);
  const auto bits = static_cast<std::uint64_t>(change);
  if (fits(14)) {
    out.bits(0b10, 2);
    out.bits(bits, 14);
  } else if (fits(17)) {
    out.bits(0b110, 3);
    out.bits(bits, 17);
  } else if (fits(20)) {
    out.bits(0b1110, 4);
    out.bits(bits, 20);
  } else {
    out.bits(0b1111, 4);
    out.bits(bits, 64);
  }
}

/// Values as the difference of their bits to the one before.
class XorValues {
 public:
  explicit XorValues(BitWriter& out) : out_(out) {}
  void first(double value) {
    last_ = std::bit_cast<std::uint64_t>(value);
    out_.bits(last_, 64);
  }
  void next(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t change = bits ^ last_;
    last_ = bits;
    if (change == 0) return out_.bit(false);
    out_.bit(true);
    const int leading = std::min(std::countl_zero(change), 31);
    const int trailing = std::countr_zero(change);
    if (known_ && leading >= leading_ && trailing >= trailing_) {
      out_.bit(false);
      out_.bits(change >> trailing_, 64 - leading_ - trailing_);
      return;
    }
    known_ = true;
    leading_ = leading;
    trailing_ = trailing;
    const int significant = 64 - leading - trailing;
    out_.bit(true);
    out_.bits(static_cast<std::uint64_t>(leading), 5);
    out_.bits(static_cast<std::uint64_t>(significant) & 63, 6);  // 64 is written as 0
    out_.bits(change >> trailing, significant);
  }

 private:
  BitWriter& out_;
  std::uint64_t last_ = 0;
  bool known_ = false;
  int leading_ = 0;
  int trailing_ = 0;
};

void put_labels(pbf_writer& series, const Labels& labels) {
  for (const Label& l : labels) {
    pbf_writer label(series, 1);
    label.add_string(1, l.name);
    label.add_string(2, l.value);
  }
}

/// Counts of an integer histogram stand as differences, those of others as they are.
void put_side(pbf_writer& out, const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
              bool integer, int first_tag) {
  for (const BucketSpan& s : spans) {
    pbf_writer span(out, first_tag);
    span.add_sint32(1, s.offset);
    span.add_uint32(2, s.length);
  }
  if (counts.empty()) return;
  if (!integer) {
    out.add_packed_double(first_tag + 2, counts.begin(), counts.end());
    return;
  }
  std::vector<std::int64_t> deltas;
  std::int64_t last = 0;
  for (const double c : counts) {
    deltas.push_back(static_cast<std::int64_t>(c) - last);
    last = static_cast<std::int64_t>(c);
  }
  out.add_packed_sint64(first_tag + 1, deltas.begin(), deltas.end());
}

void put_histogram(pbf_writer& series, const Sample& sample) {
  const Histogram& h = *sample.histogram;
  pbf_writer out(series, 4);
  if (h.integer) {
    out.add_uint64(1, static_cast<std::uint64_t>(h.count));
  } else {
    out.add_double(2, h.count);
  }
  out.add_double(3, sample.value);
  out.add_sint32(4, h.schema);
  out.add_double(5, h.zero_threshold);
  if (h.integer) {
    out.add_uint64(6, static_cast<std::uint64_t>(h.zero_count));
  } else {
    out.add_double(7, h.zero_count);
  }
  put_side(out, h.negative_spans, h.negative, h.integer, 8);
  put_side(out, h.positive_spans, h.positive, h.integer, 11);
  out.add_enum(14, static_cast<std::int32_t>(h.reset_hint));
  out.add_int64(15, sample.time.ms);
  if (!h.custom_values.empty()) out.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
}

}  // namespace

Result<ReadRequest> parse_read_request(std::string_view body) {
  ReadRequest out;
  bool first = true;
  try {
    pbf_reader r(body.data(), body.size());
    while (r.next()) {
      switch (r.tag_and_type()) {
        case tag_and_type(1, kMessage): {
          if (out.queries.size() >= limits::kMaxReadQueries)
            return fail(ErrorKind::invalid_argument, "queries: too many");
          TT_ASSIGN(auto query, read_query(r.get_message()));
          out.queries.push_back(std::move(query));
          break;
        }
        case tag_and_type(2, kMessage):
        case tag_and_type(2, kNumber):
          read_types(r, first, out);
          break;
        default:
          r.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return fail(ErrorKind::invalid_argument, std::string("read request: malformed protobuf: ") + e.what());
  }
  return out;
}

void ReadResponseWriter::begin_query() { query_.clear(); }

void ReadResponseWriter::add_series(const Labels& labels, std::span<const Sample> samples) {
  pbf_writer result(query_);
  pbf_writer series(result, 1);
  put_labels(series, labels);
  for (const Sample& s : samples) {
    if (s.histogram) {
      put_histogram(series, s);
      continue;
    }
    pbf_writer sample(series, 2);
    sample.add_double(1, s.value);
    sample.add_int64(2, s.time.ms);
  }
}

void ReadResponseWriter::end_query() {
  pbf_writer response(out_);
  response.add_message(1, query_);
  query_.clear();
}

std::string xor_chunk(std::span<const Sample> samples) {
  std::string out;
  out += static_cast<char>(samples.size() >> 8);
  out += static_cast<char>(samples.size() & 0xFF);
  BitWriter bits(out);
  XorValues values(bits);
  std::int64_t last = 0;
  std::int64_t step = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int64_t t = samples[i].time.ms;
    if (i == 0) {
      bits.bytes(zigzag(t));
      values.first(samples[i].value);
    } else {
      if (i == 1) {
        bits.bytes(varint(static_cast<std::uint64_t>(t - last)));
      } else {
        put_change(bits, t - last - step);
      }
      step = t - last;
      values.next(samples[i].value);
    }
    last = t;
  }
  return out;
}

std::string chunked_frame(const Labels& labels, std::span<const Sample> samples, std::int64_t query_index) {
  std::string message;
  {
    pbf_writer response(message);
    {
      pbf_writer series(response, 1);
      put_labels(series, labels);
      for (std::size_t at = 0; at < samples.size(); at += kChunkSamples) {
        const auto part = samples.subspan(at, std::min(kChunkSamples, samples.size() - at));
        pbf_writer chunk(series, 2);
        chunk.add_int64(1, part.front().time.ms);
        chunk.add_int64(2, part.back().time.ms);
        chunk.add_enum(3, 1);
        chunk.add_bytes(4, xor_chunk(part));
      }
    }
    response.add_int64(2, query_index);
  }
  std::string frame = varint(message.size());
  const std::uint32_t crc = crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(crc >> shift);
  return frame + message;
}

}  // namespace telltale::wire::prometheus
