#include "tsdb/chunk.hpp"

#include <algorithm>
#include <bit>

#include "model/histogram.hpp"

namespace telltale::tsdb {
namespace {

// Stored: never renumber.
constexpr std::uint8_t kHasStarts = 1;
constexpr std::uint8_t kHasHistograms = 2;
constexpr std::uint8_t kIntegers = 4;  // of histograms: counts came as integers
constexpr std::uint8_t kKnownFlags = 7;

constexpr std::size_t kMaxHistogramBytes = 8 << 20;  // of a chunk, as decoded: a block is at most 64 MiB

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return same_bits(x, y); });
}

bool same_layout(const Histogram& a, const Histogram& b) {
  return a.integer == b.integer && a.schema == b.schema && same_bits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.positive.size() == b.positive.size() && a.negative.size() == b.negative.size() &&
         same_bits(a.custom_values, b.custom_values);
}

void put_spans(const std::vector<BucketSpan>& spans, ByteWriter& out) {
  out.varint(spans.size());
  for (const BucketSpan& s : spans) {
    out.zigzag(s.offset);
    out.varint(s.length);
  }
}

/// Both lists' sizes are held against the bytes that are left.
bool get_spans(ByteReader& in, std::vector<BucketSpan>& spans, std::size_t& buckets) {
  const std::uint64_t n = in.varint();
  if (n > in.remaining() / 2) return false;
  buckets = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::int64_t offset = in.zigzag();
    const std::uint64_t length = in.varint();
    if (!in.ok() || offset != static_cast<std::int32_t>(offset) || length > in.remaining()) return false;
    spans.push_back({static_cast<std::int32_t>(offset), static_cast<std::uint32_t>(length)});
    buckets += length;
    if (buckets > in.remaining()) return false;
  }
  return in.ok();
}

void put_layout(const Histogram& h, ByteWriter& out) {
  out.zigzag(h.schema);
  out.f64(h.zero_threshold);
  put_spans(h.positive_spans, out);
  put_spans(h.negative_spans, out);
  out.varint(h.custom_values.size());
  for (const double bound : h.custom_values) out.f64(bound);
}

bool get_layout(ByteReader& in, Histogram& h) {
  h.schema = static_cast<std::int32_t>(in.zigzag());
  h.zero_threshold = in.f64();
  std::size_t positive = 0;
  std::size_t negative = 0;
  if (!get_spans(in, h.positive_spans, positive) || !get_spans(in, h.negative_spans, negative)) return false;
  h.positive.resize(positive);
  h.negative.resize(negative);
  const std::uint64_t bounds = in.varint();
  if (bounds > in.remaining() / sizeof(double)) return false;
  for (std::uint64_t i = 0; i < bounds; ++i) h.custom_values.push_back(in.f64());
  return in.ok();
}

/// Calls visit(number) for each number of a histogram, in the order of their columns. Buckets of the positive
/// and the negative side must be there.
template <class H, class Visit>
void for_each_number(H& h, Visit visit) {
  visit(h.count);
  visit(h.zero_count);
  visit(h.sum);
  for (auto& v : h.positive) visit(v);
  for (auto& v : h.negative) visit(v);
}

void put_histograms(std::span<const HistogramPtr> all, ByteWriter& out) {
  put_layout(*all[0], out);
  std::vector<std::int64_t> hints;
  const std::size_t columns = 3 + all[0]->positive.size() + all[0]->negative.size();
  std::vector<std::vector<double>> numbers(columns);
  for (const HistogramPtr& h : all) {
    hints.push_back(static_cast<std::int64_t>(h->reset_hint));
    std::size_t c = 0;
    for_each_number(*h, [&](double v) { numbers[c++].push_back(v); });
  }
  encode_ints(hints, out);
  for (const auto& column : numbers) encode_doubles(column, out);
}

bool get_histograms(ByteReader& in, std::size_t n, bool integers, SampleRun& out) {
  Histogram layout;
  layout.integer = integers;
  if (!get_layout(in, layout)) return false;
  std::vector<std::int64_t> hints(n);
  if (!decode_ints(in, hints)) return false;
  const std::size_t columns = 3 + layout.positive.size() + layout.negative.size();
  std::vector<std::vector<double>> numbers(columns, std::vector<double>(n));
  for (auto& column : numbers)
    if (!decode_doubles(in, column)) return false;
  for (std::size_t i = 0; i < n; ++i) {
    if (hints[i] < 0 || hints[i] > static_cast<std::int64_t>(ResetHint::gauge)) return false;
    auto h = std::make_shared<Histogram>(layout);
    h->reset_hint = static_cast<ResetHint>(hints[i]);
    std::size_t c = 0;
    for_each_number(*h, [&](double& v) { v = numbers[c++][i]; });
    if (!h->well_formed()) return false;
    out.values.push_back(h->sum);
    out.histograms.push_back(std::move(h));
  }
  return true;
}

bool read_chunk(ByteReader& in, std::size_t n, SampleRun& out) {
  const std::uint8_t flags = in.u8();
  if (!in.ok() || n == 0 || n > kMaxColumnValues || (flags & ~kKnownFlags) != 0) return false;
  if ((flags & kHasHistograms) != 0) {
    out.histograms.resize(out.values.size());
    if (!get_histograms(in, n, (flags & kIntegers) != 0, out)) return false;
  } else {
    const std::size_t before = out.values.size();
    out.values.resize(before + n);
    if (!decode_doubles(in, std::span(out.values).subspan(before))) return false;
    if (!out.histograms.empty()) out.histograms.resize(out.values.size());
  }
  if ((flags & kHasStarts) != 0) {
    out.starts.resize(out.values.size() - n);
    const std::size_t before = out.starts.size();
    out.starts.resize(before + n);
    if (!decode_ints(in, std::span(out.starts).subspan(before))) return false;
  } else if (!out.starts.empty()) {
    out.starts.resize(out.values.size());
  }
  return in.ok() && in.empty();
}

}  // namespace

std::size_t chunk_length(const SampleSlice& samples) {
  std::size_t most = std::min(samples.size(), kMaxColumnValues);
  if (samples.histograms.empty()) return most;
  const HistogramPtr& first = samples.histograms[0];
  if (first != nullptr) {
    constexpr std::size_t kOwnColumns = 3;  // count, sum and zero count
    const std::size_t columns = kOwnColumns + first->positive.size() + first->negative.size();
    most = std::clamp<std::size_t>(kMaxHistogramBytes / (columns * sizeof(double)), 1, most);
  }
  std::size_t n = 1;
  for (; n < most; ++n) {
    const HistogramPtr& next = samples.histograms[n];
    if ((first == nullptr) != (next == nullptr)) break;
    if (first != nullptr && !same_layout(*first, *next)) break;
  }
  return n;
}

void encode_chunk(const SampleSlice& samples, std::string& out) {
  const bool histograms = !samples.histograms.empty() && samples.histograms[0] != nullptr;
  const bool starts =
      std::any_of(samples.starts.begin(), samples.starts.end(), [](auto s) { return s != 0; });
  ByteWriter w;
  std::uint8_t flags = starts ? kHasStarts : 0;
  if (histograms) flags |= samples.histograms[0]->integer ? kHasHistograms | kIntegers : kHasHistograms;
  w.u8(flags);
  if (histograms) {
    put_histograms(samples.histograms, w);
  } else {
    encode_doubles(samples.values, w);
  }
  if (starts) encode_ints(samples.starts, w);
  out += w.view();
}

Result<> decode_chunk(std::string_view bytes, std::span<const std::int64_t> times, SampleRun& out) {
  ByteReader in(bytes);
  if (!read_chunk(in, times.size(), out)) return fail(ErrorKind::corruption, "chunk: malformed");
  out.times.insert(out.times.end(), times.begin(), times.end());
  return {};
}

}  // namespace telltale::tsdb
