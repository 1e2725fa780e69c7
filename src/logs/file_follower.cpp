#include "logs/file_follower.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>

#include "base/input_limits.hpp"
#include "base/rng.hpp"

namespace telltale::logs {
namespace {

constexpr std::size_t kMaxRetired = 128;
constexpr std::uint32_t kMinCopyBytes = 64;  // less in common is no sign of a copy

bool is_compressed(std::string_view path) {
  return path.ends_with(".gz") || path.ends_with(".bz2") || path.ends_with(".xz") || path.ends_with(".zst");
}

std::vector<std::string> glob_paths(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  std::sort(out.begin(), out.end());
  return out;
}

std::string file_name(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// app.log → app.log.1, app.log-20260108, app-20260108.log, app.1.log: rotation keeps the front of the name.
bool is_rotation_of(const std::string& path, const std::string& original) {
  if (io::parent_dir(path) != io::parent_dir(original)) return false;
  const std::string base = file_name(original);
  return file_name(path).starts_with(base.substr(0, std::max<std::size_t>(base.rfind('.'), 1)));
}

std::string source_key(const FileSource& source) {
  return fmt::format("{}:{}", source.project.value, fmt::join(source.paths, ","));
}

std::uint64_t new_generation() {
  const std::string bytes = secure_random(8);
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

}  // namespace

struct FileFollower::Entry {
  Entry(ReadFile file, FileRecord record, const FileSource& s, std::shared_ptr<const LineStarts> starts)
      : followed(std::move(file), std::move(record), std::move(starts)), source(&s) {}
  FollowedFile followed;
  const FileSource* source;
  bool gone = false;  // its path leads elsewhere, or is no source's
  std::vector<FileLine> lines;
};

FileFollower::FileFollower(std::vector<FileSource> sources, io::FileSystem& fs, std::string state_path,
                           KeepLines keep, const Clock& clock, const Logger& log, MetricsRegistry& metrics,
                           FollowerOptions options)
    : sources_(std::move(sources)),
      fs_(fs),
      state_path_(std::move(state_path)),
      keep_(std::move(keep)),
      clock_(clock),
      log_(log),
      options_(options),
      lines_total_(
          metrics.counter("telltale_follow_lines_total", "Lines and joined events of followed files.")),
      cut_total_(metrics.counter("telltale_follow_cut_total", "Lines of followed files that were cut.")),
      truncated_total_(metrics.counter("telltale_follow_truncated_total", "Followed files that began anew.")),
      failures_total_(
          metrics.counter("telltale_follow_failures_total", "Times that lines could not be kept or read.")),
      files_gauge_(metrics.gauge("telltale_followed_files", "Files that are followed.")),
      behind_gauge_(metrics.gauge("telltale_follow_behind_bytes", "Bytes of followed files not kept yet.")) {}

FileFollower::~FileFollower() = default;

Result<> FileFollower::open() {
  for (const FileSource& source : sources_) {
    TT_ASSIGN(auto starts, LineStarts::create(source.multiline));
    starts_.push_back(std::move(starts));
  }
  TT_ASSIGN(const bool exists, fs_.exists(state_path_));
  if (!exists) return {};
  TT_ASSIGN(const auto bytes, io::read_file(fs_, state_path_));
  auto state = decode_follow_state(bytes);
  if (!state) {
    log_.error("followed files are read from their start", {{"reason", state.error().message()}});
    return fs_.rename(state_path_, state_path_ + ".damaged");
  }
  seen_sources_.insert(state->sources.begin(), state->sources.end());
  for (const FileRecord& record : state->files) {
    if (record.retired) retired_.push_back(record);
  }
  for (const FileRecord& record : state->files) {
    if (!record.retired) recall(record);
  }
  return {};
}

// Finds the content of a record again: under its path, under another name, or in a copy.
void FileFollower::recall(const FileRecord& record) {
  const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const FileSource& s) {
    return std::any_of(s.paths.begin(), s.paths.end(), [&](const auto& p) {
      return ::fnmatch(p.c_str(), record.path.c_str(), FNM_PATHNAME) == 0;
    });
  });
  if (source == sources_.end()) return retire(record);
  const auto take = [&](const std::string& path, bool by_content) {
    const auto stat = stat_path(path);
    if (!stat || !stat->regular || find_entry(*stat) != nullptr) return false;
    if (!by_content && !stat->is(record.device, record.inode)) return false;
    if (by_content && record.mark.front_bytes < kMinCopyBytes) return false;
    auto file = ReadFile::open(path);
    if (!file || stat->size < record.offset || !file->has_mark(record.mark, record.offset)) return false;
    FileRecord found = record;
    found.path = path;
    found.device = stat->device;
    found.inode = stat->inode;
    add_entry(std::move(*file), std::move(found), *source);
    return true;
  };
  if (take(record.path, false)) return;
  std::vector<std::string> near = glob_paths(io::join_path(io::parent_dir(record.path), "*"));
  std::erase_if(near,
                [&](const auto& path) { return is_compressed(path) || !is_rotation_of(path, record.path); });
  for (const bool by_content : {false, true}) {
    for (const auto& path : near) {
      if (take(path, by_content)) return;
    }
  }
  log_.info("a followed file is gone", {{"path", record.path}});
  retire(record);
}

FileFollower::Entry* FileFollower::find_entry(const FileStat& file) {
  for (const auto& entry : entries_) {
    if (file.is(entry->followed.record().device, entry->followed.record().inode)) return entry.get();
  }
  return nullptr;
}

void FileFollower::add_entry(ReadFile file, FileRecord record, const FileSource& source) {
  const auto index = static_cast<std::size_t>(&source - sources_.data());
  entries_.push_back(std::make_unique<Entry>(std::move(file), std::move(record), source, starts_[index]));
  entries_.back()->followed.last_growth = clock_.steady();
  state_changed_ = true;
}

void FileFollower::retire(FileRecord record) {
  record.retired = true;
  retired_.push_back(std::move(record));
  if (retired_.size() > kMaxRetired) retired_.pop_front();
  state_changed_ = true;
}

void FileFollower::scan() {
  matched_.clear();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    for (const auto& pattern : sources_[i].paths) {
      for (const auto& path : glob_paths(pattern)) {
        if (is_compressed(path) || !matched_.insert(path).second) continue;
        look_at(sources_[i], path);
      }
    }
    if (seen_sources_.insert(source_key(sources_[i])).second) state_changed_ = true;
  }
  for (const auto& entry : entries_) {
    const FileRecord& record = entry->followed.record();
    const auto there = stat_path(record.path);
    entry->gone = !there || !there->is(record.device, record.inode) || !matched_.contains(record.path);
  }
}

void FileFollower::look_at(const FileSource& source, const std::string& path) {
  const auto there = stat_path(path);
  if (!there || !there->regular) return;
  if (Entry* known = find_entry(*there)) {
    if (known->followed.record().path != path) {
      known->followed.set_path(path);
      state_changed_ = true;
    }
    return;
  }
  if (entries_.size() >= limits::kMaxFollowedFiles) {
    if (!std::exchange(full_, true))
      log_.warn("no more files are followed",
                {{"limit", std::uint64_t{limits::kMaxFollowedFiles}}, {"path", path}});
    return;
  }
  auto file = ReadFile::open(path);
  if (!file) {
    failures_total_.add();
    return;
  }
  const auto stat = file->stat();  // of what was opened, not of what the path may lead to by now
  if (!stat || !stat->regular || find_entry(*stat) != nullptr) return;
  const bool from_end = source.from_end && !seen_sources_.contains(source_key(source));
  FileRecord record = origin_of(path, *file, *stat, from_end);
  if (record.generation == 0) return;
  add_entry(std::move(*file), std::move(record), source);
}

// A new file is a new generation, unless it is a copy of one we know. Generation 0: not yet, the original is
// still being read, or nothing is in the file that could tell.
FileRecord FileFollower::origin_of(const std::string& path, const ReadFile& file, const FileStat& stat,
                                   bool from_end) {
  FileRecord fresh{path, stat.device, stat.inode, new_generation(), 0, {}, false};
  for (const auto& entry : entries_) {
    const FileRecord& other = entry->followed.record();
    if (!is_rotation_of(path, other.path)) continue;
    // A copy that is only being made. A file that stands where ours did is none; it is held open from the
    // start, since it may be renamed before the next look.
    if (stat.size == 0 && path != other.path) {
      fresh.generation = 0;
      return fresh;
    }
    const ReadFile& original = entry->followed.file();
    const auto before = original.stat();
    const std::uint64_t common = before ? std::min(stat.size, before->size) : 0;
    const bool copied = common >= kMinCopyBytes && file.has_mark(original.mark_at(common, common), common);
    // An original that was just cut off is looked at first; it may have been while it was compared.
    const auto now = original.stat();
    if (copied || (now && entry->followed.replaced(*now))) {
      fresh.generation = 0;
      return fresh;
    }
  }
  for (auto other = retired_.rbegin(); other != retired_.rend(); ++other) {
    if (!is_rotation_of(path, other->path) || other->mark.front_bytes < kMinCopyBytes ||
        stat.size < kMinCopyBytes)
      continue;
    const bool whole = stat.size >= other->offset && file.has_mark(other->mark, other->offset);
    const bool part = stat.size < other->offset && other->mark.front_bytes <= stat.size &&
                      file.has_mark({other->mark.front_bytes, other->mark.front_hash, 0, 0}, 0);
    if (!whole && !part) continue;
    // A part is read again under its old ids: what is known is dropped by them.
    fresh.generation = other->generation;
    fresh.offset = whole ? other->offset : 0;
    fresh.mark = file.mark_at(fresh.offset);
    return fresh;
  }
  if (from_end) {
    fresh.offset = stat.size;
    fresh.mark = file.mark_at(stat.size);
  }
  return fresh;
}

void FileFollower::renew_if_replaced(Entry& entry) {
  const auto now = entry.followed.file().stat();
  if (!now || !entry.followed.replaced(*now)) return;
  truncated_total_.add();
  const FileRecord old = entry.followed.record();
  log_.info("a followed file began anew", {{"path", old.path}, {"size", now->size}, {"was_at", old.offset}});
  // Without a copy, what was read of an event or line that was not whole is all there is of it.
  if (!adopt_copy(entry)) entry.followed.flush(clock_.steady(), true, entry.lines);
  retire(old);
  const auto index = static_cast<std::size_t>(entry.source - sources_.data());
  entry.followed =
      FollowedFile(entry.followed.take_file(),
                   {old.path, old.device, old.inode, new_generation(), 0, {}, false}, starts_[index]);
  entry.followed.last_growth = clock_.steady();
  state_changed_ = true;
}

// copytruncate: what was written between our last look and the cut stands in the copy only.
bool FileFollower::adopt_copy(const Entry& entry) {
  const FileRecord old = entry.followed.record();
  const FileSource& source = *entry.source;
  if (old.mark.front_bytes < kMinCopyBytes) return false;
  for (const auto& path : glob_paths(io::join_path(io::parent_dir(old.path), "*"))) {
    if (is_compressed(path) || !is_rotation_of(path, old.path)) continue;
    auto file = ReadFile::open(path);
    const auto stat = file ? file->stat() : std::nullopt;
    if (!stat || !stat->regular || find_entry(*stat) != nullptr || stat->size < old.offset) continue;
    if (!file->has_mark(old.mark, old.offset)) continue;
    add_entry(std::move(*file),
              {path, stat->device, stat->inode, old.generation, old.offset, old.mark, false}, source);
    return true;
  }
  return false;
}

bool FileFollower::tick() {
  const Nanos now = clock_.steady();
  if (now < not_before_) return false;
  for (std::size_t i = 0; i < entries_.size(); ++i) renew_if_replaced(*entries_[i]);
  if (now >= next_scan_) {
    next_scan_ = now + options_.scan_interval;
    scan();
  }
  // A generation is written down before its first line is kept: after a crash its lines have the same ids.
  for (const auto& entry : entries_) state_changed_ = entry->followed.mark_front() || state_changed_;
  if (state_changed_) save();
  if (state_changed_) return false;  // the state could not be written
  const bool more = read_all();
  keep_all();
  leave_gone();
  if (state_changed_) save();
  files_gauge_.set(static_cast<double>(entries_.size()));
  return more;
}

// Reads from each file in turn, until a batch is full.
bool FileFollower::read_all() {
  const Nanos now = clock_.steady();
  std::size_t bytes = 0;
  std::uint64_t behind = 0;
  bool more = false;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = *entries_[(next_entry_ + i) % entries_.size()];
    if (bytes < limits::kFollowBatchBytes) {
      const std::size_t got = entry.followed.read_more(limits::kFollowReadBytes, now, entry.lines);
      bytes += got;
      more = more || got == limits::kFollowReadBytes;
      const bool left = entry.gone && now - entry.followed.last_growth >= options_.leave_after;
      entry.followed.flush(now, got == 0 && left, entry.lines);
      cut_total_.add(entry.followed.take_cut());
    } else {
      more = true;
    }
    if (const auto stat = entry.followed.file().stat(); stat && stat->size > entry.followed.read_to())
      behind += stat->size - entry.followed.read_to();
  }
  if (!entries_.empty()) next_entry_ = (next_entry_ + 1) % entries_.size();
  behind_gauge_.set(static_cast<double>(behind));
  return more;
}

void FileFollower::keep_all() {
  std::map<std::uint32_t, std::vector<Entry*>> by_project;
  for (const auto& entry : entries_) {
    if (entry->followed.unkept() || !entry->lines.empty())
      by_project[entry->source->project.value].push_back(entry.get());
  }
  for (const auto& [project, entries] : by_project) {
    std::vector<FileLines> files;
    std::size_t lines = 0;
    for (Entry* entry : entries) {
      lines += entry->lines.size();
      if (!entry->lines.empty())
        files.push_back({entry->source, entry->followed.record().path, std::move(entry->lines)});
      entry->lines.clear();
    }
    const auto done = files.empty() ? Result<>() : keep_(ProjectId{project}, files);
    for (Entry* entry : entries) done ? entry->followed.kept() : entry->followed.rewind();
    if (done) {
      lines_total_.add(lines);
      state_changed_ = true;
    } else {
      failures_total_.add();
      log_.warn("lines of followed files wait", {{"reason", done.error().message()}});
      not_before_ = clock_.steady() + options_.retry_after;
    }
  }
}

void FileFollower::leave_gone() {
  const Nanos now = clock_.steady();
  std::erase_if(entries_, [&](const std::unique_ptr<Entry>& entry) {
    const FollowedFile& f = entry->followed;
    const auto stat = f.file().stat();
    const bool at_end = !stat || stat->size <= f.record().offset;
    if (!entry->gone || !at_end || f.unkept() || now - f.last_growth < options_.leave_after) return false;
    retire(f.record());
    full_ = false;
    return true;
  });
}

void FileFollower::save() {
  FollowState state;
  state.sources.assign(seen_sources_.begin(), seen_sources_.end());
  for (const auto& entry : entries_) state.files.push_back(entry->followed.record());
  state.files.insert(state.files.end(), retired_.begin(), retired_.end());
  if (const auto done = io::publish_file(fs_, state_path_, encode_follow_state(state)); !done) {
    failures_total_.add();
    log_.warn("state of followed files not written", {{"reason", done.error().message()}});
    not_before_ = clock_.steady() + options_.retry_after;
    return;
  }
  state_changed_ = false;
}

}  // namespace telltale::logs
