#include "base/compress.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <snappy.h>
#include <zstd.h>

#include "base/check.hpp"
#include "base/text.hpp"

namespace telltale {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

tl::unexpected<Error> too_large(std::size_t max_bytes) {
  return fail(ErrorKind::too_large,
              fmt::format("decompressed size is over the limit of {} bytes", max_bytes));
}
tl::unexpected<Error> bad_stream(std::string_view codec) {
  return fail(ErrorKind::invalid_argument, fmt::format("damaged or truncated {} stream", codec));
}

enum class Wrapping : unsigned char { gzip, zlib, none };

/// One stream of deflate at the front of `in`, which is moved past it, into `out` from `at` on. False: there
/// is not enough room.
Result<bool> inflate_one(Wrapping wrapping, std::string_view& in, std::string& out, std::size_t& at) {
  thread_local const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> context(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!context) return fail(ErrorKind::internal, "libdeflate could not start");
  const auto run = wrapping == Wrapping::gzip   ? libdeflate_gzip_decompress_ex
                   : wrapping == Wrapping::zlib ? libdeflate_zlib_decompress_ex
                                                : libdeflate_deflate_decompress_ex;
  std::size_t read = 0;
  std::size_t written = 0;
  const auto status =
      run(context.get(), in.data(), in.size(), out.data() + at, out.size() - at, &read, &written);
  if (status == LIBDEFLATE_INSUFFICIENT_SPACE) return false;
  if (status != LIBDEFLATE_SUCCESS) return bad_stream(wrapping == Wrapping::gzip ? "gzip" : "deflate");
  in.remove_prefix(read);
  at += written;
  return true;
}

/// What a gzip member says of its size at its end (RFC 1952), as far as the input can be of that size at all;
/// only a guess, since it is modulo 2^32 and several members may follow each other.
std::size_t first_room(Wrapping wrapping, std::string_view in) {
  constexpr std::size_t kMostPerByte = 1032;  // of deflate
  constexpr std::size_t kUsualRatio = 4;
  if (wrapping != Wrapping::gzip || in.size() < 18)
    return std::max<std::size_t>(in.size() * kUsualRatio, 256);
  std::uint32_t said = 0;
  std::memcpy(&said, in.data() + in.size() - 4, 4);
  return std::clamp<std::size_t>(said, 1, in.size() * kMostPerByte);
}

Result<std::string> inflate_bounded(Wrapping wrapping, std::string_view in, std::size_t max_bytes) {
  std::string out(std::min(first_room(wrapping, in), max_bytes), '\0');
  std::size_t size = 0;
  do {
    TT_ASSIGN(const bool done, inflate_one(wrapping, in, out, size));
    if (!done) {
      if (out.size() >= max_bytes) return too_large(max_bytes);
      out.resize(std::min(std::max(kChunk, out.size() * 2), max_bytes));
    } else if (wrapping != Wrapping::gzip && !in.empty()) {
      return bad_stream("deflate");
    }
  } while (!in.empty());  // the next gzip member
  out.resize(size);
  return out;
}

Result<std::string> brotli_bounded(std::string_view in, std::size_t max_bytes) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) return fail(ErrorKind::internal, "brotli could not start");
  std::string out;
  const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
  std::size_t avail_in = in.size();
  while (true) {
    const std::size_t before = out.size();
    out.resize(std::min(before + std::max(kChunk, before), max_bytes + 1));
    auto* next_out = reinterpret_cast<std::uint8_t*>(out.data() + before);
    std::size_t avail_out = out.size() - before;
    const auto status =
        BrotliDecoderDecompressStream(state.get(), &avail_in, &next_in, &avail_out, &next_out, nullptr);
    out.resize(out.size() - avail_out);
    if (out.size() > max_bytes) return too_large(max_bytes);
    if (status == BROTLI_DECODER_RESULT_SUCCESS)
      return avail_in == 0 ? Result<std::string>(out) : bad_stream("brotli");
    if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return bad_stream("brotli");
  }
}

Result<std::string> zstd_bounded(std::string_view in, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> ctx(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!ctx) return fail(ErrorKind::internal, "zstd could not start");
  // A frame may ask for a window of its whole size; no more is granted than the output may need.
  ZSTD_DCtx_setParameter(ctx.get(), ZSTD_d_windowLogMax, 27);
  std::string out;
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  while (true) {
    const std::size_t before = out.size();
    out.resize(std::min(before + std::max(kChunk, before), max_bytes + 1));
    ZSTD_outBuffer output{out.data() + before, out.size() - before, 0};
    const std::size_t status = ZSTD_decompressStream(ctx.get(), &output, &input);
    const bool full = output.pos == output.size;
    out.resize(before + output.pos);
    if (ZSTD_isError(status) != 0) return bad_stream("zstd");
    if (out.size() > max_bytes) return too_large(max_bytes);
    if (status == 0 && input.pos == input.size) return out;
    if (!full && input.pos == input.size) return bad_stream("zstd");
  }
}

Result<std::string> snappy_bounded(std::string_view in, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(in.data(), in.size(), &size)) return bad_stream("snappy");
  if (size > max_bytes) return too_large(max_bytes);
  // No input shorter than 1/64 of the output can be valid (a copy is at most 64 bytes from 2 or 3): refuse
  // before the allocation that a forged length asks for.
  if (size / 64 > in.size()) return bad_stream("snappy");
  std::string out;
  if (!snappy::Uncompress(in.data(), in.size(), &out)) return bad_stream("snappy");
  return out;
}

std::string deflate_all(Wrapping wrapping, std::string_view in, int level) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> context(
      libdeflate_alloc_compressor(std::clamp(level, 1, 12)), libdeflate_free_compressor);
  TT_CHECK(context != nullptr);
  const bool gzip = wrapping == Wrapping::gzip;
  const auto bound = gzip ? libdeflate_gzip_compress_bound : libdeflate_zlib_compress_bound;
  const auto run = gzip ? libdeflate_gzip_compress : libdeflate_zlib_compress;
  std::string out(bound(context.get(), in.size()), '\0');
  const std::size_t size = run(context.get(), in.data(), in.size(), out.data(), out.size());
  TT_CHECK(size > 0);
  out.resize(size);
  return out;
}

}  // namespace

Result<Codec> codec_from_token(std::string_view token) {
  const std::string t = to_lower(token);
  if (t.empty() || t == "identity") return Codec::identity;
  if (t == "gzip" || t == "x-gzip") return Codec::gzip;
  if (t == "deflate") return Codec::deflate;
  if (t == "br") return Codec::brotli;
  if (t == "zstd") return Codec::zstd;
  if (t == "snappy") return Codec::snappy;
  return fail(ErrorKind::unsupported,
              "Content-Encoding: this server reads gzip, deflate, br, zstd and snappy");
}

Result<std::string> decompress(Codec codec, std::string_view bytes, std::size_t max_bytes) {
  switch (codec) {
    case Codec::identity:
      if (bytes.size() > max_bytes) return too_large(max_bytes);
      return std::string(bytes);
    case Codec::gzip:
      return inflate_bounded(Wrapping::gzip, bytes, max_bytes);
    case Codec::deflate: {
      // zlib's header: compression method 8 and a check value over both bytes (RFC 1950).
      const bool zlib =
          bytes.size() >= 2 && (bytes[0] & 0x0F) == 8 &&
          (static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1])) % 31 == 0;
      return inflate_bounded(zlib ? Wrapping::zlib : Wrapping::none, bytes, max_bytes);
    }
    case Codec::brotli:
      return brotli_bounded(bytes, max_bytes);
    case Codec::zstd:
      return zstd_bounded(bytes, max_bytes);
    case Codec::snappy:
      return snappy_bounded(bytes, max_bytes);
  }
  return fail(ErrorKind::internal, "unknown codec");
}

Result<std::string> decompress_sized(std::string_view zstd_bytes, std::size_t size) {
  // A frame's block is at most 128 KiB and takes at least three bytes: refuse before the allocation that a
  // forged size asks for.
  constexpr std::size_t kMostPerByte = 48 * 1024;
  if (size / kMostPerByte > zstd_bytes.size()) return bad_stream("zstd");
  thread_local const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> ctx(ZSTD_createDCtx(),
                                                                                 ZSTD_freeDCtx);
  if (!ctx) return fail(ErrorKind::internal, "zstd could not start");
  std::string out(size, '\0');
  const std::size_t got =
      ZSTD_decompressDCtx(ctx.get(), out.data(), out.size(), zstd_bytes.data(), zstd_bytes.size());
  if (ZSTD_isError(got) != 0 || got != size) return bad_stream("zstd");
  return out;
}

std::string compress(Codec codec, std::string_view bytes, int level) {
  switch (codec) {
    case Codec::identity:
      return std::string(bytes);
    case Codec::gzip:
      return deflate_all(Wrapping::gzip, bytes, level);
    case Codec::deflate:
      return deflate_all(Wrapping::zlib, bytes, level);
    case Codec::brotli: {
      std::size_t size = BrotliEncoderMaxCompressedSize(bytes.size()) + 16;
      std::string out(size, '\0');
      const int ok = BrotliEncoderCompress(4, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, bytes.size(),
                                           reinterpret_cast<const std::uint8_t*>(bytes.data()), &size,
                                           reinterpret_cast<std::uint8_t*>(out.data()));
      TT_CHECK(ok == BROTLI_TRUE);
      out.resize(size);
      return out;
    }
    case Codec::zstd: {
      // A context keeps its tables from call to call; one a thread. The room is not cleared first, as a
      // string's would be.
      thread_local const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                                         ZSTD_freeCCtx);
      TT_CHECK(context != nullptr);
      const std::size_t room = ZSTD_compressBound(bytes.size());
      const std::unique_ptr<char[]> out(new char[room]);
      const std::size_t size =
          ZSTD_compressCCtx(context.get(), out.get(), room, bytes.data(), bytes.size(), level);
      TT_CHECK(ZSTD_isError(size) == 0);
      return {out.get(), size};
    }
    case Codec::snappy: {
      std::string out;
      snappy::Compress(bytes.data(), bytes.size(), &out);
      return out;
    }
  }
  TT_CHECK(false);
  return {};
}

}  // namespace telltale
