// A histogram among a batch's samples (docs/formats/journal.md). Counts of integer histograms are small
// numbers that change little from bucket to bucket: varints, and differences of neighbours in zigzag.
#include <algorithm>
#include <cmath>

#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

bool is_whole(double v) { return v >= 0 && v <= 0x1p53 && std::floor(v) == v && !std::signbit(v); }
bool are_whole(const std::vector<double>& counts) {
  return std::all_of(counts.begin(), counts.end(), is_whole);
}

void put_counts(ByteWriter& out, const std::vector<double>& counts, bool varints) {
  out.varint(counts.size());
  std::int64_t last = 0;
  for (const double c : counts) {
    if (!varints) {
      out.f64(c);
      continue;
    }
    const auto n = static_cast<std::int64_t>(c);
    out.zigzag(n - last);
    last = n;
  }
}

void put_spans(ByteWriter& out, const std::vector<BucketSpan>& spans) {
  out.varint(spans.size());
  for (const BucketSpan& s : spans) {
    out.zigzag(s.offset);
    out.varint(s.length);
  }
}

class HistogramReader {
 public:
  explicit HistogramReader(ByteReader& in) : in_(in) {}

  std::shared_ptr<const Histogram> read(double sum) {
    auto h = std::make_shared<Histogram>();
    const std::uint8_t form = in_.u8();
    if (form > kHistogramFormAll) return nullptr;
    varints_ = (form & kHistogramVarints) != 0;
    h->reset_hint = static_cast<ResetHint>(form & kHistogramHint);
    h->integer = (form & kHistogramInteger) != 0;
    h->sum = sum;
    const std::int64_t schema = in_.zigzag();
    if (schema < INT32_MIN || schema > INT32_MAX) return nullptr;
    h->schema = static_cast<std::int32_t>(schema);
    h->zero_threshold = in_.f64();
    h->zero_count = single();
    h->count = single();
    spans(h->positive_spans);
    counts(h->positive);
    spans(h->negative_spans);
    counts(h->negative);
    if ((form & kHistogramCustom) != 0) {
      const std::uint64_t n = count(8);
      h->custom_values.reserve(n);
      for (std::uint64_t i = 0; i < n; ++i) h->custom_values.push_back(in_.f64());
    }
    if (!ok_ || !in_.ok() || !h->well_formed()) return nullptr;
    return h;
  }

 private:
  std::uint64_t count(std::size_t min_bytes) {
    const std::uint64_t n = in_.varint();
    if (ok_ && in_.ok() && n <= in_.remaining() / min_bytes) return n;
    ok_ = false;
    return 0;
  }
  double single() { return varints_ ? static_cast<double>(in_.varint()) : in_.f64(); }
  void spans(std::vector<BucketSpan>& out) {
    const std::uint64_t n = count(2);
    out.reserve(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::int64_t offset = in_.zigzag();
      const std::uint64_t length = in_.varint();
      if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX) ok_ = false;
      out.push_back({static_cast<std::int32_t>(offset), static_cast<std::uint32_t>(length)});
    }
  }
  void counts(std::vector<double>& out) {
    const std::uint64_t n = count(varints_ ? 1 : 8);
    out.reserve(n);
    std::int64_t last = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (varints_) last = wrapping_add(last, in_.zigzag());
      out.push_back(varints_ ? static_cast<double>(last) : in_.f64());
    }
  }

  ByteReader& in_;
  bool ok_ = true;
  bool varints_ = false;
};

}  // namespace

void put_histogram(ByteWriter& out, const Histogram& h) {
  const bool varints =
      is_whole(h.zero_count) && is_whole(h.count) && are_whole(h.positive) && are_whole(h.negative);
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(h.reset_hint) |
                                   (h.integer ? kHistogramInteger : 0) | (varints ? kHistogramVarints : 0) |
                                   (h.custom_values.empty() ? 0 : kHistogramCustom)));
  out.zigzag(h.schema);
  out.f64(h.zero_threshold);
  for (const double c : {h.zero_count, h.count}) {
    if (varints) {
      out.varint(static_cast<std::uint64_t>(c));
    } else {
      out.f64(c);
    }
  }
  put_spans(out, h.positive_spans);
  put_counts(out, h.positive, varints);
  put_spans(out, h.negative_spans);
  put_counts(out, h.negative, varints);
  if (h.custom_values.empty()) return;
  out.varint(h.custom_values.size());
  for (const double v : h.custom_values) out.f64(v);
}

std::shared_ptr<const Histogram> read_histogram(ByteReader& in, double sum) {
  return HistogramReader(in).read(sum);
}

}  // namespace telltale::storage
