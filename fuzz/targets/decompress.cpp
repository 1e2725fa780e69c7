#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/compress.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  if (in.empty()) return 0;
  constexpr std::size_t kMaxBytes = 1 << 20;
  const auto codec = static_cast<telltale::Codec>(static_cast<unsigned char>(in[0]) % 6);
  if (const auto out = telltale::decompress(codec, in.substr(1), kMaxBytes))
    TT_CHECK(out->size() <= kMaxBytes);
  return 0;
}
