// Batches as versions 1 and 2 wrote them: every text, names included, is a reference into one table, and each
// attribute carries its name and tag. Version 1 knew no kinds of attributes: all are metadata. Journals
// written before version 3 are read with this.
#include <vector>

#include "base/bytes.hpp"
#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

class OldBatchDecoder {
 public:
  OldBatchDecoder(std::string_view in, std::uint8_t version) : in_(in), has_kinds_(version >= 2) {}

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
      case kBatchText:
        return std::string(text());
      case kBatchInt:
        return in_.zigzag();
      case kBatchDouble:
        return in_.f64();
      case kBatchFalse:
        return false;
      case kBatchTrue:
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

bool decode_plain_before_3(std::string_view bytes, std::uint8_t version, Batch& batch) {
  return OldBatchDecoder(bytes, version).decode(batch);
}

}  // namespace telltale::storage
