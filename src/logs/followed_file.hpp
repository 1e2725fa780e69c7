// One file that grows: an open descriptor, what of it is kept, and the lines that came since. Reading goes
// ahead of what is kept; rewind() goes back there when keeping failed. Places are marked by the bytes that
// were read there, never by a second look: the file may have been copied and cut off in between.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "logs/follow_state.hpp"
#include "logs/multiline.hpp"

namespace telltale::logs {

struct FileStat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed_ns = 0;
  bool regular = false;
  bool is(std::uint64_t d, std::uint64_t i) const { return device == d && inode == i; }
};

/// An open file for reading. Move-only.
class ReadFile {
 public:
  /// nullopt when it cannot be opened for reading. Never waits, whatever kind of file it is.
  static std::optional<ReadFile> open(const std::string& path);
  ReadFile(ReadFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  ReadFile& operator=(ReadFile&& other) noexcept;
  ~ReadFile();
  std::optional<FileStat> stat() const;
  /// Up to `size` bytes from `offset`; fewer at the end or when it cannot be read.
  std::string read(std::uint64_t offset, std::size_t size) const;
  /// Of the content up to `offset`; the front may reach further.
  FileMark mark_at(std::uint64_t offset, std::size_t front_bytes = SIZE_MAX) const;
  /// The content before `offset` has this mark.
  bool has_mark(const FileMark& mark, std::uint64_t offset) const;

 private:
  explicit ReadFile(int fd) : fd_(fd) {}
  int fd_;
};

/// nullopt when there is nothing at `path`.
std::optional<FileStat> stat_path(const std::string& path);

/// A line or a joined event, by its place in a generation.
struct FileLine {
  std::string text;
  Id128 id;  // the same whenever this line of this generation is read
};

/// Not thread-safe.
class FollowedFile {
 public:
  FollowedFile(ReadFile file, FileRecord record, std::shared_ptr<const LineStarts> starts);

  const FileRecord& record() const { return record_; }
  void set_path(std::string path) { record_.path = std::move(path); }
  const ReadFile& file() const { return file_; }
  /// For the next generation in the same file; this one is of no more use.
  ReadFile take_file() { return std::move(file_); }

  /// The content is not what was read: truncated, or written anew.
  bool replaced(const FileStat& now) const;
  /// Marks more of the file's front, as long as it is short; true when there was more. Written down before a
  /// line is given out, it tells a copy of this generation even when nothing of it is kept yet.
  bool mark_front();
  /// Reads at most `max_bytes` more. Returns how many bytes there were.
  std::size_t read_more(std::size_t max_bytes, Nanos now, std::vector<FileLine>& out);
  /// Gives out events that have waited long enough; with `force` all, and a last line without its end, too.
  void flush(Nanos now, bool force, std::vector<FileLine>& out);
  /// What has been given out is kept: the record moves on.
  void kept();
  /// It is not: reading starts again behind what is.
  void rewind();
  /// Lines were given out since kept() or rewind().
  bool unkept() const { return given_ != record_.offset; }
  std::uint64_t read_to() const { return read_; }
  /// Lines longer than limits::kMaxLogLineBytes, cut there, since the last call.
  std::uint64_t take_cut() { return std::exchange(cut_lines_, 0); }

  Nanos last_growth{0};

 private:
  bool mark_front(std::string_view front);
  void take_lines(std::string_view bytes, Nanos now);
  void add_line(std::string_view line, std::uint64_t end, Nanos now);
  void give(std::vector<FileLine>& out);

  ReadFile file_;
  FileRecord record_;
  std::int64_t read_change_ns_ = 0;  // of the file, just before it was read
  std::int64_t marked_change_ns_ = 0;
  std::string read_tail_, line_tail_, given_tail_;  // the last bytes before read_, line_begin_ and given_
  std::uint64_t read_ = 0;                          // next byte to read
  std::uint64_t line_begin_ = 0;                    // of the line that is not whole
  std::string partial_;                             // its bytes so far, bounded
  bool cutting_ = false;                            // it is over the limit
  std::uint64_t given_ = 0;                         // the first byte that was not given out
  std::uint64_t cut_lines_ = 0;
  LineJoiner joiner_;
  std::vector<JoinedLine> joined_;
};

}  // namespace telltale::logs
