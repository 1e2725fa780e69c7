// The frame of a batch (docs/formats/journal.md): one version byte, one form byte (1: the rest is zstd,
// preceded by its raw size as a varint), then what batch_write.cpp writes and batch_read.cpp reads.
#include "storage/batch.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"
#include "base/limits.hpp"
#include "storage/batch_codec.hpp"

namespace telltale::storage {
namespace {

constexpr std::uint8_t kBatchPlain = 0;
constexpr std::uint8_t kBatchZstd = 1;
constexpr std::size_t kCompressFrom = 256;
constexpr int kBatchZstdLevel = 1;
// More than any record may hold uncompressed: ingest limits a request's decoded body to less.
constexpr std::size_t kMaxDecodedBatch = 4 * limits::kMaxDecodedBodyBytes;

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

std::string framed(std::string_view plain) {
  ByteWriter out;
  out.u8(kBatchVersion);
  if (plain.size() >= kCompressFrom && plain.size() <= kMaxDecodedBatch) {
    const std::string packed = compress(Codec::zstd, plain, kBatchZstdLevel);
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
  const bool whole =
      version >= 3 ? decode_plain(plain, version, batch) : decode_plain_before_3(plain, version, batch);
  if (!whole) return fail(ErrorKind::corruption, "batch: malformed");
  return batch;
}

}  // namespace telltale::storage
