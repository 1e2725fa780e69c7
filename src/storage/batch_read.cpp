// The counterpart of batch_write.cpp. Nothing it makes is much larger than its input: counts are held against
// the bytes that are left, and the pieces of a message do not overlap.
#include <vector>

#include "base/bytes.hpp"
#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

class BatchDecoder {
 public:
  BatchDecoder(std::string_view in, std::uint8_t version) : in_(in), version_(version) {}

  bool decode(Batch& batch) {
    batch.project = project();
    batch.received.ns = in_.zigzag();
    for (const Table table : kTables) {
      const std::uint64_t n = count(kMinRowBytes);
      auto& rows = batch.rows(table);
      rows.reserve(n);
      last_time_ = batch.received.ns;
      for (std::uint64_t i = 0; i < n && ok(); ++i) read_row(batch, rows.emplace_back());
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
    if (version_ >= 6) {
      read_start_times(batch);
      read_histograms(batch);
    }
    if (version_ >= 4 && !read_items(in_, version_, batch.items)) ok_ = false;
    return ok() && in_.empty();
  }

 private:
  static constexpr std::size_t kMinRowBytes = 15;

  struct ReadShape {
    std::vector<std::string_view> names;
    std::vector<std::uint8_t> tags;
  };

  bool ok() const { return ok_ && in_.ok(); }
  /// The sample that a list speaks of next, `next` being the one behind its last; null when there is none.
  Sample* sample_at(Batch& batch, std::size_t& next) {
    const std::uint64_t skip = in_.varint();
    if (!ok() || skip >= batch.samples.size() - next) {
      ok_ = false;
      return nullptr;
    }
    next += skip + 1;
    return &batch.samples[next - 1].sample;
  }
  void read_start_times(Batch& batch) {
    const std::uint64_t n = count(2);
    std::size_t next = 0;
    std::int64_t last = batch.received.to_millis().ms;
    for (std::uint64_t i = 0; i < n && ok(); ++i) {
      Sample* sample = sample_at(batch, next);
      if (sample == nullptr) return;
      last = wrapping_add(last, in_.zigzag());
      sample->start.ms = last;
    }
  }
  void read_histograms(Batch& batch) {
    const std::uint64_t n = count(1 + kMinHistogramBytes);
    std::size_t next = 0;
    for (std::uint64_t i = 0; i < n && ok(); ++i) {
      Sample* sample = sample_at(batch, next);
      if (sample == nullptr) return;
      sample->histogram = read_histogram(in_, sample->value);
      if (sample->histogram == nullptr) ok_ = false;
    }
  }
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
  std::string_view bad() {
    ok_ = false;
    return {};
  }
  std::string_view new_text() {
    texts_.push_back(in_.string());
    return texts_.back();
  }
  std::string_view known_text(std::uint64_t number) {
    return number < texts_.size() ? texts_[number] : bad();
  }
  std::string_view text() {
    const std::uint64_t ref = in_.varint();
    if (ref == kBatchTextNew) return new_text();
    return ref < kBatchTextKnown ? bad() : known_text(ref - kBatchTextKnown);
  }
  std::string_view value_text(std::string_view message, std::size_t& after) {
    const std::uint64_t ref = in_.varint();
    if (ref == kBatchTextNew) return new_text();
    if (ref != kBatchTextInMessage) return known_text(ref - kBatchTextKnown);
    const std::uint64_t skip = in_.varint();
    const std::uint64_t size = in_.varint();
    const std::size_t left = message.size() - after;
    if (skip > left || size > left - skip) return bad();
    const std::string_view piece = message.substr(after + skip, size);
    after += skip + size;
    return piece;
  }
  double read_double() {
    const std::uint64_t v = in_.varint();
    if (v == 0) return in_.f64();
    const std::uint64_t z = v - 1;
    return static_cast<double>(static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1)) / 1000;
  }
  AttrValue value(std::uint8_t tag, std::string_view message, std::size_t& after) {
    switch (tag & 0x0F) {
      case kBatchText:
        return std::string(value_text(message, after));
      case kBatchInt:
        return in_.zigzag();
      case kBatchDouble:
        return read_double();
      default: {
        const std::uint8_t v = in_.u8();
        if (v > 1) ok_ = false;
        return v == 1;
      }
    }
  }

  /// nullptr when the bytes are bad.
  const ReadShape* shape() {
    const std::uint64_t ref = in_.varint();
    if (ref != 0) {
      if (ref > shapes_.size()) ok_ = false;
      return ok_ ? &shapes_[ref - 1] : nullptr;
    }
    ReadShape shape;
    const std::uint64_t n = count(2);
    for (std::uint64_t i = 0; i < n && ok(); ++i) {
      shape.names.push_back(text());
      const std::uint8_t tag = in_.u8();
      const std::uint8_t type = tag & 0x0F;
      if ((tag >> 4) >= kAttrKinds || (type > kBatchDouble && type != kBatchBool)) ok_ = false;
      shape.tags.push_back(tag);
    }
    if (!ok()) return nullptr;
    shapes_.push_back(std::move(shape));
    return &shapes_.back();
  }

  void read_attributes(EventRow& r) {
    const ReadShape* s = shape();
    if (s == nullptr) return;
    if (s->names.size() > in_.remaining()) {
      ok_ = false;
      return;
    }
    std::size_t after = 0;
    r.attributes.reserve(s->names.size());
    for (std::size_t i = 0; i < s->names.size() && ok(); ++i) {
      const std::uint8_t tag = s->tags[i];
      r.attributes.push_back(
          {std::string(s->names[i]), value(tag, r.message, after), static_cast<AttrKind>(tag >> 4)});
    }
  }

  std::string_view attribute_text(const EventRow& r, std::uint64_t i) {
    if (!ok() || i >= r.attributes.size()) return bad();
    const auto* text = std::get_if<std::string>(&r.attributes[i].value);
    return text != nullptr ? std::string_view(*text) : bad();
  }
  std::string_view text_id(const EventRow& r) {
    const std::uint64_t ref = in_.varint();
    if (ref == kBatchIdEmpty) return {};
    if (ref == kBatchIdNew) return new_text();
    const std::uint64_t i = (ref - kBatchIdFirst) / 2;
    return (ref & 1) == 0 ? attribute_text(r, i) : known_text(i);
  }
  template <class Id>
  Id id_in_attribute(const EventRow& r) {
    const auto id = Id::parse(attribute_text(r, in_.varint()));
    if (!id) ok_ = false;
    return id.value_or(Id{});
  }

  void read_row(const Batch& batch, EventRow& r) {
    r.project = project();
    last_time_ = wrapping_add(last_time_, in_.zigzag());
    r.time.ns = last_time_;
    r.received.ns = wrapping_add(batch.received.ns, in_.zigzag());
    EventIds& ids = r.ids;
    const std::uint8_t level = in_.u8();
    if (level > static_cast<std::uint8_t>(Level::fatal)) {
      ok_ = false;
    } else {
      ids.level = static_cast<Level>(level);
    }
    r.message = std::string(in_.string());
    r.payload = std::string(in_.string());
    read_attributes(r);
    for (std::string* id : batch_text_ids(ids)) *id = std::string(text_id(r));
    const std::uint8_t from = in_.u8();
    if (from > kBatchIdFromAll) ok_ = false;
    if ((from & kTraceInPlace) != 0) {
      ids.trace_id.hi = in_.u64();
      ids.trace_id.lo = in_.u64();
    } else if ((from & kTraceInAttribute) != 0) {
      ids.trace_id = id_in_attribute<Id128>(r);
    }
    if ((from & kSpanInPlace) != 0) {
      ids.span_id.value = in_.u64();
    } else if ((from & kSpanInAttribute) != 0) {
      ids.span_id = id_in_attribute<Id64>(r);
    }
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
  const std::uint8_t version_;
  bool ok_ = true;
  std::vector<std::string_view> texts_;
  std::vector<ReadShape> shapes_;
  std::int64_t last_time_ = 0;
};

}  // namespace

bool decode_plain(std::string_view bytes, std::uint8_t version, Batch& batch) {
  return BatchDecoder(bytes, version).decode(batch);
}

}  // namespace telltale::storage
