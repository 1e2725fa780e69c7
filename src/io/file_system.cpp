// What every caller needs on top of the seam: whole-file reads, atomic publishing, paths.
#include "io/file_system.hpp"

namespace telltale::io {

Result<std::string> read_file(FileSystem& fs, const std::string& path) {
  TT_ASSIGN(const auto file, fs.open(path, OpenMode::read));
  TT_ASSIGN(const std::uint64_t size, file->size());
  return file->read(0, size);
}

Result<> read_file(FileSystem& fs, const std::string& path, std::string& out) {
  TT_ASSIGN(const auto file, fs.open(path, OpenMode::read));
  TT_ASSIGN(const std::uint64_t size, file->size());
  return file->read_into(0, size, out);
}

Result<> publish_file(FileSystem& fs, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> Result<> {
    TT_ASSIGN(const auto file, fs.open(temporary, OpenMode::create));
    TT_TRY(file->truncate(0));  // what a crash left behind
    TT_TRY(file->write(0, bytes));
    TT_TRY(file->sync());
    return fs.rename(temporary, path);
  };
  if (auto written = write(); !written) {
    (void)fs.remove(temporary);
    return tl::unexpected<Error>(std::move(written).error());
  }
  return fs.sync_dir(parent_dir(path));
}

std::string join_path(std::string_view dir, std::string_view name) {
  if (dir.empty()) return std::string(name);
  std::string out(dir);
  if (out.back() != '/') out += '/';
  out += name;
  return out;
}

std::string parent_dir(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

}  // namespace telltale::io
