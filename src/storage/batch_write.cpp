// Writing a batch costs every accepted row its time, so most of it is avoided. Rows of one source have the
// same attributes in the same order: their names and types, the shape, are written once and referred to.
// Texts that were read out of the message stand in it, one behind the other, and are written as places there;
// others are references into a table of texts in order of first use. Id columns are mostly the text of an
// attribute, and which one it was for the last row of the shape it is for the next.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

constexpr std::size_t kShortestPiece = 3;   // of a message, worth looking for
constexpr std::size_t kPieceWindow = 128;   // how far ahead of the last one
constexpr std::size_t kRowBytesGuess = 96;  // beside its message and payload
constexpr int kIdSearches = 16;             // of a shape's attributes for an id column, until it is given up

/// Texts by their content, numbered in order of first use. Views: the batch outlives it.
class TextTable {
 public:
  /// The number of a text that is known, or its size() before it was added.
  std::size_t find_or_add(std::string_view text, bool& fresh) {
    if (texts_.size() * 2 >= slots_.size()) grow();
    const std::uint64_t hash = hash64(text);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.number == 0) {
        slots_[i] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(texts_.size() + 1)};
        texts_.push_back(text);
        fresh = true;
        return texts_.size() - 1;
      }
      if (slot.tag == static_cast<std::uint32_t>(hash >> 32) && texts_[slot.number - 1] == text) {
        fresh = false;
        return slot.number - 1;
      }
    }
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  // 0: free
  };
  void grow() {
    std::vector<Slot> slots(std::max<std::size_t>(slots_.size() * 2, 1024));
    mask_ = slots.size() - 1;
    for (std::size_t n = 0; n < texts_.size(); ++n) {
      const std::uint64_t hash = hash64(texts_[n]);
      std::size_t i = hash & mask_;
      while (slots[i].number != 0) i = (i + 1) & mask_;
      slots[i] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(n + 1)};
    }
    slots_ = std::move(slots);
  }
  std::vector<std::string_view> texts_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

std::uint8_t tag_of(const Attr& a) {
  static constexpr std::uint8_t kTags[] = {kBatchText, kBatchInt, kBatchDouble, kBatchBool};
  return static_cast<std::uint8_t>(kTags[a.value.index()] | static_cast<std::uint8_t>(a.kind) << 4);
}

struct Shape {
  std::size_t number = 0;
  std::vector<std::string_view> names;
  std::vector<std::uint8_t> tags;
  // The attribute that was equal to an id column when last looked; -1: none.
  std::array<int, kBatchTextIds> id_from;
  int trace_from = -1;
  int span_from = -1;
  int searches = 0;

  bool fits(const std::vector<Attr>& attributes) const {
    if (attributes.size() != names.size()) return false;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (tags[i] != tag_of(attributes[i]) || names[i] != attributes[i].name) return false;
    return true;
  }
};

/// An id's hex() without an allocation.
class HexText {
 public:
  explicit HexText(Id128 id) : size_(32) {
    put(id.hi, 0);
    put(id.lo, 16);
  }
  explicit HexText(Id64 id) : size_(16) { put(id.value, 0); }
  std::string_view view() const { return {text_, size_}; }

 private:
  void put(std::uint64_t v, std::size_t at) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 16; i-- > 0; v >>= 4) text_[at + i] = kDigits[v & 15];
  }
  char text_[32];
  std::size_t size_;
};

const std::string* text_at(const EventRow& row, int attribute) {
  if (attribute < 0) return nullptr;
  return std::get_if<std::string>(&row.attributes[static_cast<std::size_t>(attribute)].value);
}

/// The first attribute whose text pleases; -1: none.
template <class Pleases>
int find_attribute(const EventRow& row, Pleases pleases) {
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    const auto* text = std::get_if<std::string>(&row.attributes[i].value);
    if (text != nullptr && pleases(*text)) return static_cast<int>(i);
  }
  return -1;
}

class BatchEncoder {
 public:
  std::string encode(const Batch& batch) {
    std::size_t size = 1024;
    for (const Table table : kTables)
      for (const EventRow& row : batch.rows(table))
        size += row.message.size() + row.payload.size() + kRowBytesGuess;
    out_.reserve(size);
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
  void put_text(std::string_view s) {
    bool fresh = false;
    const std::size_t number = texts_.find_or_add(s, fresh);
    if (!fresh) return out_.varint(number + kBatchTextKnown);
    out_.varint(kBatchTextNew);
    out_.string(s);
  }

  // `after` is where the last piece of the message ended.
  void put_value_text(std::string_view s, std::string_view message, std::size_t& after) {
    if (s.size() >= kShortestPiece && s.size() <= message.size() - after) {
      const std::string_view window = message.substr(after, kPieceWindow + s.size());
      if (const std::size_t at = window.find(s); at != std::string_view::npos) {
        out_.varint(kBatchTextInMessage);
        out_.varint(at);
        out_.varint(s.size());
        after += at + s.size();
        return;
      }
    }
    put_text(s);
  }

  // Prices and durations have few decimals: as thousandths they take two or three bytes instead of eight.
  void put_double(double value) {
    const double scaled = value * 1000;
    if (std::fabs(scaled) < 0x1p52) {
      const auto thousandths = static_cast<std::int64_t>(std::llround(scaled));
      if (std::bit_cast<std::uint64_t>(static_cast<double>(thousandths) / 1000) ==
          std::bit_cast<std::uint64_t>(value)) {
        out_.varint(
            ((static_cast<std::uint64_t>(thousandths) << 1) ^ static_cast<std::uint64_t>(thousandths >> 63)) +
            1);
        return;
      }
    }
    out_.varint(0);
    out_.f64(value);
  }

  Shape& shape_of(const std::vector<Attr>& attributes) {
    if (last_shape_ != nullptr && last_shape_->fits(attributes)) {
      out_.varint(last_shape_->number + 1);
      return *last_shape_;
    }
    std::uint64_t hash = attributes.size();
    for (const Attr& a : attributes) hash = hash64(a.name, hash ^ tag_of(a));
    auto& known = shapes_by_hash_[hash];
    if (known != nullptr && known->fits(attributes)) {
      out_.varint(known->number + 1);
      last_shape_ = known;
      return *known;
    }
    Shape& shape = shapes_.emplace_back();
    shape.number = shapes_.size() - 1;
    shape.id_from.fill(-1);
    out_.varint(0);
    out_.varint(attributes.size());
    for (const Attr& a : attributes) {
      put_text(a.name);
      shape.names.push_back(a.name);
      shape.tags.push_back(tag_of(a));
      out_.u8(shape.tags.back());
    }
    known = last_shape_ = &shape;
    return shape;
  }

  void put_attributes(const EventRow& row) {
    std::size_t after = 0;
    for (const Attr& a : row.attributes) {
      switch (a.value.index()) {
        case 0:
          put_value_text(*std::get_if<std::string>(&a.value), row.message, after);
          break;
        case 1:
          out_.zigzag(*std::get_if<std::int64_t>(&a.value));
          break;
        case 2:
          put_double(*std::get_if<double>(&a.value));
          break;
        default:
          out_.u8(*std::get_if<bool>(&a.value) ? 1 : 0);
      }
    }
  }

  void put_text_id(const std::string& id, const EventRow& row, Shape& shape, int& from) {
    if (id.empty()) return out_.varint(kBatchIdEmpty);
    const std::string* text = text_at(row, from);
    if ((text == nullptr || *text != id) && shape.searches < kIdSearches) {
      ++shape.searches;
      from = find_attribute(row, [&](const std::string& t) { return t == id; });
      text = text_at(row, from);
    }
    if (text != nullptr && *text == id)
      return out_.varint(kBatchIdFirst + 2 * static_cast<std::uint64_t>(from));
    bool fresh = false;
    const std::size_t number = texts_.find_or_add(id, fresh);
    if (!fresh) return out_.varint(kBatchIdFirst + 2 * number + 1);
    out_.varint(kBatchIdNew);
    out_.string(id);
  }

  /// Whether an attribute, then `from`, is the id in lower-case hex.
  template <class Id>
  bool stands_in(const EventRow& row, Shape& shape, Id id, int& from) {
    const HexText hex(id);
    const auto same = [&](const std::string& text) { return text == hex.view(); };
    if (const std::string* text = text_at(row, from); text != nullptr && same(*text)) return true;
    if (shape.searches >= kIdSearches) return false;
    ++shape.searches;
    from = find_attribute(row, same);
    return from >= 0;
  }

  void put_ids(const EventRow& row, Shape& shape) {
    const EventIds& ids = row.ids;
    const auto texts = batch_text_ids(ids);
    for (std::size_t i = 0; i < kBatchTextIds; ++i) put_text_id(*texts[i], row, shape, shape.id_from[i]);
    const bool trace_there = ids.trace_id.present() && stands_in(row, shape, ids.trace_id, shape.trace_from);
    const bool span_there = ids.span_id.present() && stands_in(row, shape, ids.span_id, shape.span_from);
    out_.u8(static_cast<std::uint8_t>((trace_there              ? kTraceInAttribute
                                       : ids.trace_id.present() ? kTraceInPlace
                                                                : 0) |
                                      (span_there              ? kSpanInAttribute
                                       : ids.span_id.present() ? kSpanInPlace
                                                               : 0)));
    if (trace_there) {
      out_.varint(static_cast<std::uint64_t>(shape.trace_from));
    } else if (ids.trace_id.present()) {
      out_.u64(ids.trace_id.hi);
      out_.u64(ids.trace_id.lo);
    }
    if (span_there) {
      out_.varint(static_cast<std::uint64_t>(shape.span_from));
    } else if (ids.span_id.present()) {
      out_.u64(ids.span_id.value);
    }
  }

  void put_row(const Batch& batch, const EventRow& row) {
    out_.varint(row.project.value);
    out_.zigzag(wrapping_sub(row.time.ns, last_time_));
    last_time_ = row.time.ns;
    out_.zigzag(wrapping_sub(row.received.ns, batch.received.ns));
    out_.u8(static_cast<std::uint8_t>(row.ids.level));
    out_.string(row.message);
    out_.string(row.payload);
    Shape& shape = shape_of(row.attributes);
    put_attributes(row);
    put_ids(row, shape);
  }

  ByteWriter out_;
  TextTable texts_;
  std::deque<Shape> shapes_;
  std::unordered_map<std::uint64_t, Shape*> shapes_by_hash_;
  Shape* last_shape_ = nullptr;
  std::int64_t last_time_ = 0;
};

}  // namespace

std::string encode_plain(const Batch& batch) { return BatchEncoder().encode(batch); }

}  // namespace telltale::storage
