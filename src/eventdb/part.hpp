// A published part, open for reading: the footer in memory, columns and index pages read on demand. A part
// that turns out damaged says so once in the log, and from then on snapshots leave it out until maintenance
// moves it aside. A part that merges or retention replaced removes its file when the last reader lets go of
// it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "eventdb/block.hpp"
#include "eventdb/legacy_part.hpp"
#include "eventdb/part_format.hpp"
#include "eventdb/signature.hpp"

namespace telltale::eventdb {

/// Immutable apart from its two flags; thread-safe.
class Part final : public BlockSource, public std::enable_shared_from_this<Part> {
 public:
  static Result<std::shared_ptr<Part>> open(io::FileSystem& fs, const std::string& dir, std::string name,
                                            const Logger& log);
  ~Part() override;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  const std::string& name() const { return name_; }
  Table table() const { return footer_.table; }
  std::int64_t day() const { return footer_.day; }
  RetentionClass retention_class() const { return retention_class_; }
  std::uint64_t rows() const { return footer_.rows; }
  std::uint64_t file_bytes() const { return file_->file_bytes(); }
  const std::vector<BlockMeta>& blocks() const { return footer_.blocks; }
  /// Of the part (part_words.hpp); of size 0 when there are none.
  io::BlockHandle words() const { return footer_.words; }
  std::size_t memory_bytes() const { return footer_.memory_bytes(); }
  /// Of format version 1.
  bool legacy() const { return file_->version() == kLegacyPartVersion; }

  Result<std::unique_ptr<Block>> open_block(std::size_t number, WorkContext& context) const;
  /// corruption, naming the file, marks the part damaged.
  Result<Bytes> read(io::BlockHandle handle) const override;
  /// Blocks that may hold a row whose indexed field has this text, ascending; one page read when there is
  /// none.
  Result<std::vector<std::uint32_t>> lookup(std::size_t field, std::string_view text) const;
  /// Blocks that may have all of these, as their signatures say, ascending; nullopt: all of them may.
  Result<std::optional<std::vector<std::uint32_t>>> lookup(const std::vector<GramPlace>& grams) const;
  const std::vector<SignatureGroup>& signatures() const { return footer_.signatures; }
  bool is_signed(std::uint32_t block) const;
  std::size_t index_pages() const { return footer_.index.size(); }
  /// Appends the entries of a page of the id index.
  Result<> read_index(std::size_t page, std::vector<std::uint64_t>& entries) const;
  Result<> verify() const;

  bool damaged() const { return damaged_.load(std::memory_order_relaxed); }
  /// Marks and logs; returns the error with the file's name in front.
  Error damage(Error error) const override;
  /// The file goes when the last reader does.
  void doom() { doomed_.store(true); }

 private:
  Part(io::FileSystem& fs, std::string dir, std::string name, const Logger& log)
      : fs_(fs), dir_(std::move(dir)), name_(std::move(name)), log_(log) {}
  Result<std::unique_ptr<Block>> open_legacy_block(std::size_t number, WorkContext& context) const;

  io::FileSystem& fs_;
  const std::string dir_;
  const std::string name_;
  const Logger& log_;
  std::unique_ptr<io::BlockFileReader> file_;
  PartFooter footer_;
  std::vector<LegacyColumns> legacy_columns_;
  RetentionClass retention_class_;
  mutable std::atomic<bool> damaged_{false};
  std::atomic<bool> doomed_{false};
};

}  // namespace telltale::eventdb
