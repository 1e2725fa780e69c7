#include "tsdb/head.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "model/histogram.hpp"

namespace telltale::tsdb {
namespace {

// Late samples are merged once they are this many plus an eighth of the series: amortised linear.
constexpr std::size_t kLateFloor = 64;

// A sample in a stream is a varint of the change of its time's step (zigzag, three bits up) with how its
// value is told in the lowest bits; then, if the bit says so, the change of the start time; then the value's
// bytes.
enum ValueCode : std::uint8_t { kSame = 0, kWholeStep = 1, kThousandths = 2, kXor = 3 };
constexpr std::uint8_t kNewStart = 4;
constexpr std::size_t kMostBytes = 10 + 10 + 10 + 1;

std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

std::uint64_t bits_of(double v) { return std::bit_cast<std::uint64_t>(v); }

/// Whole numbers below 2^51, and what is one with three decimals.
bool as_scaled(double v, double scale, std::int64_t& out) {
  const double scaled = v * scale;
  if (!(std::fabs(scaled) < 0x1p51)) return false;
  out = static_cast<std::int64_t>(std::llrint(scaled));
  return bits_of(static_cast<double>(out) / scale) == bits_of(v);
}
constexpr double kThousand = 1000;

char* put_varint(std::uint64_t v, char* to) {
  for (; v >= 0x80; v >>= 7) *to++ = static_cast<char>(v | 0x80);
  *to++ = static_cast<char>(v);
  return to;
}

/// Reads along a chain; it holds what was written, so that nothing can be missing.
class PieceReader {
 public:
  PieceReader(const PieceArena& arena, std::uint32_t first) : arena_(arena), next_(first) {}
  std::uint64_t varint() {
    std::uint8_t b = byte();
    std::uint64_t v = b & 0x7FU;
    for (int shift = 7; (b & 0x80) != 0; shift += 7) {
      b = byte();
      v |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    }
    return v;
  }

 private:
  std::uint8_t byte() {
    if (at_ == end_) {
      const PieceArena::Piece& piece = arena_.at(next_);
      at_ = piece.bytes;
      end_ = at_ + PieceArena::kPieceBytes;
      next_ = piece.next;
    }
    return static_cast<std::uint8_t>(*at_++);
  }
  const PieceArena& arena_;
  std::uint32_t next_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

SampleRun sorted_late(std::vector<Sample> late) {
  std::stable_sort(late.begin(), late.end(),
                   [](const Sample& a, const Sample& b) { return a.time < b.time; });
  SampleRun out;
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (i + 1 < late.size() && late[i + 1].time == late[i].time) continue;
    out.push(late[i]);
  }
  return out;
}

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

std::uint32_t PieceArena::take() {
  std::uint32_t number = free_;
  if (number != kNone) {
    free_ = at(number).next;
  } else {
    if (used_ == pages_.size() * kPagePieces)
      pages_.push_back(std::make_unique_for_overwrite<Piece[]>(kPagePieces));
    number = used_++;
  }
  at(number).next = kNone;
  return number;
}

void PieceArena::give_back(std::uint32_t first) {
  while (first != kNone) {
    Piece& piece = at(first);
    const std::uint32_t next = piece.next;
    piece.next = free_;
    free_ = first;
    first = next;
  }
}

bool Head::fits_stream(const Series& series, const Sample& sample) {
  const std::int64_t change = minus(minus(sample.time.ms, series.last_ms), series.last_delta);
  return sample.histogram == nullptr && zigzag(change) < std::uint64_t{1} << 61;
}

void Head::put(Series& series, const char* bytes, std::size_t n) {
  if (series.piece == PieceArena::kNone) {
    series.first_piece = series.piece = pieces_.take();
    series.used = 0;
  }
  const std::size_t here = std::min(n, PieceArena::kPieceBytes - series.used);
  std::memcpy(pieces_.at(series.piece).bytes + series.used, bytes, here);
  series.used = static_cast<std::uint8_t>(series.used + here);
  if (here == n) return;
  const std::uint32_t next = pieces_.take();
  pieces_.at(series.piece).next = next;
  series.piece = next;
  std::memcpy(pieces_.at(next).bytes, bytes + here, n - here);
  series.used = static_cast<std::uint8_t>(n - here);
}

void Head::append(Series& series, const Sample& sample) {
  char bytes[kMostBytes];
  char value_bytes[10];
  char* end = value_bytes;
  std::uint8_t code = kSame;
  std::int64_t now = 0;
  std::int64_t before = 0;
  if (bits_of(sample.value) != bits_of(series.value)) {
    if (as_scaled(sample.value, 1, now) && as_scaled(series.value, 1, before)) {
      code = kWholeStep;
      end = put_varint(zigzag(now - before), end);
    } else if (as_scaled(sample.value, kThousand, now) && as_scaled(series.value, kThousand, before)) {
      code = kThousandths;
      end = put_varint(zigzag(now - before), end);
    } else {
      // Swapped, the bytes that neighbours share become leading zeros.
      code = kXor;
      end = put_varint(__builtin_bswap64(bits_of(sample.value) ^ bits_of(series.value)), end);
    }
  }
  if (series.samples == 0) series.first_ms = sample.time.ms;
  const std::int64_t delta = minus(sample.time.ms, series.last_ms);
  const std::int64_t change = minus(delta, series.last_delta);
  const bool new_start = sample.start.ms != series.start_ms;
  char* to = bytes;
  const std::uint8_t low = code | (new_start ? kNewStart : 0);
  to = put_varint(zigzag(change) << 3 | low, to);
  if (new_start) to = put_varint(zigzag(minus(sample.start.ms, series.start_ms)), to);
  put(series, bytes, static_cast<std::size_t>(to - bytes));
  put(series, value_bytes, static_cast<std::size_t>(end - value_bytes));
  series.last_ms = sample.time.ms;
  series.last_delta = delta;
  series.value = sample.value;
  series.start_ms = sample.start.ms;
  ++series.samples;
}

void Head::decode(const Series& series, std::uint32_t samples, SampleRun& out) const {
  PieceReader in(pieces_, series.first_piece);
  std::int64_t time = 0;
  std::int64_t delta = 0;
  std::int64_t start = 0;
  double value = 0;
  // The value as what its steps are told in, while they are told in that.
  std::int64_t number = 0;
  std::uint64_t told_in = kXor;
  const std::size_t first = out.size();
  out.times.resize(first + samples);
  out.values.resize(first + samples);
  if (!out.histograms.empty()) out.histograms.resize(first + samples);
  if (!out.starts.empty()) out.starts.resize(first + samples);
  for (std::size_t i = first; i < first + samples; ++i) {
    const std::uint64_t head = in.varint();
    delta = plus(delta, unzigzag(head >> 3));
    time = plus(time, delta);
    if ((head & kNewStart) != 0) start = plus(start, unzigzag(in.varint()));
    switch (head & 3) {
      case kSame:
        break;
      case kWholeStep:
        if (std::exchange(told_in, kWholeStep) != kWholeStep) number = static_cast<std::int64_t>(value);
        number += unzigzag(in.varint());
        value = static_cast<double>(number);
        break;
      case kThousandths:
        if (std::exchange(told_in, kThousandths) != kThousandths) (void)as_scaled(value, kThousand, number);
        number += unzigzag(in.varint());
        value = static_cast<double>(number) / kThousand;
        break;
      default:
        told_in = kXor;
        value = std::bit_cast<double>(bits_of(value) ^ __builtin_bswap64(in.varint()));
    }
    out.times[i] = time;
    out.values[i] = value;
    if (start != 0 && out.starts.empty()) out.starts.resize(first + samples);
    if (!out.starts.empty()) out.starts[i] = start;
  }
}

std::size_t Head::Beside::size() const {
  std::size_t out = sizeof(Beside) + run.bytes() + late.capacity() * sizeof(Sample);
  for (const Sample& s : late) out += s.histogram ? s.histogram->bytes() : 0;
  return out;
}

void Head::push_beside(Series& series, Beside& beside, const Sample& sample) {
  if (beside.run.empty() && series.samples > 0) {
    decode(series, beside.run);
    pieces_.give_back(series.first_piece);
    series.first_piece = series.piece = PieceArena::kNone;
    series.samples = 0;
    ++series.rewrites;
  }
  beside.run.push(sample);
  series.last_ms = sample.time.ms;
}

void Head::rewrite(Series& series, Beside& beside, const SampleRun& run) {
  pieces_.give_back(series.first_piece);
  const bool was_beside = series.beside;
  const auto rewrites = static_cast<std::uint16_t>(series.rewrites + 1);
  series = Series();
  series.beside = was_beside;
  series.rewrites = rewrites;
  beside.run = {};
  for (std::size_t i = 0; i < run.size(); ++i) {
    const Sample sample{{run.times[i]},
                        run.values[i],
                        {run.starts.empty() ? 0 : run.starts[i]},
                        run.histograms.empty() ? nullptr : run.histograms[i]};
    if (beside.run.empty() && fits_stream(series, sample)) {
      append(series, sample);
      continue;
    }
    push_beside(series, beside, sample);
  }
}

void Head::settle(Series& series, Beside& beside) {
  if (beside.late.empty()) return;
  beside_bytes_ -= beside.counted;
  SampleRun all = std::move(beside.run);
  if (series.samples > 0) decode(series, all);
  const SampleRun late = sorted_late(std::move(beside.late));
  beside.late = {};
  merge_newer(all, late.slice());
  rewrite(series, beside, all);
  beside.counted = beside.size();
  beside_bytes_ += beside.counted;
}

void Head::settle() {
  for (auto& [slot, beside] : beside_) settle(series_[slot], beside);
}

void Head::add(SeriesId id, const Sample& sample) {
  ++samples_;
  std::uint32_t slot = slots_.get(id);
  if (slot == IdTable::kNone) {
    slot = static_cast<std::uint32_t>(series_.size());
    slots_.set(id, slot);
    series_.emplace_back();
  }
  Series& series = series_[slot];
  if (!series.beside) {
    const bool in_order = series.samples == 0 || sample.time.ms > series.last_ms;
    if (in_order && fits_stream(series, sample)) return append(series, sample);
  }
  series.beside = true;
  Beside& beside = beside_[slot];
  const bool any = series.samples > 0 || !beside.run.empty();
  const bool late = any && sample.time.ms <= series.last_ms;
  if (!late && beside.run.empty() && fits_stream(series, sample)) return append(series, sample);
  const std::size_t bytes = sizeof(Sample) + (sample.histogram ? sample.histogram->bytes() : 0);
  beside.counted += bytes;
  beside_bytes_ += bytes;
  if (late) {
    beside.late.push_back(sample);
    if (beside.late.size() > kLateFloor + (series.samples + beside.run.size()) / 8) settle(series, beside);
  } else {
    push_beside(series, beside, sample);
  }
}

void Head::read_slot(std::uint32_t slot, std::uint32_t samples, const storage::MillisRange& range,
                     SampleRun& out) const {
  const Series& series = series_[slot];
  if (samples > 0 && series.first_ms <= range.max.ms && series.last_ms >= range.min.ms) {
    SampleRun run;
    SampleRun& to = out.empty() ? out : run;
    decode(series, samples, to);
    if (!out.empty() && &to == &out) {
      keep_clipped(out, range);
    } else {
      merge_newer(out, clipped(run.slice(), range));
    }
  }
  if (!series.beside) return;
  const Beside& beside = beside_.at(slot);
  merge_newer(out, clipped(beside.run.slice(), range));
  if (beside.late.empty()) return;
  const SampleRun late = sorted_late(beside.late);
  merge_newer(out, clipped(late.slice(), range));
}

void Head::read(SeriesId id, const storage::MillisRange& range, SampleRun& out) const {
  const std::uint32_t slot = slots_.get(id);
  if (slot != IdTable::kNone) read_slot(slot, series_[slot].samples, range, out);
}

Head::Mark Head::mark(SeriesId id, const storage::MillisRange& range) const {
  const std::uint32_t slot = slots_.get(id);
  if (slot == IdTable::kNone) return {};
  const Series& series = series_[slot];
  if (!series.beside &&
      (series.samples == 0 || series.first_ms > range.max.ms || series.last_ms < range.min.ms))
    return {};
  return {slot, series.samples, series.rewrites};
}

void Head::read(const Mark& mark, const storage::MillisRange& range, SampleRun& out) const {
  const Series& series = series_[mark.slot];
  read_slot(mark.slot, series.rewrites == mark.rewrites ? mark.samples : series.samples, range, out);
}

std::optional<UnixMillis> Head::time_within(SeriesId id, const storage::MillisRange& range) const {
  const std::uint32_t slot = slots_.get(id);
  if (slot == IdTable::kNone) return std::nullopt;
  const Series& series = series_[slot];
  const auto within = [&range](std::int64_t ms) { return ms >= range.min.ms && ms <= range.max.ms; };
  if (series.samples > 0 && within(series.last_ms)) return UnixMillis{series.last_ms};
  if (series.samples > 0 && within(series.first_ms)) return UnixMillis{series.first_ms};
  SampleRun run;
  read(id, range, run);
  if (run.empty()) return std::nullopt;
  return UnixMillis{run.times.back()};
}

}  // namespace telltale::tsdb
