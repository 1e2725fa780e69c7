// Disks, mounted file systems and network interfaces (Documentation/admin-guide/iostats.rst, proc(5)).
#include <algorithm>
#include <array>
#include <set>

#include "base/host_limits.hpp"
#include "hostmetrics/fields.hpp"

namespace telltale::hostmetrics {
namespace {

constexpr double kSectorBytes = 512;
constexpr double kMillis = 0.001;

struct DiskField {
  std::size_t word;
  std::string_view name;
  double factor;
};

constexpr DiskField kDiskFields[] = {
    {3, "node_disk_reads_completed_total", 1},
    {4, "node_disk_reads_merged_total", 1},
    {5, "node_disk_read_bytes_total", kSectorBytes},
    {6, "node_disk_read_time_seconds_total", kMillis},
    {7, "node_disk_writes_completed_total", 1},
    {8, "node_disk_writes_merged_total", 1},
    {9, "node_disk_written_bytes_total", kSectorBytes},
    {10, "node_disk_write_time_seconds_total", kMillis},
    {11, "node_disk_io_now", 1},
    {12, "node_disk_io_time_seconds_total", kMillis},
    {13, "node_disk_io_time_weighted_seconds_total", kMillis},
    {14, "node_disk_discards_completed_total", 1},
    {15, "node_disk_discards_merged_total", 1},
    {16, "node_disk_discarded_sectors_total", 1},
    {17, "node_disk_discard_time_seconds_total", kMillis},
    {18, "node_disk_flush_requests_total", 1},
    {19, "node_disk_flush_requests_time_seconds_total", kMillis},
};

bool ends_with_digits_after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return false;
  return name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

/// Memory disks, loops and partitions: node_exporter leaves them out, too.
bool is_left_out_disk(std::string_view name) {
  for (const std::string_view prefix : {"ram", "zram", "loop", "fd"})
    if (ends_with_digits_after(name, prefix)) return true;
  for (const std::string_view prefix : {"hd", "sd", "vd", "xvd"}) {
    if (name.size() > prefix.size() + 1 && name.starts_with(prefix) && name[prefix.size()] >= 'a' &&
        name[prefix.size()] <= 'z' && ends_with_digits_after(name, name.substr(0, prefix.size() + 1)))
      return true;
  }
  const std::size_t p = name.rfind('p');  // nvme0n1p2
  return name.starts_with("nvme") && p != std::string_view::npos &&
         ends_with_digits_after(name, name.substr(0, p + 1));
}

struct Mount {
  std::string device, point, type;
  bool read_only = false;
};

/// Blanks and backslashes stand as three octal digits behind a backslash (fstab(5)).
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t k) {
      return i + k < text.size() && text[i + k] >= '0' && text[i + k] <= '7' ? text[i + k] - '0' : -1;
    };
    if (text[i] == '\\' && digit(1) >= 0 && digit(2) >= 0 && digit(3) >= 0) {
      out += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// What holds no data of its own, and what a dead server behind it would make us wait for without end.
bool is_left_out_mount(const Mount& m) {
  static const std::set<std::string_view> kPseudo = {
      "autofs",   "binfmt_misc", "bpf",     "cgroup",    "cgroup2",    "configfs",   "debugfs",
      "devpts",   "devtmpfs",    "fusectl", "hugetlbfs", "iso9660",    "mqueue",     "nsfs",
      "overlay",  "proc",        "procfs",  "pstore",    "rpc_pipefs", "securityfs", "selinuxfs",
      "squashfs", "sysfs",       "tracefs", "erofs"};
  static const std::set<std::string_view> kRemote = {"nfs",   "nfs4", "cifs", "smb3",      "smbfs",
                                                     "ceph",  "9p",   "afs",  "glusterfs", "lustre",
                                                     "ncpfs", "coda", "davfs"};
  if (kPseudo.count(m.type) > 0 || kRemote.count(m.type) > 0 || m.type.starts_with("fuse.")) return true;
  for (const std::string_view folder :
       {"/dev", "/proc", "/sys", "/var/lib/docker", "/var/lib/containers/storage"}) {
    const bool itself_counts = folder.starts_with("/var");
    if (is_below(m.point, folder) && !(itself_counts && m.point.size() == folder.size())) return true;
  }
  return m.point.starts_with("/run/credentials/");
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t end = options.find(',');
    if (options.substr(0, end) == wanted) return true;
    options.remove_prefix(end == std::string_view::npos ? options.size() : end + 1);
  }
  return false;
}

/// /proc/1/mounts.
std::vector<Mount> read_mounts(std::string_view text) {
  std::vector<Mount> out;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.size() < 4) continue;
    out.push_back(
        {unescaped(parts[0]), unescaped(parts[1]), std::string(parts[2]), has_option(parts[3], "ro")});
  }
  return out;
}

/// /proc/self/mountinfo, for a service whose view of the mounts is its own: folders bound to other places,
/// and `/` made read-only for it. A device counts where it is mounted first, and is read-only when the file
/// system is.
std::vector<Mount> read_mount_info(std::string_view text) {
  std::vector<Mount> out;
  std::set<std::string> devices;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    const auto dash = std::find(parts.begin(), parts.end(), "-");
    if (parts.size() < 6 || parts.end() - dash < 4) continue;
    Mount m{unescaped(dash[2]), unescaped(parts[4]), std::string(dash[1]), has_option(dash[3], "ro")};
    const bool part_of_another = parts[3] != "/";
    const bool is_device = m.device.starts_with('/');
    if (is_device ? !devices.insert(m.device).second : part_of_another) continue;
    out.push_back(std::move(m));
  }
  return out;
}

}  // namespace

Result<> collect_diskstats(HostSource& source, SampleList& out) {
  TT_ASSIGN(const std::string text, source.read("/proc/diskstats"));
  std::size_t found = 0;
  for (const auto line : lines(text)) {
    const auto parts = words(line);
    if (parts.size() < 14 || is_left_out_disk(parts[2]) || ++found > limits::kMaxHostDevices) continue;
    for (const DiskField& field : kDiskFields) {
      if (field.word >= parts.size()) break;  // older kernels tell less
      out.add(field.name, number(parts[field.word]).value_or(0) * field.factor, {{"device", parts[2]}});
    }
  }
  return {};
}

Result<> collect_filesystem(HostSource& source, SampleList& out) {
  std::vector<Mount> mounts;
  if (const auto text = source.read("/proc/1/mounts")) {
    mounts = read_mounts(*text);
  } else {
    TT_ASSIGN(const std::string own, source.read("/proc/self/mountinfo"));
    mounts = read_mount_info(own);
  }
  std::set<std::string> seen;
  for (const Mount& m : mounts) {
    if (is_left_out_mount(m) || seen.size() >= limits::kMaxHostDevices) continue;
    if (!seen.insert(m.device + '\n' + m.point).second) continue;
    const auto add = [&](std::string_view name, double value) {
      out.add(name, value, {{"device", m.device}, {"mountpoint", m.point}, {"fstype", m.type}});
    };
    const auto space = source.space(m.point);
    add("node_filesystem_device_error", space ? 0 : 1);
    add("node_filesystem_readonly", m.read_only ? 1 : 0);
    if (!space) continue;
    const auto bytes = static_cast<double>(space->block_bytes);
    add("node_filesystem_size_bytes", static_cast<double>(space->blocks) * bytes);
    add("node_filesystem_free_bytes", static_cast<double>(space->free_blocks) * bytes);
    add("node_filesystem_avail_bytes", static_cast<double>(space->available_blocks) * bytes);
    add("node_filesystem_files", static_cast<double>(space->files));
    add("node_filesystem_files_free", static_cast<double>(space->free_files));
  }
  return {};
}

Result<> collect_netdev(HostSource& source, SampleList& out) {
  static constexpr std::string_view kNames[] = {
      "receive_bytes",  "receive_packets",  "receive_errs",       "receive_drop",
      "receive_fifo",   "receive_frame",    "receive_compressed", "receive_multicast",
      "transmit_bytes", "transmit_packets", "transmit_errs",      "transmit_drop",
      "transmit_fifo",  "transmit_colls",   "transmit_carrier",   "transmit_compressed"};
  TT_ASSIGN(const std::string text, source.read("/proc/net/dev"));
  std::size_t found = 0;
  for (const auto line : lines(text)) {
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos || ++found > limits::kMaxHostDevices) continue;
    const auto name = words(line.substr(0, colon));
    const auto values = words(line.substr(colon + 1));
    if (name.size() != 1 || values.size() < std::size(kNames)) continue;
    for (std::size_t i = 0; i < std::size(kNames); ++i)
      out.add("node_network_" + std::string(kNames[i]) + "_total", number(values[i]).value_or(0),
              {{"device", name[0]}});
    if (const auto state = source.read("/sys/class/net/" + std::string(name[0]) + "/operstate"))
      out.add("node_network_up", *state == "up\n" ? 1 : 0, {{"device", name[0]}});
  }
  return {};
}

}  // namespace telltale::hostmetrics
