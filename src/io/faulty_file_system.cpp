#include "io/faulty_file_system.hpp"

#include <algorithm>
#include <functional>

namespace telltale::io {
namespace {

std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

std::string canonical_path(std::string_view path) {
  std::string out;
  for (const std::string& part : path_parts(path)) out += "/" + part;
  return out;
}

std::string last_name(const std::string& path) {
  const auto parts = path_parts(path);
  return parts.empty() ? std::string() : parts.back();
}

void put_bytes(std::string& data, std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (data.size() < offset + bytes.size()) data.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), data.begin() + static_cast<std::ptrdiff_t>(offset));
}

tl::unexpected<Error> no_such(const std::string& path) {
  return fail(ErrorKind::not_found, path + ": no such file or folder");
}

constexpr std::uint64_t kDefaultCapacity = std::uint64_t{1} << 40;

}  // namespace

struct FaultyFileSystem::Node {
  bool is_dir = false;

  struct Change {
    bool is_truncate = false;
    std::uint64_t offset = 0;  // of a write; the size of a truncate
    std::string bytes;
    bool lost = false;  // a sync for it failed: no later one makes it durable
  };
  std::string data;     // as read now
  std::string durable;  // as found after a crash, but for `unsynced`
  std::vector<Change> unsynced;

  std::map<std::string, NodePtr> entries;
  std::map<std::string, NodePtr> durable_entries;
};

class FaultyFileSystem::OpenFile final : public File {
 public:
  OpenFile(FaultyFileSystem& fs, NodePtr node, std::string path, std::uint64_t generation, bool writable)
      : fs_(fs),
        node_(std::move(node)),
        path_(std::move(path)),
        generation_(generation),
        writable_(writable) {}

  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    MutexLock lock(fs_.mutex_);
    TT_TRY(begin("read", false));
    if (offset >= node_->data.size()) return std::string();
    return node_->data.substr(offset, size);
  }

  Result<> write(std::uint64_t offset, std::string_view bytes) override {
    MutexLock lock(fs_.mutex_);
    if (auto begun = begin("write", true); !begun) {
      // The power went during the write: some of it may be on the disk.
      if (generation_ == fs_.generation_ && fs_.calls_ == fs_.power_off_call_)
        (void)fs_.write_node(*node_, path_, offset, bytes);
      return begun;
    }
    return fs_.write_node(*node_, path_, offset, bytes);
  }

  Result<std::uint64_t> size() const override {
    MutexLock lock(fs_.mutex_);
    TT_TRY(begin("size", false));
    return node_->data.size();
  }

  Result<> truncate(std::uint64_t size) override {
    MutexLock lock(fs_.mutex_);
    TT_TRY(begin("truncate", true));
    fs_.resize_node(*node_, size);
    return {};
  }

  Result<> sync() override {
    MutexLock lock(fs_.mutex_);
    auto begun = begin("sync", false);
    if (begun && fs_.failing_syncs_ > 0) {
      --fs_.failing_syncs_;
      begun = fail(ErrorKind::io, "sync " + path_ + ": injected failure");
    }
    if (!begun) {
      for (auto& change : node_->unsynced) change.lost = true;
      return begun;
    }
    fs_.sync_node(*node_);
    return {};
  }

 private:
  Result<> begin(std::string_view what, bool writes) const TT_REQUIRES(fs_.mutex_) {
    TT_TRY(fs_.begin_call(what, path_));
    if (generation_ != fs_.generation_) return fail(ErrorKind::io, path_ + " was open before the crash");
    if (writes && !writable_) return fail(ErrorKind::io, path_ + " is open for reading only");
    return {};
  }

  FaultyFileSystem& fs_;
  const NodePtr node_;
  const std::string path_;
  const std::uint64_t generation_;
  const bool writable_;
};

class FaultyFileSystem::HeldLock final : public FileLock {
 public:
  HeldLock(FaultyFileSystem& fs, std::string path, std::uint64_t generation)
      : fs_(fs), path_(std::move(path)), generation_(generation) {}
  ~HeldLock() override {
    MutexLock lock(fs_.mutex_);
    if (generation_ == fs_.generation_) fs_.locks_.erase(path_);
  }

 private:
  FaultyFileSystem& fs_;
  const std::string path_;
  const std::uint64_t generation_;
};

FaultyFileSystem::FaultyFileSystem(Tracking tracking) : tracking_(tracking), root_(std::make_shared<Node>()) {
  root_->is_dir = true;
}

FaultyFileSystem::~FaultyFileSystem() = default;

// --- faults
// -----------------------------------------------------------------------------------------------------

Result<> FaultyFileSystem::begin_call(std::string_view what, const std::string& path) {
  ++calls_;
  const auto message = [&](const char* why) { return std::string(what) + " " + path + ": " + why; };
  if (calls_ >= power_off_call_) return fail(ErrorKind::io, message("the power is off"));
  if (const auto planned = planned_failures_.find(calls_); planned != planned_failures_.end()) {
    const ErrorKind kind = planned->second;
    planned_failures_.erase(planned);
    return fail(kind, message("injected failure"));
  }
  return {};
}

std::uint64_t FaultyFileSystem::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

void FaultyFileSystem::fail_at(std::uint64_t call, ErrorKind kind) {
  MutexLock lock(mutex_);
  planned_failures_[call] = kind;
}

void FaultyFileSystem::cancel_failures() {
  MutexLock lock(mutex_);
  planned_failures_.clear();
  failing_syncs_ = 0;
}

void FaultyFileSystem::power_off_at(std::uint64_t call) {
  MutexLock lock(mutex_);
  power_off_call_ = call;
}

bool FaultyFileSystem::powered_off() const {
  MutexLock lock(mutex_);
  return calls_ >= power_off_call_;
}

void FaultyFileSystem::fail_syncs(std::uint64_t count) {
  MutexLock lock(mutex_);
  failing_syncs_ = count;
}

void FaultyFileSystem::set_capacity(std::optional<std::uint64_t> bytes) {
  MutexLock lock(mutex_);
  capacity_ = bytes;
}

bool FaultyFileSystem::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  MutexLock lock(mutex_);
  const NodePtr node = find(path);
  if (!node || node->is_dir || offset >= node->data.size()) return false;
  sync_node(*node);  // the flip is on the disk, so the rest must be there as well
  node->data[offset] = static_cast<char>(node->data[offset] ^ (1U << (bit % 8)));
  if (tracking_ == Tracking::unsynced) node->durable = node->data;
  return true;
}

std::uint64_t FaultyFileSystem::used_bytes() const {
  MutexLock lock(mutex_);
  return bytes_below(*root_);
}

void FaultyFileSystem::crash(std::optional<std::uint64_t> seed) {
  MutexLock lock(mutex_);
  ++generation_;
  locks_.clear();
  planned_failures_.clear();
  power_off_call_ = UINT64_MAX;
  failing_syncs_ = 0;
  if (tracking_ == Tracking::none) return;
  std::optional<Rng> rng;
  if (seed) rng.emplace(*seed);
  const std::size_t kept = rng ? rng->below(unsynced_names_.size() + 1) : 0;
  for (std::size_t i = 0; i < kept; ++i) {
    for (const NameEdit& edit : unsynced_names_[i]) {
      if (edit.target) edit.dir->durable_entries[edit.name] = edit.target;
      if (!edit.target) edit.dir->durable_entries.erase(edit.name);
    }
  }
  unsynced_names_.clear();
  settle(*root_, rng ? &*rng : nullptr);
}

void FaultyFileSystem::settle(Node& node, Rng* rng) {
  node.entries = node.durable_entries;
  for (auto& [name, child] : node.entries) settle(*child, rng);
  for (const Node::Change& change : node.unsynced) {
    const std::uint64_t fate = rng ? rng->below(4) : 0;
    if (fate == 0) continue;
    if (change.is_truncate) {
      node.durable.resize(change.offset);
    } else if (fate == 1) {
      put_bytes(node.durable, change.offset, change.bytes);
    } else if (fate == 2) {
      const std::size_t part = rng->below(change.bytes.size() + 1);
      put_bytes(node.durable, change.offset, std::string_view(change.bytes).substr(0, part));
    } else if (const std::uint64_t end = change.offset + change.bytes.size(); node.durable.size() < end) {
      node.durable.resize(end);  // the size was written, the bytes were not
    }
  }
  node.unsynced.clear();
  node.data = node.durable;
}

// --- bytes
// ------------------------------------------------------------------------------------------------------

std::uint64_t FaultyFileSystem::bytes_below(const Node& node) {
  std::uint64_t sum = node.data.size();
  for (const auto& [name, child] : node.entries) sum += bytes_below(*child);
  return sum;
}

Result<> FaultyFileSystem::write_node(Node& node, const std::string& path, std::uint64_t offset,
                                      std::string_view bytes) {
  bool full = false;
  if (const std::uint64_t end = offset + bytes.size(); capacity_ && end > node.data.size()) {
    const std::uint64_t others = bytes_below(*root_) - node.data.size();
    const std::uint64_t limit = *capacity_ > others ? *capacity_ - others : 0;
    const std::uint64_t allowed_end = std::max<std::uint64_t>(limit, node.data.size());
    if (end > allowed_end) {
      full = true;
      bytes = bytes.substr(0, allowed_end > offset ? allowed_end - offset : 0);
    }
  }
  put_bytes(node.data, offset, bytes);
  if (tracking_ == Tracking::unsynced && !bytes.empty())
    node.unsynced.push_back({false, offset, std::string(bytes), false});
  if (full) return fail(ErrorKind::disk_full, "write " + path + ": no space left on the disk");
  return {};
}

void FaultyFileSystem::resize_node(Node& node, std::uint64_t size) {
  node.data.resize(size);
  if (tracking_ == Tracking::unsynced) node.unsynced.push_back({true, size, {}, false});
}

void FaultyFileSystem::sync_node(Node& node) {
  if (tracking_ == Tracking::none) return;
  std::vector<Node::Change> lost;
  // What a failed sync left in doubt is settled once newer bytes of the same place are durable.
  const auto forget_lost = [&lost](std::uint64_t begin, std::uint64_t end) {
    std::erase_if(lost, [&](const Node::Change& old) {
      return old.offset < end && begin < old.offset + old.bytes.size();
    });
  };
  for (Node::Change& change : node.unsynced) {
    if (change.lost && !change.is_truncate) {
      lost.push_back(std::move(change));
    } else if (change.is_truncate) {
      node.durable.resize(change.offset);
      forget_lost(change.offset, UINT64_MAX);
    } else {
      put_bytes(node.durable, change.offset, change.bytes);
      forget_lost(change.offset, change.offset + change.bytes.size());
    }
  }
  node.unsynced = std::move(lost);
}

// --- names
// ------------------------------------------------------------------------------------------------------

FaultyFileSystem::NodePtr FaultyFileSystem::find(const std::string& path) const {
  NodePtr node = root_;
  for (const std::string& part : path_parts(path)) {
    if (!node->is_dir) return nullptr;
    const auto entry = node->entries.find(part);
    if (entry == node->entries.end()) return nullptr;
    node = entry->second;
  }
  return node;
}

Result<FaultyFileSystem::NodePtr> FaultyFileSystem::find_dir_of(const std::string& path) const {
  auto parts = path_parts(path);
  if (parts.empty()) return fail(ErrorKind::invalid_argument, "the root folder is not a file");
  NodePtr node = find(parent_dir(canonical_path(path)));
  if (!node || !node->is_dir) return no_such(parent_dir(path));
  return node;
}

void FaultyFileSystem::change_names(NameChange change) {
  for (const NameEdit& edit : change) {
    for (auto* entries : {&edit.dir->entries, &edit.dir->durable_entries}) {
      if (entries == &edit.dir->durable_entries && tracking_ == Tracking::unsynced) continue;
      if (edit.target) (*entries)[edit.name] = edit.target;
      if (!edit.target) entries->erase(edit.name);
    }
  }
  if (tracking_ == Tracking::unsynced) unsynced_names_.push_back(std::move(change));
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("open", path));
  NodePtr node = find(path);
  if (node && node->is_dir) return fail(ErrorKind::io, path + " is a folder");
  if (node && mode == OpenMode::create_new) return fail(ErrorKind::conflict, path + " exists");
  if (!node) {
    if (mode == OpenMode::read || mode == OpenMode::write_existing) return no_such(path);
    TT_ASSIGN(NodePtr dir, find_dir_of(path));
    node = std::make_shared<Node>();
    change_names({{dir, last_name(path), node}});
  }
  return std::make_unique<OpenFile>(*this, node, path, generation_, mode != OpenMode::read);
}

Result<> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("rename", from));
  const NodePtr node = find(from);
  if (!node) return no_such(from);
  TT_ASSIGN(NodePtr from_dir, find_dir_of(from));
  TT_ASSIGN(NodePtr to_dir, find_dir_of(to));
  if (const NodePtr old = find(to); old && old != node) {
    if (old->is_dir != node->is_dir) return fail(ErrorKind::io, to + " is of another kind than " + from);
    if (!old->entries.empty()) return fail(ErrorKind::io, to + " is a folder that is not empty");
  } else if (old) {
    return {};
  }
  change_names({{from_dir, last_name(from), nullptr}, {to_dir, last_name(to), node}});
  return {};
}

Result<> FaultyFileSystem::remove(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("remove", path));
  const NodePtr node = find(path);
  if (!node) return no_such(path);
  if (!node->entries.empty()) return fail(ErrorKind::io, path + " is a folder that is not empty");
  TT_ASSIGN(NodePtr dir, find_dir_of(path));
  change_names({{dir, last_name(path), nullptr}});
  return {};
}

Result<> FaultyFileSystem::remove_all(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("remove_all", path));
  if (!find(path)) return {};
  TT_ASSIGN(NodePtr dir, find_dir_of(path));
  // Children go one by one before their folder, so that a crash can stop in the middle.
  const std::function<void(const NodePtr&)> empty = [&](const NodePtr& node) TT_REQUIRES(mutex_) {
    const auto entries = node->entries;
    for (const auto& [name, child] : entries) {
      empty(child);
      change_names({{node, name, nullptr}});
    }
  };
  empty(find(path));
  change_names({{dir, last_name(path), nullptr}});
  return {};
}

Result<> FaultyFileSystem::make_dirs(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("make_dirs", path));
  NodePtr node = root_;
  for (const std::string& part : path_parts(path)) {
    if (!node->is_dir) return fail(ErrorKind::io, path + ": a parent is not a folder");
    NodePtr next;
    if (const auto entry = node->entries.find(part); entry != node->entries.end()) {
      next = entry->second;
    } else {
      next = std::make_shared<Node>();
      next->is_dir = true;
      change_names({{node, part, next}});
    }
    node = next;
  }
  if (!node->is_dir) return fail(ErrorKind::conflict, path + " is a file");
  return {};
}

Result<> FaultyFileSystem::sync_dir(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("sync_dir", path));
  const NodePtr dir = find(path);
  if (!dir || !dir->is_dir) return no_such(path);
  const auto touches_dir = [&](const NameChange& change) {
    return std::any_of(change.begin(), change.end(), [&](const NameEdit& edit) { return edit.dir == dir; });
  };
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    if (!touches_dir(change)) return false;
    for (const NameEdit& edit : change) {
      if (edit.target) edit.dir->durable_entries[edit.name] = edit.target;
      if (!edit.target) edit.dir->durable_entries.erase(edit.name);
    }
    return true;
  });
  return {};
}

Result<std::vector<FileInfo>> FaultyFileSystem::list(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("list", path));
  const NodePtr dir = find(path);
  if (!dir || !dir->is_dir) return no_such(path);
  std::vector<FileInfo> out;
  for (const auto& [name, node] : dir->entries) out.push_back({name, node->data.size(), node->is_dir});
  return out;
}

Result<bool> FaultyFileSystem::exists(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("exists", path));
  return find(path) != nullptr;
}

Result<DiskSpace> FaultyFileSystem::space(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("space", path));
  const std::uint64_t used = bytes_below(*root_);
  const std::uint64_t total = capacity_.value_or(kDefaultCapacity);
  return DiskSpace{total > used ? total - used : 0, total};
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::lock(const std::string& path) {
  MutexLock lock(mutex_);
  TT_TRY(begin_call("lock", path));
  TT_ASSIGN(NodePtr dir, find_dir_of(path));
  if (!locks_.insert(canonical_path(path)).second) return fail(ErrorKind::conflict, path + " is locked");
  if (!find(path)) change_names({{dir, last_name(path), std::make_shared<Node>()}});
  return std::make_unique<HeldLock>(*this, canonical_path(path), generation_);
}

std::unique_ptr<FileSystem> make_memory_file_system() {
  return std::make_unique<FaultyFileSystem>(FaultyFileSystem::Tracking::none);
}

}  // namespace telltale::io
