#include "tsdb/manifest.hpp"

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::string_view kManifestMagic = "TTSM";
constexpr std::uint32_t kManifestVersion = 1;

}  // namespace

Result<std::optional<Manifest>> load_manifest(io::FileSystem& fs, const std::string& dir) {
  const std::string path = io::join_path(dir, kManifestFile);
  TT_ASSIGN(const bool exists, fs.exists(path));
  if (!exists) return std::nullopt;
  TT_ASSIGN(const std::string bytes, io::read_file(fs, path));
  const auto bad = [&path](std::string_view why) {
    return fail(ErrorKind::corruption, path + ": " + std::string(why));
  };
  if (bytes.size() < 12 || std::string_view(bytes).substr(0, 4) != kManifestMagic)
    return bad("not a manifest");
  const std::string_view body(bytes.data(), bytes.size() - 4);
  if (ByteReader(std::string_view(bytes).substr(body.size())).u32() != crc32c(body))
    return bad("checksum mismatch");
  ByteReader in(body.substr(4));
  const std::uint32_t version = in.u32();
  if (version != kManifestVersion) return bad("unknown format version " + std::to_string(version));
  Manifest m;
  m.applied.value = in.varint();
  m.next_series = in.varint();
  m.next_file = in.varint();
  m.next_order = in.varint();
  for (std::uint64_t n = in.varint(); n > 0 && in.ok(); --n) m.catalogs.push_back(in.varint());
  for (std::uint64_t n = in.varint(); n > 0 && in.ok(); --n) {
    PartMeta p;
    p.number = in.varint();
    p.day = in.zigzag();
    p.order = in.varint();
    p.min_ms = in.zigzag();
    p.max_ms = in.zigzag();
    p.series = in.varint();
    p.samples = in.varint();
    p.bytes = in.varint();
    m.parts.push_back(p);
  }
  if (!in.ok() || !in.empty()) return bad("malformed");
  return m;
}

std::string encode_manifest(const Manifest& m) {
  ByteWriter out;
  out.bytes(kManifestMagic);
  out.u32(kManifestVersion);
  out.varint(m.applied.value);
  out.varint(m.next_series);
  out.varint(m.next_file);
  out.varint(m.next_order);
  out.varint(m.catalogs.size());
  for (const std::uint64_t c : m.catalogs) out.varint(c);
  out.varint(m.parts.size());
  for (const PartMeta& p : m.parts) {
    out.varint(p.number);
    out.zigzag(p.day);
    out.varint(p.order);
    out.zigzag(p.min_ms);
    out.zigzag(p.max_ms);
    out.varint(p.series);
    out.varint(p.samples);
    out.varint(p.bytes);
  }
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<> publish_manifest(io::FileSystem& fs, const std::string& dir, const Manifest& manifest) {
  return io::publish_file(fs, io::join_path(dir, kManifestFile), encode_manifest(manifest));
}

}  // namespace telltale::tsdb
