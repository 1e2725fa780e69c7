// The real disk. Every call maps to one or two system calls; interrupted and short ones are continued. EINTR
// never reaches the caller, ENOSPC and EDQUOT become disk_full.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/file_system.hpp"

namespace telltale::io {
namespace {

tl::unexpected<Error> os_failure(std::string_view action, std::string_view path, int code) {
  const ErrorKind kind = code == ENOENT                       ? ErrorKind::not_found
                         : code == EEXIST                     ? ErrorKind::conflict
                         : (code == ENOSPC || code == EDQUOT) ? ErrorKind::disk_full
                                                              : ErrorKind::io;
  std::string message(action);
  message += ' ';
  message += path;
  message += ": ";
  message += std::generic_category().message(code);
  return fail(kind, std::move(message));
}

template <class Call>
auto retry_interrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(OwnedFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    std::string out;
    TT_TRY(read_into(offset, size, out));
    return out;
  }
  Result<> read_into(std::uint64_t offset, std::size_t size, std::string& out) const override {
    // A wrong size must not become a huge allocation: nothing past the end is asked for.
    TT_ASSIGN(const std::uint64_t end, this->size());
    out.resize(std::min<std::uint64_t>(size, end > offset ? end - offset : 0));
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = retry_interrupted([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      });
      if (n < 0) return os_failure("read", path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return {};
  }

  Result<> write(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = retry_interrupted(
          [&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (n < 0) return os_failure("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return os_failure("stat", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<> truncate(std::uint64_t size) override {
    if (retry_interrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0)
      return os_failure("truncate", path_, errno);
    return {};
  }

  Result<> sync() override {
    if (retry_interrupted([&] { return ::fdatasync(fd_.get()); }) != 0)
      return os_failure("sync", path_, errno);
    return {};
  }

 private:
  const OwnedFd fd_;
  const std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(OwnedFd fd) : fd_(std::move(fd)) {}

 private:
  const OwnedFd fd_;  // closing it releases the flock
};

int posix_open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::write_existing:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    OwnedFd fd(
        retry_interrupted([&] { return ::open(path.c_str(), posix_open_flags(mode) | O_CLOEXEC, 0640); }));
    if (fd.get() < 0) return os_failure("open", path, errno);
    return std::make_unique<PosixFile>(std::move(fd), path);
  }

  Result<> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return os_failure("rename", from + " to " + to, errno);
    return {};
  }

  Result<> remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return {};
    return os_failure("remove", path, errno);
  }

  Result<> remove_all(const std::string& path) override {
    std::error_code code;
    std::filesystem::remove_all(path, code);
    if (code) return os_failure("remove", path, code.value());
    return {};
  }

  Result<> make_dirs(const std::string& path) override {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code) return os_failure("make folder", path, code.value());
    return {};
  }

  Result<> sync_dir(const std::string& path) override {
    const OwnedFd fd(
        retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return os_failure("open folder", path, errno);
    if (retry_interrupted([&] { return ::fsync(fd.get()); }) != 0)
      return os_failure("sync folder", path, errno);
    return {};
  }

  Result<std::vector<FileInfo>> list(const std::string& dir) override {
    DIR* stream = ::opendir(dir.c_str());
    if (stream == nullptr) return os_failure("list", dir, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, &::closedir);
    std::vector<FileInfo> out;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info {};
      // Gone between the two calls: then it is not in the folder.
      if (::fstatat(::dirfd(stream), entry->d_name, &info, 0) != 0) continue;
      const bool is_dir = S_ISDIR(info.st_mode);
      out.push_back({std::string(name), is_dir ? 0 : static_cast<std::uint64_t>(info.st_size), is_dir});
    }
    std::sort(out.begin(), out.end(), [](const FileInfo& a, const FileInfo& b) { return a.name < b.name; });
    return out;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return os_failure("stat", path, errno);
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs info {};
    if (retry_interrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0)
      return os_failure("statvfs", path, errno);
    return DiskSpace{std::uint64_t{info.f_bavail} * info.f_frsize,
                     std::uint64_t{info.f_blocks} * info.f_frsize};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    OwnedFd fd(retry_interrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); }));
    if (fd.get() < 0) return os_failure("open", path, errno);
    if (retry_interrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK) return fail(ErrorKind::conflict, path + " is locked by another process");
      return os_failure("lock", path, errno);
    }
    return std::make_unique<PosixLock>(std::move(fd));
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() { return std::make_unique<PosixFileSystem>(); }

}  // namespace telltale::io
