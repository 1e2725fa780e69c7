#include "logs/followed_file.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "base/input_limits.hpp"
#include "base/text.hpp"

namespace telltale::logs {
namespace {

constexpr std::size_t kTailMarkBytes = 64;

// The last bytes of `before` and `bytes` together, as many as mark a place.
std::string last_bytes(std::string_view before, std::string_view bytes) {
  if (bytes.size() >= kTailMarkBytes) return std::string(bytes.substr(bytes.size() - kTailMarkBytes));
  const std::size_t wanted = std::min(before.size(), kTailMarkBytes - bytes.size());
  std::string out(before.substr(before.size() - wanted));
  return out.append(bytes);
}

FileStat stat_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec, S_ISREG(info.st_mode)};
}

}  // namespace

std::optional<FileStat> stat_path(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return stat_of(info);
}

std::optional<ReadFile> ReadFile::open(const std::string& path) {
  // A pipe without a writer would make open() wait.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  return ReadFile(fd);
}

ReadFile& ReadFile::operator=(ReadFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ReadFile::~ReadFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<FileStat> ReadFile::stat() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return std::nullopt;
  return stat_of(info);
}

std::string ReadFile::read(std::uint64_t offset, std::size_t size) const {
  std::string out(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd_, out.data() + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return out;
}

FileMark ReadFile::mark_at(std::uint64_t offset, std::size_t front_bytes) const {
  FileMark mark;
  const std::string front = read(0, std::min(front_bytes, limits::kFileMarkBytes));
  mark.front_bytes = static_cast<std::uint32_t>(front.size());
  mark.front_hash = hash64(front);
  const std::size_t tail_bytes = std::min<std::uint64_t>(offset, kTailMarkBytes);
  const std::string tail = read(offset - tail_bytes, tail_bytes);
  mark.tail_bytes = static_cast<std::uint32_t>(tail.size());
  mark.tail_hash = hash64(tail);
  return mark;
}

bool ReadFile::has_mark(const FileMark& mark, std::uint64_t offset) const {
  if (mark.tail_bytes > offset) return false;
  // Nothing read yet is a mark, too: of no bytes.
  const auto same = [&](std::uint64_t from, std::uint32_t size, std::uint64_t hash) {
    const std::string bytes = read(from, size);
    return bytes.size() == size && (size == 0 || hash64(bytes) == hash);
  };
  return same(0, mark.front_bytes, mark.front_hash) &&
         same(offset - mark.tail_bytes, mark.tail_bytes, mark.tail_hash);
}

FollowedFile::FollowedFile(ReadFile file, FileRecord record, std::shared_ptr<const LineStarts> starts)
    : file_(std::move(file)), record_(std::move(record)), joiner_(std::move(starts)) {
  rewind();
}

bool FollowedFile::replaced(const FileStat& now) const {
  if (now.size < read_ || now.size < record_.mark.front_bytes) return true;
  // Cut off and grown past the old place between two looks: what stands there is another text.
  return now.changed_ns != marked_change_ns_ && !file_.has_mark(record_.mark, record_.offset);
}

bool FollowedFile::mark_front() {
  return record_.mark.front_bytes < limits::kFileMarkBytes &&
         mark_front(file_.read(0, limits::kFileMarkBytes));
}

bool FollowedFile::mark_front(std::string_view front) {
  FileMark& mark = record_.mark;
  front = front.substr(0, limits::kFileMarkBytes);
  if (front.size() <= mark.front_bytes) return false;
  const bool goes_on = mark.front_bytes == 0 || hash64(front.substr(0, mark.front_bytes)) == mark.front_hash;
  if (!goes_on) return false;  // cut off by now
  mark.front_bytes = static_cast<std::uint32_t>(front.size());
  mark.front_hash = hash64(front);
  return true;
}

std::size_t FollowedFile::read_more(std::size_t max_bytes, Nanos now, std::vector<FileLine>& out) {
  const auto stat = file_.stat();
  const std::uint64_t from = read_;
  const std::string bytes = file_.read(from, max_bytes);
  if (bytes.empty()) return 0;
  last_growth = now;
  if (stat) read_change_ns_ = stat->changed_ns;
  if (from == 0) mark_front(bytes);
  take_lines(bytes, now);
  const auto before = [&](std::uint64_t place) {
    return last_bytes(read_tail_, std::string_view(bytes).substr(0, place - from));
  };
  const std::uint64_t was_given = given_;
  give(out);
  if (given_ > from)
    given_tail_ = before(given_);
  else if (given_ != was_given)
    given_tail_ = line_tail_;  // what waits now began with the line that was not whole
  if (line_begin_ > from) line_tail_ = before(line_begin_);
  read_tail_ = before(read_);
  return bytes.size();
}

void FollowedFile::take_lines(std::string_view bytes, Nanos now) {
  while (!bytes.empty()) {
    if (partial_.empty() && !cutting_ && bytes.front() == '\0') {
      // A writer that did not notice that its file was cut off leaves a hole of zeros in front.
      const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
      bytes.remove_prefix(zeros);
      read_ += zeros;
      continue;
    }
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t room = limits::kMaxLogLineBytes - partial_.size();
    if (part.size() > room) cutting_ = true;
    read_ += part.size();
    if (end == std::string_view::npos) {
      partial_.append(part.substr(0, room));
      return;
    }
    ++read_;
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) {
      add_line(part.substr(0, room), read_, now);
    } else {
      partial_.append(part.substr(0, room));
      add_line(partial_, read_, now);
    }
    partial_.clear();
  }
}

void FollowedFile::add_line(std::string_view line, std::uint64_t end, Nanos now) {
  if (std::exchange(cutting_, false)) ++cut_lines_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  joiner_.add(line, line_begin_, end, now, joined_);
  line_begin_ = end;
}

void FollowedFile::flush(Nanos now, bool force, std::vector<FileLine>& out) {
  if (force && !partial_.empty()) {
    add_line(partial_, read_, now);
    partial_.clear();
    line_tail_ = read_tail_;
  }
  joiner_.flush(now, force, joined_);
  const std::uint64_t was_given = given_;
  give(out);
  if (given_ != was_given) given_tail_ = line_tail_;  // nothing waits
}

void FollowedFile::give(std::vector<FileLine>& out) {
  for (JoinedLine& event : joined_) {
    if (event.text.find_first_not_of(" \t\n") == std::string::npos) continue;  // nothing to keep
    // The text is a part of the id: where a place was taken for another's by mistake, no line goes for it.
    const Id128 id =
        hash128(fmt::format("{}/{}/{}/{}", record_.generation, event.begin, event.end, event.text));
    out.push_back({is_utf8(event.text) ? std::move(event.text) : repair_utf8(event.text), id});
  }
  joined_.clear();
  given_ = joiner_.waiting() ? joiner_.waiting_from() : line_begin_;
}

void FollowedFile::kept() {
  marked_change_ns_ = read_change_ns_;
  if (given_ == record_.offset) return;
  record_.offset = given_;
  record_.mark.tail_bytes = static_cast<std::uint32_t>(given_tail_.size());
  record_.mark.tail_hash = hash64(given_tail_);
}

void FollowedFile::rewind() {
  read_ = line_begin_ = given_ = record_.offset;
  read_tail_ = file_.read(record_.offset - record_.mark.tail_bytes, record_.mark.tail_bytes);
  if (hash64(read_tail_) != record_.mark.tail_hash) read_tail_.clear();  // cut off by now
  line_tail_ = given_tail_ = read_tail_;
  partial_.clear();
  cutting_ = false;
  joiner_.reset();
  joined_.clear();
}

}  // namespace telltale::logs
