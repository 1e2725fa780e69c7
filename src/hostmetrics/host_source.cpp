#include "hostmetrics/host_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/host_limits.hpp"

namespace telltale::hostmetrics {
namespace {

tl::unexpected<Error> os_error(const std::string& path) {
  return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::io, path + ": " + std::strerror(errno));
}

class SystemSource final : public HostSource {
 public:
  Result<std::string> read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return os_error(path);
    std::string out;
    char chunk[16 * 1024];
    // The size of such a file is not known before its end.
    while (out.size() < limits::kMaxHostFileBytes) {
      const auto n = ::read(fd, chunk, sizeof chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        auto error = os_error(path);
        ::close(fd);
        return error;
      }
      if (n == 0) break;
      out.append(chunk, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return out;
  }

  Result<std::vector<std::string>> folders(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return os_error(path);
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_DIR) out.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(out.begin(), out.end());
    return out;
  }

  Result<FileSystemSpace> space(const std::string& mount_point) override {
    struct statvfs s {};
    if (::statvfs(mount_point.c_str(), &s) != 0) return os_error(mount_point);
    return FileSystemSpace{s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree};
  }

  SystemName name() override {
    utsname u{};
    if (::uname(&u) != 0) return {};
    return {u.sysname, u.release, u.version, u.machine, u.nodename, u.domainname};
  }

  double ticks_per_second() override {
    const long ticks = ::sysconf(_SC_CLK_TCK);
    return ticks > 0 ? static_cast<double>(ticks) : 100.0;
  }
};

}  // namespace

std::unique_ptr<HostSource> make_system_source() { return std::make_unique<SystemSource>(); }

}  // namespace telltale::hostmetrics
