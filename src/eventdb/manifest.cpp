#include "eventdb/manifest.hpp"

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::string_view kManifestMagic = "TTEM";
constexpr std::uint32_t kManifestVersion = 1;

}  // namespace

std::string Manifest::encode() const {
  ByteWriter out;
  out.bytes(kManifestMagic);
  out.u32(kManifestVersion);
  out.u64(applied.value);
  out.u64(next_part);
  for (const std::uint64_t ordinal : next_ordinal) out.u64(ordinal);
  out.varint(parts.size());
  for (const std::string& part : parts) out.string(part);
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<Manifest> Manifest::decode(std::string_view bytes) {
  const auto bad = [](std::string why) { return fail(ErrorKind::corruption, "MANIFEST: " + std::move(why)); };
  if (bytes.size() < 12) return bad("too short");
  ByteReader tail(bytes.substr(bytes.size() - 4));
  if (tail.u32() != crc32c(bytes.substr(0, bytes.size() - 4))) return bad("wrong checksum");
  ByteReader in(bytes.substr(0, bytes.size() - 4));
  if (in.bytes(4) != kManifestMagic) return bad("not an event store's manifest");
  if (const std::uint32_t version = in.u32(); version != kManifestVersion)
    return bad("format version " + std::to_string(version) + " is not one this program reads");
  Manifest out;
  out.applied.value = in.u64();
  out.next_part = in.u64();
  for (std::uint64_t& ordinal : out.next_ordinal) ordinal = in.u64();
  const std::uint64_t parts = in.varint();
  if (!in.ok() || parts > in.remaining()) return bad("cut short");
  for (std::uint64_t i = 0; i < parts; ++i) out.parts.emplace_back(in.string());
  if (!in.ok() || !in.empty()) return bad("cut short");
  return out;
}

}  // namespace telltale::eventdb
