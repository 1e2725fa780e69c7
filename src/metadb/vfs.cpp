#include "metadb/vfs.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <sqlite3.h>

#include "base/mutex.hpp"
#include "base/rng.hpp"

namespace telltale::metadb {

struct Vfs::Impl {
  Impl(io::FileSystem& file_system, const Clock& injected) : fs(file_system), clock(injected) {}

  io::FileSystem& fs;
  const Clock& clock;
  std::string name;
  sqlite3_vfs table{};
  mutable Mutex mutex;
  std::string last_error TT_GUARDED_BY(mutex);

  /// Remembers the text; gives the code SQLite wants, disk_full apart, which it must know to roll back
  /// cleanly.
  int failed(const Error& error, int code) {
    MutexLock lock(mutex);
    last_error = error.message();
    return error.kind() == ErrorKind::disk_full ? SQLITE_FULL : code;
  }
};

namespace {

constexpr int kSectorBytes = 4096;
constexpr int kMaxPath = 1024;
constexpr sqlite3_int64 kUnixEpochInJulianMs = 210'866'760'000'000;

struct OpenFile {
  sqlite3_file base;
  Vfs::Impl* vfs;
  io::File* file;
  std::string* path;
  bool delete_on_close;
  bool name_unsynced;  // made by us: its folder's entry must be synced once
};

OpenFile& open_file(sqlite3_file* f) { return *reinterpret_cast<OpenFile*>(f); }
Vfs::Impl& vfs_impl(sqlite3_vfs* v) { return *static_cast<Vfs::Impl*>(v->pAppData); }

int file_close(sqlite3_file* f) {
  OpenFile& file = open_file(f);
  delete file.file;
  int code = SQLITE_OK;
  if (file.delete_on_close) {
    if (auto removed = file.vfs->fs.remove(*file.path); !removed) {
      code = file.vfs->failed(removed.error(), SQLITE_IOERR_DELETE);
    }
  }
  delete file.path;
  file.base.pMethods = nullptr;
  return code;
}

int file_read(sqlite3_file* f, void* out, int size, sqlite3_int64 offset) {
  OpenFile& file = open_file(f);
  const auto wanted = static_cast<std::size_t>(size);
  auto bytes = file.file->read(static_cast<std::uint64_t>(offset), wanted);
  if (!bytes) return file.vfs->failed(bytes.error(), SQLITE_IOERR_READ);
  const std::size_t got = std::min(bytes->size(), wanted);
  std::memcpy(out, bytes->data(), got);
  if (got == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(out) + got, 0, wanted - got);
  return SQLITE_IOERR_SHORT_READ;
}

int file_write(sqlite3_file* f, const void* bytes, int size, sqlite3_int64 offset) {
  OpenFile& file = open_file(f);
  auto done =
      file.file->write(static_cast<std::uint64_t>(offset),
                       std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size)));
  return done ? SQLITE_OK : file.vfs->failed(done.error(), SQLITE_IOERR_WRITE);
}

int file_truncate(sqlite3_file* f, sqlite3_int64 size) {
  OpenFile& file = open_file(f);
  auto done = file.file->truncate(static_cast<std::uint64_t>(size));
  return done ? SQLITE_OK : file.vfs->failed(done.error(), SQLITE_IOERR_TRUNCATE);
}

int file_sync(sqlite3_file* f, int) {
  OpenFile& file = open_file(f);
  if (auto done = file.file->sync(); !done) return file.vfs->failed(done.error(), SQLITE_IOERR_FSYNC);
  if (!file.name_unsynced) return SQLITE_OK;
  if (auto done = file.vfs->fs.sync_dir(io::parent_dir(*file.path)); !done) {
    return file.vfs->failed(done.error(), SQLITE_IOERR_DIR_FSYNC);
  }
  file.name_unsynced = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* f, sqlite3_int64* out) {
  OpenFile& file = open_file(f);
  auto size = file.file->size();
  if (!size) return file.vfs->failed(size.error(), SQLITE_IOERR_FSTAT);
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

int file_lock(sqlite3_file*, int) { return SQLITE_OK; }
int file_check_reserved(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int file_sector(sqlite3_file*) { return kSectorBytes; }
int file_traits(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// Version 1: no shared memory, no memory mapping.
constexpr sqlite3_io_methods kFileMethods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
};

int vfs_open(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  Vfs::Impl& vfs = vfs_impl(v);
  OpenFile& file = open_file(f);
  file.base.pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files: temp_store=MEMORY makes none
  const std::string path(name);
  auto there = vfs.fs.exists(path);
  if (!there) return vfs.failed(there.error(), SQLITE_CANTOPEN);
  if (!*there && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  io::OpenMode mode = io::OpenMode::write_existing;
  if ((flags & SQLITE_OPEN_READONLY) != 0) mode = io::OpenMode::read;
  if (!*there) mode = io::OpenMode::create;
  auto opened = vfs.fs.open(path, mode);
  if (!opened) return vfs.failed(opened.error(), SQLITE_CANTOPEN);
  file.vfs = &vfs;
  file.file = opened->release();
  file.path = new std::string(path);
  file.delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  // An existing file may be one whose name a crash of ours left unsynced: sync it once, too.
  file.name_unsynced = (flags & SQLITE_OPEN_READONLY) == 0;
  file.base.pMethods = &kFileMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* v, const char* name, int sync_dir) {
  Vfs::Impl& vfs = vfs_impl(v);
  if (auto done = vfs.fs.remove(name); !done) {
    if (done.error().kind() == ErrorKind::not_found) return SQLITE_IOERR_DELETE_NOENT;
    return vfs.failed(done.error(), SQLITE_IOERR_DELETE);
  }
  if (sync_dir == 0) return SQLITE_OK;
  auto done = vfs.fs.sync_dir(io::parent_dir(name));
  return done ? SQLITE_OK : vfs.failed(done.error(), SQLITE_IOERR_DIR_FSYNC);
}

int vfs_access(sqlite3_vfs* v, const char* name, int, int* out) {
  auto there = vfs_impl(v).fs.exists(name);
  if (!there) return vfs_impl(v).failed(there.error(), SQLITE_IOERR_ACCESS);
  *out = *there ? 1 : 0;
  return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  const std::size_t length = std::strlen(name);
  if (length + 1 > static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, length + 1);
  return SQLITE_OK;
}

int vfs_randomness(sqlite3_vfs*, int size, char* out) {
  const std::string bytes = secure_random(static_cast<std::size_t>(size));
  std::memcpy(out, bytes.data(), bytes.size());
  return size;
}

int vfs_sleep(sqlite3_vfs*, int micros) { return micros; }  // nobody else holds a lock to wait for

int vfs_now_ms(sqlite3_vfs* v, sqlite3_int64* out) {
  *out = kUnixEpochInJulianMs + vfs_impl(v).clock.now().to_millis().ms;
  return SQLITE_OK;
}
int vfs_now(sqlite3_vfs* v, double* out) {
  sqlite3_int64 ms = 0;
  vfs_now_ms(v, &ms);
  *out = static_cast<double>(ms) / 86'400'000.0;
  return SQLITE_OK;
}
int vfs_last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

Vfs::Vfs(io::FileSystem& fs, const Clock& clock) : impl_(std::make_unique<Impl>(fs, clock)) {
  static std::atomic<std::uint64_t> instances{0};
  impl_->name = "telltale-" + std::to_string(++instances);
  sqlite3_vfs& table = impl_->table;
  table.iVersion = 2;
  table.szOsFile = sizeof(OpenFile);
  table.mxPathname = kMaxPath;
  table.zName = impl_->name.c_str();
  table.pAppData = impl_.get();
  table.xOpen = vfs_open;
  table.xDelete = vfs_delete;
  table.xAccess = vfs_access;
  table.xFullPathname = vfs_full_path;
  table.xRandomness = vfs_randomness;
  table.xSleep = vfs_sleep;
  table.xCurrentTime = vfs_now;
  table.xGetLastError = vfs_last_error;
  table.xCurrentTimeInt64 = vfs_now_ms;
  sqlite3_vfs_register(&table, 0);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&impl_->table); }

const std::string& Vfs::name() const { return impl_->name; }

std::string Vfs::last_error() const {
  MutexLock lock(impl_->mutex);
  return impl_->last_error;
}

}  // namespace telltale::metadb
