#include "health/blob_files.hpp"

#include <algorithm>

#include "base/attachment_limits.hpp"
#include "base/bytes.hpp"
#include "base/compress.hpp"

namespace telltale::health {
namespace {

constexpr io::FileFormat kBlobFormat{{'T', 'T', 'A', 'T'}, 1, 1};
constexpr std::string_view kBlobSuffix = ".blob";
constexpr std::size_t kLeastSaving = 8;  // a file whose first piece saves less than an eighth stays plain

}  // namespace

Result<std::string> BlobReader::piece(std::size_t n) const {
  TT_ASSIGN(auto bytes, file_->read(pieces_[n].handle));
  if (packed_) {
    auto plain = decompress_sized(bytes, pieces_[n].bytes);
    if (!plain) return fail(ErrorKind::corruption, path_ + ": " + plain.error().message());
    bytes = *std::move(plain);
  }
  if (bytes.size() != pieces_[n].bytes)
    return fail(ErrorKind::corruption, path_ + ": a piece has another length than its footer says");
  return bytes;
}

std::string BlobFiles::path_of(Id128 id) const {
  return io::join_path(dir_, id.hex() + std::string(kBlobSuffix));
}

Result<std::unique_ptr<BlobFiles>> BlobFiles::open(io::FileSystem& fs, std::string dir) {
  TT_ASSIGN(const bool there, fs.exists(dir));
  if (!there) {
    TT_TRY(fs.make_dirs(dir));
    TT_TRY(fs.sync_dir(io::parent_dir(dir)));
  }
  TT_ASSIGN(const auto files, fs.list(dir));
  for (const auto& file : files) {
    if (!file.is_dir && !file.name.ends_with(kBlobSuffix)) TT_TRY(fs.remove(io::join_path(dir, file.name)));
  }
  return std::unique_ptr<BlobFiles>(new BlobFiles(fs, std::move(dir)));
}

Result<std::uint64_t> BlobFiles::put(Id128 id, std::string_view bytes) {
  TT_ASSIGN(const auto writer, io::BlockFileWriter::create(fs_, path_of(id), kBlobFormat));
  bool packed = false;
  std::vector<BlobReader::Piece> pieces;
  for (std::size_t at = 0; at < bytes.size(); at += limits::kAttachmentPieceBytes) {
    const std::string_view plain = bytes.substr(at, limits::kAttachmentPieceBytes);
    std::string small;
    if (at == 0 || packed) small = compress(Codec::zstd, plain);
    if (at == 0) packed = small.size() + plain.size() / kLeastSaving < plain.size();
    TT_ASSIGN(const auto handle, writer->append(packed ? std::string_view(small) : plain));
    pieces.push_back({handle, plain.size()});
  }
  ByteWriter footer;
  footer.varint(bytes.size());
  footer.u8(packed ? 1 : 0);
  footer.varint(pieces.size());
  for (const auto& piece : pieces) {
    footer.varint(piece.handle.offset);
    footer.varint(piece.handle.size);
    footer.varint(piece.bytes);
  }
  const std::string end = footer.take();
  const std::uint64_t stored = writer->bytes() + end.size();
  TT_TRY(writer->publish(end));
  return stored;
}

Result<std::unique_ptr<BlobReader>> BlobFiles::read(Id128 id) const {
  auto out = std::make_unique<BlobReader>();
  out->path_ = path_of(id);
  TT_ASSIGN(out->file_, io::BlockFileReader::open(fs_, out->path_, kBlobFormat));
  ByteReader footer(out->file_->footer());
  out->size_ = footer.varint();
  out->packed_ = footer.u8() != 0;
  std::uint64_t together = 0;
  for (std::uint64_t n = footer.varint(); n > 0 && footer.ok(); --n) {
    BlobReader::Piece piece;
    piece.handle.offset = footer.varint();
    piece.handle.size = static_cast<std::uint32_t>(footer.varint());
    piece.bytes = footer.varint();
    together += piece.bytes;
    if (piece.bytes > limits::kAttachmentPieceBytes) break;
    out->pieces_.push_back(piece);
  }
  if (!footer.ok() || !footer.empty() || together != out->size_)
    return fail(ErrorKind::corruption, out->path_ + ": its footer says no pieces");
  return out;
}

Result<> BlobFiles::remove(Id128 id) {
  const auto done = fs_.remove(path_of(id));
  if (!done && done.error().kind() != ErrorKind::not_found) return done;
  return {};
}

Result<std::vector<Id128>> BlobFiles::list() const {
  TT_ASSIGN(const auto files, fs_.list(dir_));
  std::vector<Id128> out;
  for (const auto& file : files) {
    const std::string_view name = file.name;
    if (!name.ends_with(kBlobSuffix)) continue;
    if (const auto id = Id128::parse(name.substr(0, name.size() - kBlobSuffix.size()))) out.push_back(*id);
  }
  return out;
}

}  // namespace telltale::health
