#include "metrics/md5.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

namespace telltale::metrics {
namespace {

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// RFC 1321 section 3.4: floor(2^32 · |sin(i + 1)|).
const std::array<std::uint32_t, 64>& sines() {
  static const std::array<std::uint32_t, 64> table = [] {
    std::array<std::uint32_t, 64> t{};
    for (int i = 0; i < 64; ++i)
      t[i] = static_cast<std::uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
    return t;
  }();
  return table;
}

void md5_block(std::array<std::uint32_t, 4>& state, const char* block) {
  std::array<std::uint32_t, 16> m{};
  std::memcpy(m.data(), block, 64);
  auto [a, b, c, d] = state;
  for (std::uint32_t i = 0; i < 64; ++i) {
    std::uint32_t f = 0;
    std::uint32_t g = 0;
    switch (i / 16) {
      case 0:
        f = (b & c) | (~b & d);
        g = i;
        break;
      case 1:
        f = (d & b) | (~d & c);
        g = (5 * i + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d;
        g = (3 * i + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d);
        g = (7 * i) % 16;
    }
    const std::uint32_t sum = a + f + sines()[i] + m[g];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kShifts[i / 16][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::uint64_t md5_tail(std::string_view bytes) {
  std::string padded(bytes);
  padded += '\x80';
  padded.append((120 - padded.size() % 64) % 64, '\0');
  const std::uint64_t bits = bytes.size() * 8;
  padded.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  std::array<std::uint32_t, 4> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (std::size_t at = 0; at < padded.size(); at += 64) md5_block(state, padded.data() + at);
  return (std::uint64_t{__builtin_bswap32(state[2])} << 32) | __builtin_bswap32(state[3]);
}

}  // namespace telltale::metrics
