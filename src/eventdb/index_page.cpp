#include "eventdb/index_page.hpp"

#include <algorithm>
#include <bit>

#include "base/bytes.hpp"
#include "eventdb/int_codec.hpp"
#include "eventdb/part_format.hpp"

namespace telltale::eventdb {

namespace {

constexpr unsigned kKeyShift = kIndexBlockBits + kIndexDroppedBits;
constexpr std::uint64_t kKeySpace = std::uint64_t{1} << (64 - kKeyShift);
// A difference of so many times the usual one is written as it is.
constexpr unsigned kLongestRun = 24;
constexpr unsigned kPlainBits = 32;
static_assert(kKeySpace == std::uint64_t{1} << kPlainBits);

/// Bits, least significant first.
class BitWriter {
 public:
  void put(std::uint64_t value, unsigned bits) {
    for (unsigned i = 0; i < bits; ++i) {
      if (used_ % 8 == 0) out_ += '\0';
      out_.back() =
          static_cast<char>(static_cast<unsigned char>(out_.back()) | (value >> i & 1) << used_ % 8);
      ++used_;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t used_ = 0;
};

/// Reads zeros behind the end, and says so.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t get(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bits; i += 8) {
      const unsigned n = std::min(8U, bits - i);
      value |= (window() & ((1U << n) - 1)) << i;
      at_ += n;
    }
    return value;
  }
  /// Ones before the next zero, which is passed over; at most `most`, and then no zero.
  unsigned ones(unsigned most) {
    unsigned n = 0;
    while (n < most && (window() & 1) != 0) {
      ++n;
      ++at_;
    }
    if (n < most) ++at_;
    return n;
  }
  bool ok() const { return at_ <= bytes_.size() * 8; }

 private:
  std::uint64_t window() const {
    const std::size_t byte = at_ / 8;
    unsigned two = byte < bytes_.size() ? static_cast<unsigned char>(bytes_[byte]) : 0;
    if (byte + 1 < bytes_.size())
      two |= static_cast<unsigned>(static_cast<unsigned char>(bytes_[byte + 1])) << 8;
    return two >> at_ % 8;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

bool find_in_old_page(std::string_view bytes, std::uint64_t key, std::vector<std::uint32_t>& blocks) {
  ByteReader in(bytes);
  const std::uint64_t entries = in.varint();
  const std::uint64_t wanted = key >> kIndexBlockBits;
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < entries && in.ok(); ++i) {
    at += in.varint();
    const std::uint64_t block = in.varint();
    if (at > wanted) break;
    if (at == wanted) blocks.push_back(static_cast<std::uint32_t>(block));
  }
  return in.ok();
}

}  // namespace

std::uint64_t index_entry_of(std::uint64_t entry) {
  return (entry >> kKeyShift << kKeyShift) | (entry & kIndexBlockMask);
}

std::string encode_index_page(std::span<const std::uint64_t> entries) {
  const auto key = [&](std::size_t i) { return entries[i] >> kKeyShift; };
  std::uint64_t most_block = 0;
  for (const std::uint64_t e : entries) most_block = std::max(most_block, e & kIndexBlockMask);
  const std::uint64_t mean =
      entries.size() > 1 ? (key(entries.size() - 1) - key(0)) / (entries.size() - 1) : 0;
  const unsigned rice = mean < 2 ? 0 : static_cast<unsigned>(std::bit_width(mean)) - 1;
  const unsigned block_bits = bits_for(most_block);
  ByteWriter out;
  out.u8(0);  // no page of the first form begins so
  out.varint(entries.size());
  out.varint(key(0));
  out.u8(static_cast<std::uint8_t>(rice));
  out.u8(static_cast<std::uint8_t>(block_bits));
  BitWriter bits;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t difference = i == 0 ? 0 : key(i) - key(i - 1);
    const std::uint64_t times = difference >> rice;
    if (times >= kLongestRun) {
      bits.put((std::uint64_t{1} << kLongestRun) - 1, kLongestRun);
      bits.put(difference, kPlainBits);
    } else {
      bits.put((std::uint64_t{1} << times) - 1, static_cast<unsigned>(times) + 1);
      bits.put(difference, rice);
    }
    bits.put(entries[i] & kIndexBlockMask, block_bits);
  }
  out.bytes(bits.take());
  return out.take();
}

bool find_in_index_page(std::string_view bytes, std::uint64_t key, std::vector<std::uint32_t>& blocks) {
  if (bytes.empty()) return false;
  if (bytes[0] != 0) return find_in_old_page(bytes, key, blocks);
  ByteReader in(bytes.substr(1));
  const std::uint64_t entries = in.varint();
  std::uint64_t at = in.varint();
  const unsigned rice = in.u8();
  const unsigned block_bits = in.u8();
  if (!in.ok() || rice > kPlainBits || block_bits > kIndexBlockBits || entries > bytes.size() * 8)
    return false;
  BitReader bits(in.bytes(in.remaining()));
  const std::uint64_t wanted = key >> kKeyShift;
  for (std::uint64_t i = 0; i < entries && bits.ok(); ++i) {
    const unsigned times = bits.ones(kLongestRun);
    at += times == kLongestRun ? bits.get(kPlainBits) : (std::uint64_t{times} << rice | bits.get(rice));
    const std::uint64_t block = bits.get(block_bits);
    if (at > wanted) break;
    if (at == wanted) blocks.push_back(static_cast<std::uint32_t>(block));
  }
  return bits.ok();
}

}  // namespace telltale::eventdb
