// Files as the kernel writes them, made up here.
#include <map>

#include <gtest/gtest.h>

#include "hostmetrics/collector.hpp"

namespace telltale::hostmetrics {
namespace {

struct FakeHost final : HostSource {
  Result<std::string> read(const std::string& path) override {
    const auto it = files.find(path);
    if (it == files.end()) return fail(ErrorKind::not_found, path);
    return it->second;
  }
  Result<std::vector<std::string>> folders(const std::string& path) override {
    std::vector<std::string> out;
    for (const auto& [file, text] : files) {
      if (!file.starts_with(path + "/")) continue;
      const std::string rest = file.substr(path.size() + 1);
      const std::size_t slash = rest.find('/');
      if (slash == std::string::npos) continue;
      if (out.empty() || out.back() != rest.substr(0, slash)) out.push_back(rest.substr(0, slash));
    }
    return out;
  }
  Result<FileSystemSpace> space(const std::string& mount_point) override {
    asked.push_back(mount_point);
    if (mount_point == "/broken") return fail(ErrorKind::io, mount_point);
    return FileSystemSpace{4096, 1000, 400, 300, 50, 20};
  }
  SystemName name() override { return {"Linux", "6.1.0", "#1", "x86_64", "box", "local"}; }
  double ticks_per_second() override { return 100; }
  std::map<std::string, std::string> files;
  std::vector<std::string> asked;
};

using Values = std::map<std::string, double>;

Values values(const HostSamples& samples) {
  Values out;
  for (const auto& [labels, value] : samples) {
    EXPECT_TRUE(out.emplace(labels.to_string(), value).second) << "twice: " << labels.to_string();
  }
  return out;
}

FakeHost whole_host() {
  FakeHost h;
  h.files["/proc/stat"] =
      "cpu  30 0 3 4 5 6 7 8 9 1\ncpu0 1000 200 300 40000 500 60 70 80 90 10\nintr 12345 1 2 3\nctxt 777\n"
      "btime 1700000000\nprocesses 55\nprocs_running 2\nprocs_blocked 1\n";
  h.files["/proc/meminfo"] =
      "MemTotal:       16000 kB\nMemFree:  8000 kB\nActive(anon):  5 kB\nHugePages_Total:   3\n";
  h.files["/proc/vmstat"] = "nr_free_pages 5\npgpgin 10\npswpout 2\npgmajfault 7\noom_kill 1\n";
  h.files["/proc/loadavg"] = "0.50 1.25 2.00 2/345 6789\n";
  h.files["/proc/pressure/cpu"] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
  h.files["/proc/pressure/io"] = "some avg10=0.00 total=2000000\nfull avg10=0.00 total=500000\n";
  h.files["/proc/pressure/memory"] = "some avg10=0.00 total=0\nfull avg10=0.00 total=0\n";
  h.files["/proc/sys/fs/file-nr"] = "1024\t0\t9223372036854775807\n";
  h.files["/proc/net/sockstat"] = "sockets: used 100\nTCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2\n";
  h.files["/proc/diskstats"] =
      "   8       0 sda 10 1 200 3000 20 2 400 5000 1 6000 8000\n   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
      " 259 0 nvme0n1 10 1 200 3000 20 2 400 5000 1 6000 8000 1 2 3 4000 5 6000\n"
      " 259 1 nvme0n1p1 1 1 1 1 1 1 1 1 1 1 1\n   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n";
  h.files["/proc/1/mounts"] =
      "/dev/sda1 / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n/dev/sdb /mnt/my\\040disk xfs ro 0 0\n"
      "tmpfs /run tmpfs rw,mode=755 0 0\nsrv:/x /nfs nfs4 rw 0 0\n/dev/sdc /broken ext4 rw 0 0\n"
      "tmpfs /dev/shm tmpfs rw 0 0\n/dev/sda1 / ext4 rw,relatime 0 0\nhost /fuse fuse.sshfs rw 0 0\n";
  h.files["/proc/net/dev"] =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
      "colls "
      "carrier compressed\n"
      "  eth0: 1000 10 1 2 3 4 5 6 2000 20 7 8 9 10 11 12\n";
  h.files["/sys/class/net/eth0/operstate"] = "up\n";
  return h;
}

TEST(HostMetrics, UnderTheNamesOfNodeExporter) {
  FakeHost host = whole_host();
  FakeClock clock;
  const Values v = values(measure_host(host, clock));
  const std::pair<const char*, double> rows[] = {
      {R"(node_cpu_seconds_total{cpu="0", mode="user"})", 10},
      {R"(node_cpu_seconds_total{cpu="0", mode="idle"})", 400},
      {R"(node_cpu_seconds_total{cpu="0", mode="steal"})", 0.8},
      {R"(node_cpu_guest_seconds_total{cpu="0", mode="user"})", 0.9},
      {"node_boot_time_seconds", 1700000000},
      {"node_context_switches_total", 777},
      {"node_intr_total", 12345},
      {"node_forks_total", 55},
      {"node_procs_running", 2},
      {"node_memory_MemTotal_bytes", 16000 * 1024},
      {"node_memory_Active_anon_bytes", 5 * 1024},
      {"node_memory_HugePages_Total", 3},
      {"node_vmstat_pgpgin", 10},
      {"node_vmstat_oom_kill", 1},
      {"node_load5", 1.25},
      {"node_pressure_cpu_waiting_seconds_total", 1.5},
      {"node_pressure_io_stalled_seconds_total", 0.5},
      {"node_filefd_allocated", 1024},
      {"node_sockstat_TCP_inuse", 5},
      {"node_sockstat_TCP_mem_bytes", 8192},
      {"node_sockstat_sockets_used", 100},
      {R"(node_uname_info{domainname="local", machine="x86_64", nodename="box", release="6.1.0", sysname="Linux", version="#1"})",
       1},
      {R"(node_disk_read_bytes_total{device="sda"})", 200 * 512},
      {R"(node_disk_io_time_seconds_total{device="sda"})", 6},
      {R"(node_disk_flush_requests_time_seconds_total{device="nvme0n1"})", 6},
      {R"(node_filesystem_size_bytes{device="/dev/sda1", fstype="ext4", mountpoint="/"})", 4096000},
      {R"(node_filesystem_avail_bytes{device="/dev/sda1", fstype="ext4", mountpoint="/"})", 300 * 4096},
      {R"(node_filesystem_readonly{device="/dev/sdb", fstype="xfs", mountpoint="/mnt/my disk"})", 1},
      {R"(node_filesystem_device_error{device="/dev/sdc", fstype="ext4", mountpoint="/broken"})", 1},
      {R"(node_filesystem_files_free{device="tmpfs", fstype="tmpfs", mountpoint="/run"})", 20},
      {R"(node_network_receive_bytes_total{device="eth0"})", 1000},
      {R"(node_network_transmit_compressed_total{device="eth0"})", 12},
      {R"(node_network_up{device="eth0"})", 1},
      {R"(node_scrape_collector_success{collector="cpu"})", 1},
  };
  for (const auto& [series, value] : rows) {
    const auto it = v.find(series);
    ASSERT_NE(it, v.end()) << series;
    EXPECT_DOUBLE_EQ(it->second, value) << series;
  }
  for (const auto& [series, value] : v)
    for (const auto* absent : {"sda1\"", "nvme0n1p1", "loop0", "nr_free", "cpu=\"\"", "/dev/shm"})
      EXPECT_EQ(series.find(std::string("device=\"") + absent), std::string::npos) << series;
  EXPECT_EQ(host.asked, (std::vector<std::string>{"/", "/mnt/my disk", "/run", "/broken"}))
      << "no remote file system is touched";
}

TEST(HostMetrics, AServiceWithMountsOfItsOwnStillSeesTheHostsFileSystems) {
  FakeHost host;
  FakeClock clock;
  host.files["/proc/self/mountinfo"] =
      "20 1 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 rw\n21 20 0:20 / /run rw - tmpfs tmpfs rw\n"
      "22 20 8:1 /tmp/private/tmp /tmp rw - ext4 /dev/sda1 rw\n23 20 8:1 /var/lib/x /var/lib/x rw - ext4 "
      "/dev/sda1 rw\n"
      "24 20 0:20 /systemd/none /home ro - tmpfs tmpfs rw\n25 20 8:2 /@data /data rw master:2 - btrfs "
      "/dev/sdb ro\n";
  const Values v = values(measure_host(host, clock));
  EXPECT_EQ(host.asked, (std::vector<std::string>{"/", "/run", "/data"}));
  EXPECT_EQ(v.at(R"(node_filesystem_readonly{device="/dev/sda1", fstype="ext4", mountpoint="/"})"), 0);
  EXPECT_EQ(v.at(R"(node_filesystem_readonly{device="/dev/sdb", fstype="btrfs", mountpoint="/data"})"), 1);
}

TEST(HostMetrics, APartThatIsMissingOrMalformedSpoilsNoOther) {
  FakeHost host = whole_host();
  FakeClock clock;
  host.files.erase("/proc/pressure/cpu");
  host.files["/proc/meminfo"] = "MemTotal: many kB\n";
  const Values v = values(measure_host(host, clock));
  EXPECT_EQ(v.at(R"(node_scrape_collector_success{collector="pressure"})"), 0);
  EXPECT_EQ(v.at(R"(node_scrape_collector_success{collector="meminfo"})"), 0);
  EXPECT_EQ(v.at(R"(node_scrape_collector_success{collector="loadavg"})"), 1);
  FakeHost empty;
  EXPECT_EQ(values(measure_host(empty, clock)).at(R"(node_scrape_collector_success{collector="cpu"})"), 0);
}

TEST(ContainerMetrics, ControlGroupsOfVersion2) {
  FakeHost h;
  FakeClock clock;
  const std::string root = "/sys/fs/cgroup";
  const std::string id(64, 'a');
  const std::string group = "/system.slice/docker-" + id + ".scope";
  h.files[root + "/cgroup.controllers"] = "cpu memory\n";
  h.files[root + "/cpu.stat"] = "usage_usec 9000000\nuser_usec 5000000\nsystem_usec 4000000\n";
  h.files[root + group + "/cpu.stat"] =
      "usage_usec 3000000\nuser_usec 1000000\nsystem_usec 2000000\nnr_periods 10\nnr_throttled 4\n"
      "throttled_usec 500000\n";
  h.files[root + group + "/memory.current"] = "1000\n";
  h.files[root + group + "/memory.stat"] = "anon 300\nfile 600\ninactive_file 400\n";
  h.files[root + group + "/memory.max"] = "max\n";
  h.files[root + group + "/cpu.max"] = "50000 100000\n";
  h.files[root + group + "/io.stat"] = "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n";
  h.files[root + group + "/memory.events"] = "oom 2\noom_kill 1\n";
  const auto samples = measure_containers(h, clock);
  ASSERT_TRUE(samples) << samples.error().message();
  const Values v = values(*samples);
  const std::string at = "{id=\"" + group + "\", name=\"aaaaaaaaaaaa\"}";
  EXPECT_DOUBLE_EQ(
      v.at("container_cpu_usage_seconds_total{cpu=\"total\", id=\"" + group + "\", name=\"aaaaaaaaaaaa\"}"),
      3);
  EXPECT_DOUBLE_EQ(v.at("container_cpu_usage_seconds_total{cpu=\"total\", id=\"/\"}"), 9);
  EXPECT_EQ(v.at("container_memory_working_set_bytes" + at), 600);
  EXPECT_EQ(v.at("container_memory_rss" + at), 300);
  EXPECT_EQ(v.at("container_spec_memory_limit_bytes" + at), 0);
  EXPECT_EQ(v.at("container_spec_cpu_quota" + at), 50000);
  EXPECT_EQ(v.at("container_cpu_cfs_throttled_periods_total" + at), 4);
  EXPECT_EQ(v.at("container_fs_writes_bytes_total" + at), 22);
  EXPECT_EQ(v.at("container_oom_events_total" + at), 1);
}

TEST(ContainerMetrics, ControlGroupsOfVersion1AndNone) {
  FakeHost h;
  FakeClock clock;
  EXPECT_EQ(measure_containers(h, clock).error().kind(), ErrorKind::unavailable);
  const std::string root = "/sys/fs/cgroup/";
  const std::string id(64, 'b');
  h.files[root + "cpuacct/cpuacct.usage"] = "5000000000\n";
  h.files[root + "cpuacct/docker/" + id + "/cpuacct.usage"] = "2000000000\n";
  h.files[root + "cpuacct/docker/" + id + "/cpuacct.stat"] = "user 120\nsystem 80\n";
  h.files[root + "memory/docker/" + id + "/memory.usage_in_bytes"] = "500\n";
  h.files[root + "memory/docker/" + id + "/memory.stat"] = "total_inactive_file 600\ntotal_rss 50\n";
  h.files[root + "memory/docker/" + id + "/memory.limit_in_bytes"] = "9223372036854771712\n";
  h.files[root + "cpu/docker/" + id + "/cpu.cfs_quota_us"] = "-1\n";
  const Values v = values(*measure_containers(h, clock));
  const std::string at = "{id=\"/docker/" + id + "\", name=\"bbbbbbbbbbbb\"}";
  EXPECT_DOUBLE_EQ(v.at("container_cpu_user_seconds_total" + at), 1.2);
  EXPECT_EQ(v.at("container_memory_working_set_bytes" + at), 0);
  EXPECT_EQ(v.at("container_spec_memory_limit_bytes" + at), 0);
  EXPECT_EQ(v.count("container_spec_cpu_quota" + at), 0U);
}

TEST(SystemSource, ReadsThisHost) {
  const auto source = make_system_source();
  SystemClock clock;
  const Values v = values(measure_host(*source, clock));
  EXPECT_EQ(v.at(R"(node_scrape_collector_success{collector="cpu"})"), 1);
  EXPECT_GT(v.at("node_memory_MemTotal_bytes"), 0);
  EXPECT_EQ(source->read("/proc/none").error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace telltale::hostmetrics
