// Layout (docs/formats/journal.md): one version byte, one flag byte (1: the rest is zstd, preceded by its raw
// size as a varint), then project, received time, the three row tables, series definitions and samples. Texts
// are references into a table of strings in order of first use: reference 0 announces a new string, written
// in place; n > 0 repeats the n-th. Times are differences to the one before. Rows of another project than the
// batch's, which the type allows, keep theirs. Version 1 knew no kinds of attributes: all are metadata.
#include "storage/batch.hpp"

#include <unordered_map>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"
#include "base/limits.hpp"

namespace telltale::storage {
namespace {

constexpr std::uint8_t kBatchVersion = 2;
constexpr std::uint8_t kOldestBatchVersion = 1;  // without kinds of attributes
constexpr std::uint8_t kBatchPlain = 0;
constexpr std::uint8_t kBatchZstd = 1;
constexpr std::size_t kCompressFrom = 256;
// More than any record may hold uncompressed: ingest limits a request's decoded body to less.
constexpr std::size_t kMaxDecodedBatch = 4 * limits::kMaxDecodedBodyBytes;

// In the lower four bits; the attribute's kind stands in the upper ones.
enum AttrTag : std::uint8_t { kAttrText = 0, kAttrInt = 1, kAttrDouble = 2, kAttrFalse = 3, kAttrTrue = 4 };

// Differences wrap, so that any two times have one.
std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

class BatchEncoder {
 public:
  std::string encode(const Batch& batch) {
    out_.varint(batch.project.value);
    out_.zigzag(batch.received.ns);
    for (const Table table : kTables) {
      const auto& rows = batch.rows(table);
      out_.varint(rows.size());
      last_time_ = batch.received.ns;
      for (const EventRow& row : rows) put_row(batch, row);
    }
    out_.varint(batch.new_series.size());
    for (const SeriesDef& def : batch.new_series) {
      out_.varint(def.id.value);
      out_.varint(def.labels.size());
      for (const Label& l : def.labels) {
        put_text(l.name);
        put_text(l.value);
      }
    }
    out_.varint(batch.samples.size());
    std::int64_t last_ms = batch.received.to_millis().ms;
    std::int64_t last_series = 0;
    for (const SamplePoint& p : batch.samples) {
      const auto id = static_cast<std::int64_t>(p.series.value);
      out_.zigzag(wrapping_sub(id, last_series));
      out_.zigzag(wrapping_sub(p.sample.time.ms, last_ms));
      out_.f64(p.sample.value);
      last_series = id;
      last_ms = p.sample.time.ms;
    }
    return out_.take();
  }

 private:
  // Views of the batch's own strings, which outlive the encoder.
  void put_text(std::string_view s) {
    const auto [it, fresh] = texts_.try_emplace(s, texts_.size() + 1);
    if (fresh) {
      out_.varint(0);
      out_.string(s);
    } else {
      out_.varint(it->second);
    }
  }
  void put_attr(const Attr& a) {
    put_text(a.name);
    const auto kind = static_cast<std::uint8_t>(static_cast<std::uint8_t>(a.kind) << 4);
    if (const auto* text = std::get_if<std::string>(&a.value)) {
      out_.u8(kind | kAttrText);
      put_text(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&a.value)) {
      out_.u8(kind | kAttrInt);
      out_.zigzag(*number);
    } else if (const auto* real = std::get_if<double>(&a.value)) {
      out_.u8(kind | kAttrDouble);
      out_.f64(*real);
    } else {
      out_.u8(kind | (std::get<bool>(a.value) ? kAttrTrue : kAttrFalse));
    }
  }
  void put_row(const Batch& batch, const EventRow& row) {
    out_.varint(row.project.value);
    out_.zigzag(wrapping_sub(row.time.ns, last_time_));
    last_time_ = row.time.ns;
    out_.zigzag(wrapping_sub(row.received.ns, batch.received.ns));
    const EventIds& ids = row.ids;
    for (const std::string* s : {&ids.environment, &ids.release, &ids.service, &ids.host, &ids.request_id,
                                 &ids.user_id, &ids.transaction}) {
      put_text(*s);
    }
    out_.u8(static_cast<std::uint8_t>((ids.trace_id.present() ? 1 : 0) | (ids.span_id.present() ? 2 : 0)));
    if (ids.trace_id.present()) {
      out_.u64(ids.trace_id.hi);
      out_.u64(ids.trace_id.lo);
    }
    if (ids.span_id.present()) out_.u64(ids.span_id.value);
    out_.u8(static_cast<std::uint8_t>(ids.level));
    put_text(row.message);
    out_.varint(row.attributes.size());
    for (const Attr& a : row.attributes) put_attr(a);
    out_.string(row.payload);
  }

  ByteWriter out_;
  std::unordered_map<std::string_view, std::uint64_t> texts_;
  std::int64_t last_time_ = 0;
};

class BatchDecoder {
 public:
  BatchDecoder(std::string_view in, std::uint8_t version) : in_(in), has_kinds_(version >= 2) {}

  bool decode(Batch& batch) {
    batch.project = project();
    batch.received.ns = in_.zigzag();
    for (const Table table : kTables) {
      const std::uint64_t n = count(kMinRowBytes);
      auto& rows = batch.rows(table);
      rows.reserve(n);
      last_time_ = batch.received.ns;
      for (std::uint64_t i = 0; i < n && ok(); ++i) rows.push_back(row(batch));
    }
    const std::uint64_t defs = count(2);
    batch.new_series.reserve(defs);
    for (std::uint64_t i = 0; i < defs && ok(); ++i) batch.new_series.push_back(def());
    const std::uint64_t samples = count(10);
    batch.samples.reserve(samples);
    std::int64_t last_ms = batch.received.to_millis().ms;
    std::int64_t last_series = 0;
    for (std::uint64_t i = 0; i < samples && ok(); ++i) {
      last_series = wrapping_add(last_series, in_.zigzag());
      last_ms = wrapping_add(last_ms, in_.zigzag());
      batch.samples.push_back(
          {SeriesId{static_cast<std::uint64_t>(last_series)}, {UnixMillis{last_ms}, in_.f64()}});
    }
    return ok() && in_.empty();
  }

 private:
  static constexpr std::size_t kMinRowBytes = 14;

  bool ok() const { return ok_ && in_.ok(); }
  // A count never exceeds what the remaining bytes could hold, so that a short input cannot reserve much.
  std::uint64_t count(std::size_t min_bytes) {
    const std::uint64_t n = in_.varint();
    if (n > in_.remaining() / min_bytes) {
      ok_ = false;
      return 0;
    }
    return n;
  }
  ProjectId project() {
    const std::uint64_t v = in_.varint();
    if (v > UINT32_MAX) ok_ = false;
    return ProjectId{static_cast<std::uint32_t>(v)};
  }
  std::string_view text() {
    const std::uint64_t ref = in_.varint();
    if (ref == 0) {
      texts_.push_back(in_.string());
      return texts_.back();
    }
    if (ref > texts_.size()) {
      ok_ = false;
      return {};
    }
    return texts_[ref - 1];
  }
  AttrKind attr_kind(std::uint8_t tag) {
    const auto kind = static_cast<std::uint8_t>(tag >> 4);
    if (kind >= kAttrKinds || (kind != 0 && !has_kinds_)) ok_ = false;
    return ok_ ? static_cast<AttrKind>(kind) : AttrKind::metadata;
  }
  AttrValue attr_value(std::uint8_t tag) {
    switch (tag & 0x0F) {
      case kAttrText:
        return std::string(text());
      case kAttrInt:
        return in_.zigzag();
      case kAttrDouble:
        return in_.f64();
      case kAttrFalse:
        return false;
      case kAttrTrue:
        return true;
      default:
        ok_ = false;
        return false;
    }
  }
  EventRow row(const Batch& batch) {
    EventRow r;
    r.project = project();
    last_time_ = wrapping_add(last_time_, in_.zigzag());
    r.time.ns = last_time_;
    r.received.ns = wrapping_add(batch.received.ns, in_.zigzag());
    EventIds& ids = r.ids;
    for (std::string* s : {&ids.environment, &ids.release, &ids.service, &ids.host, &ids.request_id,
                           &ids.user_id, &ids.transaction}) {
      *s = std::string(text());
    }
    const std::uint8_t present = in_.u8();
    if (present > 3) ok_ = false;
    if ((present & 1) != 0) {
      ids.trace_id.hi = in_.u64();
      ids.trace_id.lo = in_.u64();
    }
    if ((present & 2) != 0) ids.span_id.value = in_.u64();
    const std::uint8_t level = in_.u8();
    if (level > static_cast<std::uint8_t>(Level::fatal)) {
      ok_ = false;
    } else {
      ids.level = static_cast<Level>(level);
    }
    r.message = std::string(text());
    const std::uint64_t attributes = count(2);
    r.attributes.reserve(attributes);
    for (std::uint64_t i = 0; i < attributes && ok(); ++i) {
      std::string name(text());
      const std::uint8_t tag = in_.u8();
      const AttrKind kind = attr_kind(tag);
      r.attributes.push_back({std::move(name), attr_value(tag), kind});
    }
    r.payload = std::string(in_.string());
    return r;
  }
  SeriesDef def() {
    SeriesDef d;
    d.id.value = in_.varint();
    const std::uint64_t n = count(2);
    std::vector<Label> labels;
    labels.reserve(n);
    for (std::uint64_t i = 0; i < n && ok(); ++i) {
      std::string name(text());
      labels.push_back({std::move(name), std::string(text())});
    }
    d.labels = Labels(std::move(labels));
    return d;
  }

  ByteReader in_;
  const bool has_kinds_;
  bool ok_ = true;
  std::vector<std::string_view> texts_;
  std::int64_t last_time_ = 0;
};

}  // namespace

const std::vector<EventRow>& Batch::rows(Table table) const {
  switch (table) {
    case Table::logs:
      return logs;
    case Table::spans:
      return spans;
    case Table::errors:
      return errors;
  }
  TT_CHECK(!"a table out of range");
  return logs;
}

std::vector<EventRow>& Batch::rows(Table table) {
  return const_cast<std::vector<EventRow>&>(static_cast<const Batch&>(*this).rows(table));
}

std::string encode_batch(const Batch& batch) {
  const std::string plain = BatchEncoder().encode(batch);
  ByteWriter out;
  out.u8(kBatchVersion);
  if (plain.size() >= kCompressFrom && plain.size() <= kMaxDecodedBatch) {
    const std::string packed = compress(Codec::zstd, plain, 1);
    if (packed.size() + 8 < plain.size()) {
      out.u8(kBatchZstd);
      out.varint(plain.size());
      out.bytes(packed);
      return out.take();
    }
  }
  out.u8(kBatchPlain);
  out.bytes(plain);
  return out.take();
}

Result<Batch> decode_batch(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  const std::uint8_t form = in.u8();
  if (!in.ok()) return fail(ErrorKind::corruption, "batch: shorter than its header");
  if (version < kOldestBatchVersion || version > kBatchVersion) {
    return fail(ErrorKind::corruption, "batch: unknown format version " + std::to_string(version));
  }
  std::string unpacked;
  std::string_view plain;
  if (form == kBatchPlain) {
    plain = in.bytes(in.remaining());
  } else if (form == kBatchZstd) {
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > kMaxDecodedBatch)
      return fail(ErrorKind::corruption, "batch: bad uncompressed size");
    auto raw = decompress(Codec::zstd, in.bytes(in.remaining()), size);
    if (!raw) return fail(ErrorKind::corruption, "batch: " + raw.error().message());
    if (raw->size() != size) return fail(ErrorKind::corruption, "batch: wrong uncompressed size");
    unpacked = std::move(*raw);
    plain = unpacked;
  } else {
    return fail(ErrorKind::corruption, "batch: unknown form " + std::to_string(form));
  }
  Batch batch;
  if (!BatchDecoder(plain, version).decode(batch)) return fail(ErrorKind::corruption, "batch: malformed");
  return batch;
}

}  // namespace telltale::storage
