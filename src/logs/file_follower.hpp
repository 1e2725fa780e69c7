// Log files that others write, followed from where we were. A round looks for files, reads what grew, hands
// the lines over to be kept and only then writes down how far it is; what a crash takes between the two is
// read again under the same ids and dropped as duplicates.
//
// Rotation: a renamed file is read to its end before it is left; a file that was cut off (copytruncate)
// begins a new generation, and what was not read of the old one is looked for in the copy beside it; a copy
// of what was read already is not read again. Names ending in .gz, .bz2, .xz, .zst are never read.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/strong.hpp"
#include "base/time_zone.hpp"
#include "io/file_system.hpp"
#include "logs/followed_file.hpp"

namespace telltale::logs {

struct FileSource {
  std::vector<std::string> paths;  // globs
  ProjectId project{1};
  std::vector<std::pair<std::string, std::string>> labels;
  bool from_end =
      false;  // of files that are there when the source is new; later ones are read from their start
  MultilineOptions multiline;
  TimeZone zone;
};

/// Lines of one file.
struct FileLines {
  const FileSource* source = nullptr;
  std::string path;
  std::vector<FileLine> lines;
};

/// Keeps the lines, all or none; durable when it returns. An error means: again later.
using KeepLines = std::function<Result<>(ProjectId project, const std::vector<FileLines>& files)>;

struct FollowerOptions {
  Nanos scan_interval{std::chrono::seconds(1)};  // between looks for new files
  Nanos leave_after{std::chrono::seconds(60)};   // a file that is gone from its path, after its last growth
  Nanos retry_after{std::chrono::seconds(1)};    // when lines could not be kept
};

/// Not thread-safe: one thread calls tick(). Nothing is lost when it just ends.
class FileFollower {
 public:
  /// The state is the file `state_path` in `fs`; followed files are the machine's. Everything outlives it.
  FileFollower(std::vector<FileSource> sources, io::FileSystem& fs, std::string state_path, KeepLines keep,
               const Clock& clock, const Logger& log, MetricsRegistry& metrics, FollowerOptions options = {});
  ~FileFollower();

  /// Reads the state. invalid_argument when a source's pattern is none; a state that is damaged is moved
  /// aside.
  Result<> open();
  /// One round. True when there was something to read: there may be more at once.
  bool tick();

 private:
  struct Entry;
  using Entries = std::vector<std::unique_ptr<Entry>>;

  void recall(const FileRecord& record);
  void scan();
  void look_at(const FileSource& source, const std::string& path);
  Entry* find_entry(const FileStat& file);
  FileRecord origin_of(const std::string& path, const ReadFile& file, const FileStat& stat, bool from_end);
  void add_entry(ReadFile file, FileRecord record, const FileSource& source);
  void renew_if_replaced(Entry& entry);
  bool adopt_copy(const Entry& entry);
  bool read_all();
  void leave_gone();
  void keep_all();
  void save();
  void retire(FileRecord record);

  const std::vector<FileSource> sources_;
  io::FileSystem& fs_;
  const std::string state_path_;
  const KeepLines keep_;
  const Clock& clock_;
  const Logger& log_;
  const FollowerOptions options_;
  Counter& lines_total_;
  Counter& cut_total_;
  Counter& truncated_total_;
  Counter& failures_total_;
  Gauge& files_gauge_;
  Gauge& behind_gauge_;
  std::vector<std::shared_ptr<const LineStarts>> starts_;  // a source
  Entries entries_;
  std::deque<FileRecord> retired_;
  std::set<std::string> seen_sources_;
  std::set<std::string> matched_;  // paths of the last scan
  Nanos next_scan_{0};
  Nanos not_before_{0};
  std::size_t next_entry_ = 0;
  bool state_changed_ = false;
  bool full_ = false;
};

}  // namespace telltale::logs
