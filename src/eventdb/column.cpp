#include "eventdb/column.hpp"

#include <unordered_map>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"
#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kPlainBytes = 0;
constexpr std::uint8_t kZstdBytes = 1;
constexpr std::uint8_t kPlainStrings = 0;
constexpr std::uint8_t kDictionaryStrings = 1;
constexpr std::size_t kWorthCompressing = 48;
constexpr std::size_t kMaxDictionary = 65536;

tl::unexpected<Error> bad_column(std::string what) {
  return fail(ErrorKind::corruption, "column: " + std::move(what));
}

}  // namespace

std::string pack_bytes(std::string_view raw) {
  ByteWriter out;
  if (raw.size() >= kWorthCompressing) {
    const std::string zipped = compress(Codec::zstd, raw, 1);
    if (zipped.size() + zipped.size() / 16 < raw.size()) {
      out.u8(kZstdBytes);
      out.varint(raw.size());
      out.bytes(zipped);
      return out.take();
    }
  }
  out.u8(kPlainBytes);
  out.varint(raw.size());
  out.bytes(raw);
  return out.take();
}

Result<std::string> unpack_bytes(std::string_view packed) {
  ByteReader in(packed);
  const std::uint8_t codec = in.u8();
  const std::uint64_t size = in.varint();
  if (!in.ok() || size > limits::kEventColumnBytes) return bad_column("bad header");
  const std::string_view bytes = in.bytes(in.remaining());
  if (codec == kPlainBytes) {
    if (bytes.size() != size) return bad_column("wrong size");
    return std::string(bytes);
  }
  if (codec != kZstdBytes) return bad_column("unknown codec");
  auto raw = decompress(Codec::zstd, bytes, size);
  if (!raw || raw->size() != size) return bad_column("does not decompress");
  return raw;
}

std::string encode_ints(std::span<const std::int64_t> values) {
  ByteWriter raw;
  std::uint64_t last = 0;
  for (const std::int64_t v : values) {
    raw.zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(v) - last));
    last = static_cast<std::uint64_t>(v);
  }
  return pack_bytes(raw.view());
}

Result<std::vector<std::int64_t>> decode_ints(std::string_view packed, std::size_t rows) {
  TT_ASSIGN(const std::string raw, unpack_bytes(packed));
  if (raw.size() < rows) return bad_column("too few integers");
  std::vector<std::int64_t> out(rows);
  ByteReader in(raw);
  std::uint64_t last = 0;
  for (std::int64_t& v : out) {
    last += static_cast<std::uint64_t>(in.zigzag());
    v = static_cast<std::int64_t>(last);
  }
  if (!in.ok() || !in.empty()) return bad_column("wrong number of integers");
  return out;
}

std::string StringColumn::encode(std::span<const std::string_view> values) {
  std::unordered_map<std::string_view, std::uint16_t> dictionary;
  std::vector<std::string_view> distinct;
  std::vector<std::uint16_t> codes;
  codes.reserve(values.size());
  const std::size_t most = std::min(kMaxDictionary, values.size() / 2 + 1);
  for (const std::string_view v : values) {
    const auto [at, is_new] = dictionary.try_emplace(v, static_cast<std::uint16_t>(distinct.size()));
    if (is_new) {
      if (distinct.size() == most) break;
      distinct.push_back(v);
    }
    codes.push_back(at->second);
  }
  const bool use_dictionary = codes.size() == values.size();
  const std::span<const std::string_view> stored = use_dictionary ? distinct : values;
  ByteWriter raw;
  raw.u8(use_dictionary ? kDictionaryStrings : kPlainStrings);
  raw.varint(stored.size());
  for (const std::string_view v : stored) raw.varint(v.size());
  for (const std::string_view v : stored) raw.bytes(v);
  if (use_dictionary && distinct.size() > 1)
    for (const std::uint16_t code : codes) raw.varint(code);
  return pack_bytes(raw.view());
}

Result<StringColumn> StringColumn::decode(std::string_view packed, std::size_t rows) {
  StringColumn out;
  TT_ASSIGN(std::string raw, unpack_bytes(packed));
  out.arena_ = std::make_shared<const std::string>(std::move(raw));
  ByteReader in(*out.arena_);
  const std::uint8_t kind = in.u8();
  const std::uint64_t count = in.varint();
  if (!in.ok() || kind > kDictionaryStrings || count > in.remaining()) return bad_column("bad strings");
  if (kind == kPlainStrings ? count != rows : (count == 0 && rows != 0))
    return bad_column("wrong number of strings");
  std::vector<std::uint64_t> sizes(count);
  for (std::uint64_t& size : sizes) size = in.varint();
  out.values_.reserve(count);
  for (const std::uint64_t size : sizes) out.values_.push_back(in.bytes(size));
  if (kind == kDictionaryStrings) {
    out.codes_.resize(rows);
    if (count > 1) {
      for (std::uint16_t& code : out.codes_) {
        const std::uint64_t c = in.varint();
        if (c >= count) return bad_column("code out of range");
        code = static_cast<std::uint16_t>(c);
      }
    }
  }
  if (!in.ok() || !in.empty()) return bad_column("strings do not fit");
  return out;
}

StringColumn StringColumn::absent(std::size_t rows) {
  StringColumn out;
  out.arena_ = std::make_shared<const std::string>();
  out.values_.emplace_back();
  out.codes_.resize(rows);
  return out;
}

}  // namespace telltale::eventdb
