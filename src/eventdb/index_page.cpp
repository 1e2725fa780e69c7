#include "eventdb/index_page.hpp"

#include <algorithm>
#include <bit>

#include "base/bytes.hpp"
#include "eventdb/int_codec.hpp"

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
  /// At most kPlainBits of them.
  void put(std::uint64_t value, unsigned bits) {
    waiting_ |= (value & ((std::uint64_t{1} << bits) - 1)) << used_;
    for (used_ += bits; used_ >= 8; used_ -= 8, waiting_ >>= 8) out_ += static_cast<char>(waiting_ & 0xFF);
  }
  std::string take() {
    if (used_ > 0) out_ += static_cast<char>(waiting_ & 0xFF);
    return std::move(out_);
  }

 private:
  std::string out_;
  std::uint64_t waiting_ = 0;
  unsigned used_ = 0;  // of the bits that wait, fewer than 8 between calls
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

/// Calls f(key, block) for each entry until it returns false. The key is what the page knows of it, of so
/// many bits as that has. False when the bytes are no page.
template <class F>
bool each_of_old_page(std::string_view bytes, F f) {
  ByteReader in(bytes);
  const std::uint64_t entries = in.varint();
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < entries && in.ok(); ++i) {
    at += in.varint();
    const std::uint64_t block = in.varint();
    if (in.ok() && !f(at, block)) break;
  }
  return in.ok();
}

template <class F>
bool each_of_page(std::string_view bytes, F f) {
  ByteReader in(bytes.substr(1));
  const std::uint64_t entries = in.varint();
  std::uint64_t at = in.varint();
  const unsigned rice = in.u8();
  const unsigned block_bits = in.u8();
  if (!in.ok() || rice > kPlainBits || block_bits > kIndexBlockBits || entries > bytes.size() * 8)
    return false;
  BitReader bits(in.bytes(in.remaining()));
  for (std::uint64_t i = 0; i < entries && bits.ok(); ++i) {
    const unsigned times = bits.ones(kLongestRun);
    at += times == kLongestRun ? bits.get(kPlainBits) : (std::uint64_t{times} << rice | bits.get(rice));
    const std::uint64_t block = bits.get(block_bits);
    if (bits.ok() && !f(at, block)) break;
  }
  return bits.ok();
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
  const auto collect = [&blocks](std::uint64_t wanted) {
    return [&blocks, wanted](std::uint64_t at, std::uint64_t block) {
      if (at == wanted) blocks.push_back(static_cast<std::uint32_t>(block));
      return at <= wanted;
    };
  };
  if (bytes[0] != 0) return each_of_old_page(bytes, collect(key >> kIndexBlockBits));
  return each_of_page(bytes, collect(key >> kKeyShift));
}

bool read_index_page(std::string_view bytes, std::vector<std::uint64_t>& entries) {
  if (bytes.empty()) return false;
  const auto collect = [&entries](unsigned shift) {
    return [&entries, shift](std::uint64_t at, std::uint64_t block) {
      entries.push_back(index_entry_of(at << shift) | (block & kIndexBlockMask));
      return true;
    };
  };
  if (bytes[0] != 0) return each_of_old_page(bytes, collect(kIndexBlockBits));
  return each_of_page(bytes, collect(kKeyShift));
}

}  // namespace telltale::eventdb
