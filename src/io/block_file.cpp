#include "io/block_file.hpp"

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace telltale::io {
namespace {

constexpr std::size_t kBlockFileHeaderBytes = 16;
constexpr std::size_t kBlockFileTrailerBytes = 24;
constexpr std::size_t kBlockFrameBytes = 8;  // size before, checksum after
constexpr std::size_t kBlockWriteBuffer = std::size_t{1} << 20;

std::string block_file_header(const FileFormat& format) {
  ByteWriter out;
  out.bytes(std::string_view(format.magic, 4));
  out.u32(format.version);
  out.u32(0);  // reserved
  out.u32(crc32c(out.view()));
  return out.take();
}

std::string block_file_trailer(const FileFormat& format, std::uint64_t footer_offset,
                               std::string_view footer) {
  ByteWriter out;
  out.u64(footer_offset);
  out.u32(static_cast<std::uint32_t>(footer.size()));
  out.u32(crc32c(footer));
  out.u32(crc32c(out.view()));
  out.bytes(std::string_view(format.magic, 4));
  return out.take();
}

class BufferedBlockWriter final : public BlockFileWriter {
 public:
  BufferedBlockWriter(FileSystem& fs, std::string path, FileFormat format, std::unique_ptr<File> file)
      : fs_(fs), path_(std::move(path)), format_(format), file_(std::move(file)) {
    buffer_ = block_file_header(format_);
  }
  ~BufferedBlockWriter() override {
    if (published_) return;
    file_.reset();
    (void)fs_.remove(path_ + ".tmp");
  }

  Result<BlockHandle> append(std::string_view block) override {
    if (block.size() > UINT32_MAX) return fail(ErrorKind::too_large, path_ + ": a block is over 4 GiB");
    const BlockHandle handle{bytes(), static_cast<std::uint32_t>(block.size())};
    ByteWriter size;
    size.u32(handle.size);
    ByteWriter checksum;
    checksum.u32(crc32c(block, crc32c(size.view())));
    buffer_ += size.view();
    buffer_ += block;
    buffer_ += checksum.view();
    if (buffer_.size() >= kBlockWriteBuffer) TT_TRY(flush());
    return handle;
  }

  std::uint64_t bytes() const override { return written_ + buffer_.size(); }

  Result<> publish(std::string_view footer) override {
    if (footer.size() > UINT32_MAX) return fail(ErrorKind::too_large, path_ + ": the footer is over 4 GiB");
    const std::string trailer = block_file_trailer(format_, bytes(), footer);
    buffer_ += footer;
    buffer_ += trailer;
    TT_TRY(flush());
    TT_TRY(file_->sync());
    TT_TRY(fs_.rename(path_ + ".tmp", path_));
    published_ = true;
    return fs_.sync_dir(parent_dir(path_));
  }

 private:
  Result<> flush() {
    TT_TRY(file_->write(written_, buffer_));
    written_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  FileSystem& fs_;
  const std::string path_;
  const FileFormat format_;
  std::unique_ptr<File> file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  bool published_ = false;
};

class CheckedBlockReader final : public BlockFileReader {
 public:
  CheckedBlockReader(std::string path, std::unique_ptr<File> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Result<> load(const FileFormat& format) {
    TT_ASSIGN(size_, file_->size());
    if (size_ < kBlockFileHeaderBytes + kBlockFileTrailerBytes) return damaged(0, "too short");
    TT_ASSIGN(const std::string header, file_->read(0, kBlockFileHeaderBytes));
    ByteReader in(header);
    if (in.bytes(4) != std::string_view(format.magic, 4)) return damaged(0, "wrong magic");
    version_ = in.u32();
    in.u32();
    if (in.u32() != crc32c(std::string_view(header).substr(0, 12)) || !in.ok())
      return damaged(0, "header does not match its checksum");
    if (version_ > format.version || version_ < format.oldest_read) {
      return damaged(4, "format version " + std::to_string(version_) + ", this program reads " +
                            std::to_string(format.oldest_read) + " to " + std::to_string(format.version));
    }
    return load_footer(format);
  }

  std::string_view footer() const override { return footer_; }
  std::uint32_t version() const override { return version_; }
  std::uint64_t file_bytes() const override { return size_; }

  Result<std::string> read(BlockHandle handle) const override {
    TT_ASSIGN(std::string frame, read_frame(handle));
    frame.resize(4 + std::size_t{handle.size});
    frame.erase(0, 4);
    return frame;
  }

  Result<std::string> read_frame(BlockHandle handle) const override {
    if (handle.offset < kBlockFileHeaderBytes || handle.offset > footer_offset_ ||
        footer_offset_ - handle.offset < kBlockFrameBytes + handle.size)
      return damaged(handle.offset, "a block handle points outside the blocks");
    TT_ASSIGN(std::string frame, file_->read(handle.offset, kBlockFrameBytes + handle.size));
    if (frame.size() != kBlockFrameBytes + handle.size) return damaged(handle.offset, "short read");
    const std::string_view view = frame;
    ByteReader in(view);
    const std::uint32_t size = in.u32();
    if (size != handle.size) return damaged(handle.offset, "a block has another size than its handle");
    ByteReader checksum(view.substr(4 + size));
    if (checksum.u32() != crc32c(view.substr(0, 4 + size)))
      return damaged(handle.offset, "a block does not match its checksum");
    return frame;
  }

  Result<> verify() const override {
    std::uint64_t offset = kBlockFileHeaderBytes;
    while (offset < footer_offset_) {
      TT_ASSIGN(const std::string size_bytes, file_->read(offset, 4));
      ByteReader in(size_bytes);
      const BlockHandle handle{offset, in.u32()};
      if (auto block = read(handle); !block) return tl::unexpected<Error>(std::move(block).error());
      offset += kBlockFrameBytes + handle.size;
    }
    TT_ASSIGN(const std::string footer, file_->read(footer_offset_, footer_.size()));
    if (footer != footer_) return damaged(footer_offset_, "the footer changed since the file was opened");
    return {};
  }

 private:
  tl::unexpected<Error> damaged(std::uint64_t offset, const std::string& what) const {
    return fail(ErrorKind::corruption, path_ + " at " + std::to_string(offset) + ": " + what);
  }

  Result<> load_footer(const FileFormat& format) {
    const std::uint64_t trailer_offset = size_ - kBlockFileTrailerBytes;
    TT_ASSIGN(const std::string trailer, file_->read(trailer_offset, kBlockFileTrailerBytes));
    ByteReader in(trailer);
    footer_offset_ = in.u64();
    const std::uint32_t footer_size = in.u32();
    const std::uint32_t footer_crc = in.u32();
    const std::uint32_t trailer_crc = in.u32();
    if (in.bytes(4) != std::string_view(format.magic, 4) || !in.ok() ||
        trailer_crc != crc32c(std::string_view(trailer).substr(0, 16)))
      return damaged(trailer_offset, "the trailer does not match its checksum");
    if (footer_offset_ < kBlockFileHeaderBytes || footer_offset_ > trailer_offset ||
        trailer_offset - footer_offset_ != footer_size)
      return damaged(trailer_offset, "the trailer points outside the file");
    TT_ASSIGN(footer_, file_->read(footer_offset_, footer_size));
    if (footer_.size() != footer_size || crc32c(footer_) != footer_crc)
      return damaged(footer_offset_, "the footer does not match its checksum");
    return {};
  }

  const std::string path_;
  const std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
  std::uint64_t footer_offset_ = 0;
  std::uint32_t version_ = 0;
  std::string footer_;
};

}  // namespace

std::string_view frame_bytes(std::string_view frame) {
  return frame.substr(4, frame.size() - kBlockFrameBytes);
}

Result<std::unique_ptr<BlockFileWriter>> BlockFileWriter::create(FileSystem& fs, std::string path,
                                                                 FileFormat format) {
  TT_ASSIGN(auto file, fs.open(path + ".tmp", OpenMode::create));
  TT_TRY(file->truncate(0));  // what a crash left behind
  return std::make_unique<BufferedBlockWriter>(fs, std::move(path), format, std::move(file));
}

Result<std::unique_ptr<BlockFileReader>> BlockFileReader::open(FileSystem& fs, std::string path,
                                                               FileFormat format) {
  TT_ASSIGN(auto file, fs.open(path, OpenMode::read));
  auto reader = std::make_unique<CheckedBlockReader>(std::move(path), std::move(file));
  TT_TRY(reader->load(format));
  return reader;
}

}  // namespace telltale::io
