// The parts of the batch's codec, for this folder's .cpp files: what stands behind the version and form
// bytes, uncompressed. docs/formats/journal.md has the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "model/event_row.hpp"
#include "storage/batch.hpp"

namespace telltale::storage {

constexpr std::uint8_t kBatchVersion = 7;
constexpr std::uint8_t kOldestBatchVersion = 1;
static_assert(kItemsVersion <= kBatchVersion);

// The lower four bits of an attribute's tag; its kind stands in the upper ones.
enum BatchAttrTag : std::uint8_t {
  kBatchText = 0,
  kBatchInt = 1,
  kBatchDouble = 2,
  kBatchFalse = 3,  // up to version 2
  kBatchTrue = 4,   // up to version 2
  kBatchBool = 5    // from version 3
};

// From version 3 on, a text value is 0 (new, in place), 1 (a piece of the message) or an entry of the table
// of texts plus this.
constexpr std::uint64_t kBatchTextNew = 0;
constexpr std::uint64_t kBatchTextInMessage = 1;
constexpr std::uint64_t kBatchTextKnown = 2;
// An id column is 0 (empty), 1 (new, in place), or a number whose lowest bit says where: in the row's
// attributes or in the table.
constexpr std::uint64_t kBatchIdEmpty = 0;
constexpr std::uint64_t kBatchIdNew = 1;
constexpr std::uint64_t kBatchIdFirst = 2;
// Trace and span id: absent, in place, or the text of an attribute.
enum BatchIdFrom : std::uint8_t {
  kTraceInPlace = 1,
  kSpanInPlace = 2,
  kTraceInAttribute = 4,
  kSpanInAttribute = 8,
  kBatchIdFromAll = 15
};

/// Differences wrap, so that any two times have one.
inline std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// The text id columns in their stored order.
template <class Ids>
auto batch_text_ids(Ids& ids) {
  return std::array{&ids.environment, &ids.release, &ids.service,    &ids.host,
                    &ids.request_id,  &ids.user_id, &ids.transaction};
}
constexpr std::size_t kBatchTextIds = 7;

// A histogram's first byte: its reset hint, and what else is to be known of its form.
enum BatchHistogramForm : std::uint8_t {
  kHistogramHint = 3,
  kHistogramInteger = 4,  // as its source counted
  kHistogramVarints = 8,  // counts stand as integers
  kHistogramCustom = 16,  // custom bounds follow
  kHistogramFormAll = 31
};
/// What a histogram takes at least, without its place among the samples.
constexpr std::size_t kMinHistogramBytes = 16;
/// All but the sum, which is the sample's value. The histogram is well-formed.
void put_histogram(ByteWriter& out, const Histogram& h);
/// Null when malformed. A count is held against the bytes that are left.
std::shared_ptr<const Histogram> read_histogram(ByteReader& in, double sum);

/// With version and form in front, compressed where that pays.
std::string framed(std::string_view plain);
/// Version 3, which has no items, and later. False when malformed.
bool decode_plain(std::string_view bytes, std::uint8_t version, Batch& batch);
/// Versions 1 and 2.
bool decode_plain_before_3(std::string_view bytes, std::uint8_t version, Batch& batch);

}  // namespace telltale::storage
