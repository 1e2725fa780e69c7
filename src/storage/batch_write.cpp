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
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

constexpr std::size_t kShortestPiece = 3;  // of a message, worth looking for
constexpr std::size_t kPieceWindow = 128;  // how far ahead of the last one
constexpr int kIdSearches = 16;            // of a shape's attributes for an id column, until it is given up

/// Texts by their content, numbered in order of first use. They stand in what has been written already, so
/// that the rows they came from may move.
class TextTable {
 public:
  explicit TextTable(const ByteWriter& out) : out_(out) {}

  struct Place {
    std::size_t slot = 0;
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
    bool known() const { return number != kNone; }
  };
  Place find(std::string_view text) {
    if (texts_.size() * 2 >= slots_.size()) grow();
    Place place;
    place.hash = hash64(text);
    for (place.slot = place.hash & mask_;; place.slot = (place.slot + 1) & mask_) {
      const Slot& slot = slots_[place.slot];
      if (slot.number == 0) return place;
      if (slot.tag == tag(place.hash) && is(slot.number - 1, text)) {
        place.number = slot.number - 1;
        return place;
      }
    }
  }
  /// The text that find() did not know has been written, and ends here.
  std::uint32_t added(const Place& place, std::size_t size) {
    texts_.push_back({out_.size() - size, size, place.hash});
    slots_[place.slot] = {tag(place.hash), static_cast<std::uint32_t>(texts_.size())};
    return static_cast<std::uint32_t>(texts_.size() - 1);
  }
  bool is(std::uint32_t number, std::string_view text) const {
    const Text& t = texts_[number];
    return t.size == text.size() && std::memcmp(out_.view().data() + t.begin, text.data(), t.size) == 0;
  }
  static constexpr std::uint32_t kNone = UINT32_MAX;

 private:
  struct Text {
    std::size_t begin;
    std::size_t size;
    std::uint64_t hash;
  };
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  // 0: free
  };
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  void grow() {
    std::vector<Slot> slots(std::max<std::size_t>(slots_.size() * 2, 1024));
    mask_ = slots.size() - 1;
    for (std::size_t n = 0; n < texts_.size(); ++n) {
      std::size_t i = texts_[n].hash & mask_;
      while (slots[i].number != 0) i = (i + 1) & mask_;
      slots[i] = {tag(texts_[n].hash), static_cast<std::uint32_t>(n + 1)};
    }
    slots_ = std::move(slots);
  }
  const ByteWriter& out_;
  std::vector<Text> texts_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

std::uint8_t tag_of(const Attr& a) {
  static constexpr std::uint8_t kTags[] = {kBatchText, kBatchInt, kBatchDouble, kBatchBool};
  return static_cast<std::uint8_t>(kTags[a.value.index()] | static_cast<std::uint8_t>(a.kind) << 4);
}

struct Shape {
  struct Attribute {
    std::string name;
    std::uint8_t tag = 0;
    // Of the last row: how far behind the piece before it the text stood in the message, and its number in
    // the table. The next row's is looked for there first.
    std::uint32_t gap = UINT32_MAX;
    std::uint32_t text = TextTable::kNone;
  };
  std::size_t number = 0;
  std::vector<Attribute> attributes;
  // The attribute that was equal to an id column when last looked; -1: none.
  std::array<int, kBatchTextIds> id_from;
  int trace_from = -1;
  int span_from = -1;
  int searches = 0;

  bool fits(const std::vector<Attr>& row) const {
    if (attributes.size() != row.size()) return false;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (attributes[i].tag != tag_of(row[i]) || attributes[i].name != row[i].name) return false;
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

}  // namespace

/// The rows of one table, and around them the rest of a batch.
class BatchEncoder::Impl {
 public:
  Impl(ProjectId project, UnixNanos received)
      : project_(project), received_(received), last_time_(received.ns), texts_(out_) {
    out_ = ByteWriter(std::move(spare_buffer()));
    out_.bytes(std::string_view(kNoHead, sizeof kNoHead));
  }
  ~Impl() {
    std::string& spare = spare_buffer();
    std::string mine = out_.take();
    if (mine.capacity() <= kLargestSpare && mine.capacity() > spare.capacity()) spare = std::move(mine);
  }

  /// Rows of one table after the other; `table` is not before that of the last row.
  void add(Table table, const EventRow& row) {
    if (!started_) table_ = table;
    started_ = true;
    if (table != table_) {
      mixed_ = true;
      return;
    }
    ++rows_;
    put_row(row);
  }
  bool holds(const Batch& batch) const {
    if (mixed_ || batch.project != project_ || batch.received != received_) return false;
    return std::all_of(std::begin(kTables), std::end(kTables), [&](Table t) {
      return batch.rows(t).size() == (started_ && t == table_ ? rows_ : 0);
    });
  }
  /// The whole batch, uncompressed; holds(batch).
  std::string_view finish(const Batch& batch) {
    ByteWriter head;
    put_head(head);
    for (const Table table : kTables) {
      if (started_ && table == table_) {
        head.varint(rows_);
        break;
      }
      head.varint(0);
    }
    if (started_)
      for (std::size_t after = static_cast<std::size_t>(table_); after < std::size(kTables); ++after)
        out_.varint(0);
    put_series(batch);
    const std::size_t begin = sizeof kNoHead - head.size();
    out_.overwrite(begin, head.view());
    return out_.view().substr(begin);
  }
  /// Any batch; nothing has been added.
  std::string_view encode(const Batch& batch) {
    put_head(out_);
    for (const Table table : kTables) {
      const auto& rows = batch.rows(table);
      out_.varint(rows.size());
      last_time_ = batch.received.ns;
      for (const EventRow& row : rows) put_row(row);
    }
    put_series(batch);
    return out_.view().substr(sizeof kNoHead);
  }

 private:
  // Room for what stands before the first row, which is known last.
  static constexpr char kNoHead[40] = {};
  static constexpr std::size_t kLargestSpare = 4 * limits::MiB;

  /// What the last batch of this thread was written to: fresh pages cost more than what is written there.
  static std::string& spare_buffer() {
    thread_local std::string spare;
    return spare;
  }
  void put_head(ByteWriter& out) const {
    out.varint(project_.value);
    out.zigzag(received_.ns);
  }
  void put_series(const Batch& batch) {
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
    put_start_times(batch);
    put_histograms(batch);
    put_items(out_, batch.items);
  }

  // Few batches have either: a list of those that do, each with its distance from the one before.
  void put_start_times(const Batch& batch) {
    const auto told = [](const SamplePoint& p) { return p.sample.start.ms != 0; };
    out_.varint(static_cast<std::uint64_t>(std::count_if(batch.samples.begin(), batch.samples.end(), told)));
    std::size_t next = 0;
    std::int64_t last = batch.received.to_millis().ms;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const SamplePoint& p = batch.samples[i];
      if (!told(p)) continue;
      out_.varint(i - next);
      out_.zigzag(wrapping_sub(p.sample.start.ms, last));
      next = i + 1;
      last = p.sample.start.ms;
    }
  }
  void put_histograms(const Batch& batch) {
    const auto one = [](const SamplePoint& p) { return p.sample.histogram != nullptr; };
    out_.varint(static_cast<std::uint64_t>(std::count_if(batch.samples.begin(), batch.samples.end(), one)));
    std::size_t next = 0;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const SamplePoint& p = batch.samples[i];
      if (!one(p)) continue;
      out_.varint(i - next);
      put_histogram(out_, *p.sample.histogram);
      next = i + 1;
    }
  }

  /// The text's number in the table.
  std::uint32_t put_text(std::string_view s) {
    const auto place = texts_.find(s);
    if (place.known()) {
      out_.varint(place.number + kBatchTextKnown);
      return place.number;
    }
    out_.varint(kBatchTextNew);
    out_.string(s);
    return texts_.added(place, s.size());
  }

  void put_piece(std::size_t at, std::size_t size, std::size_t& after) {
    out_.varint(kBatchTextInMessage);
    out_.varint(at);
    out_.varint(size);
    after += at + size;
  }
  // `after` is where the last piece of the message ended.
  void put_value_text(std::string_view s, std::string_view message, std::size_t& after,
                      Shape::Attribute& was) {
    if (was.text != TextTable::kNone && texts_.is(was.text, s))
      return out_.varint(was.text + kBatchTextKnown);
    const std::size_t left = message.size() - after;
    if (s.size() >= kShortestPiece && s.size() <= left) {
      if (was.gap <= left - s.size() &&
          std::memcmp(message.data() + after + was.gap, s.data(), s.size()) == 0)
        return put_piece(was.gap, s.size(), after);
      const std::string_view window = message.substr(after, kPieceWindow + s.size());
      if (const std::size_t at = window.find(s); at != std::string_view::npos) {
        was.gap = static_cast<std::uint32_t>(at);
        return put_piece(at, s.size(), after);
      }
    }
    was.text = put_text(s);
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
      shape.attributes.push_back({a.name, tag_of(a)});
      out_.u8(tag_of(a));
    }
    known = last_shape_ = &shape;
    return shape;
  }

  void put_attributes(const EventRow& row, Shape& shape) {
    std::size_t after = 0;
    for (std::size_t i = 0; i < row.attributes.size(); ++i) {
      const Attr& a = row.attributes[i];
      switch (a.value.index()) {
        case 0:
          put_value_text(*std::get_if<std::string>(&a.value), row.message, after, shape.attributes[i]);
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
    const auto place = texts_.find(id);
    if (place.known()) return out_.varint(kBatchIdFirst + 2 * std::uint64_t{place.number} + 1);
    out_.varint(kBatchIdNew);
    out_.string(id);
    texts_.added(place, id.size());
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

  void put_row(const EventRow& row) {
    out_.varint(row.project.value);
    out_.zigzag(wrapping_sub(row.time.ns, last_time_));
    last_time_ = row.time.ns;
    out_.zigzag(wrapping_sub(row.received.ns, received_.ns));
    out_.u8(static_cast<std::uint8_t>(row.ids.level));
    out_.string(row.message);
    out_.string(row.payload);
    Shape& shape = shape_of(row.attributes);
    put_attributes(row, shape);
    put_ids(row, shape);
  }

  const ProjectId project_;
  const UnixNanos received_;
  std::int64_t last_time_ = 0;
  ByteWriter out_;
  TextTable texts_;
  std::deque<Shape> shapes_;
  std::unordered_map<std::uint64_t, Shape*> shapes_by_hash_;
  Shape* last_shape_ = nullptr;
  Table table_ = Table::logs;
  std::size_t rows_ = 0;
  bool started_ = false;
  bool mixed_ = false;  // rows of two tables
};

BatchEncoder::BatchEncoder(ProjectId project, UnixNanos received)
    : impl_(std::make_unique<Impl>(project, received)) {}
BatchEncoder::~BatchEncoder() = default;
BatchEncoder::BatchEncoder(BatchEncoder&&) noexcept = default;
BatchEncoder& BatchEncoder::operator=(BatchEncoder&&) noexcept = default;

void BatchEncoder::add(Table table, const EventRow& row) { impl_->add(table, row); }

std::string BatchEncoder::finish(const Batch& batch) {
  return impl_->holds(batch) ? framed(impl_->finish(batch)) : encode_batch(batch);
}

std::string encode_batch(const Batch& batch) {
  return framed(BatchEncoder::Impl(batch.project, batch.received).encode(batch));
}

}  // namespace telltale::storage
