#include "net/datagram_listener.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/input_limits.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"

namespace telltale::net {
namespace {

constexpr std::size_t kReceiveAtOnce = 32;
constexpr int kPollMs = 100;
constexpr std::size_t kMaxDrainRounds = 20'000;  // while stopping, against a sender that never ends

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& ip, std::uint16_t port) {
  SocketAddress out;
  if (ip.is_v4()) {
    auto* to = reinterpret_cast<sockaddr_in*>(&out.storage);
    to->sin_family = AF_INET;
    to->sin_port = htons(port);
    std::memcpy(&to->sin_addr, ip.bytes.data() + 12, 4);
    out.size = sizeof *to;
  } else {
    auto* to = reinterpret_cast<sockaddr_in6*>(&out.storage);
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(port);
    std::memcpy(&to->sin6_addr, ip.bytes.data(), 16);
    out.size = sizeof *to;
  }
  return out;
}

// Room for several datagrams, used again and again.
struct ReceiveBuffers {
  ReceiveBuffers() : bytes(kReceiveAtOnce * limits::kMaxDatagramBytes, '\0') {
    for (std::size_t i = 0; i < kReceiveAtOnce; ++i) {
      parts[i] = {bytes.data() + i * limits::kMaxDatagramBytes, limits::kMaxDatagramBytes};
    }
  }
  void prepare() {
    for (std::size_t i = 0; i < kReceiveAtOnce; ++i) {
      msghdr& header = headers[i].msg_hdr;
      header = {};
      header.msg_name = &from[i];
      header.msg_namelen = sizeof from[i];
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = control[i].data();
      header.msg_controllen = control[i].size();
    }
  }
  std::string bytes;
  std::array<iovec, kReceiveAtOnce> parts{};
  std::array<mmsghdr, kReceiveAtOnce> headers{};
  std::array<sockaddr_storage, kReceiveAtOnce> from{};
  alignas(cmsghdr) std::array<std::array<char, 64>, kReceiveAtOnce> control{};
};

// How many datagrams the kernel has dropped since the socket was opened, where it says so.
std::uint32_t kernel_drops(msghdr& header, std::uint32_t before) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
      std::memcpy(&before, CMSG_DATA(c), sizeof before);
  }
  return before;
}

Counter& dropped_counter(MetricsRegistry& metrics, const std::string& listener, const char* reason) {
  return metrics.counter("telltale_datagrams_dropped_total", "Datagrams that were not taken, by reason.",
                         {{"listener", listener}, {"reason", reason}});
}

}  // namespace

struct DatagramListener::Impl {
  Impl(DatagramOptions o, DatagramHandler h, const Logger& l, MetricsRegistry& metrics)
      : options(std::move(o)),
        handler(std::move(h)),
        log(l),
        received(metrics.counter("telltale_datagrams_received_total", "Datagrams taken.",
                                 {{"listener", options.name}})),
        dropped_full(dropped_counter(metrics, options.name, "queue_full")),
        dropped_kernel(dropped_counter(metrics, options.name, "kernel")),
        dropped_source(dropped_counter(metrics, options.name, "source")) {}

  Result<> bind();
  void receive();
  /// False when there was nothing.
  bool receive_some(ReceiveBuffers& buffers);
  void work();

  const DatagramOptions options;
  const DatagramHandler handler;
  const Logger& log;
  Counter& received;
  Counter& dropped_full;
  Counter& dropped_kernel;
  Counter& dropped_source;
  int fd = -1;
  std::uint16_t port = 0;
  std::uint32_t kernel_dropped = 0;
  std::atomic<bool> stopping{false};
  std::thread receiver;
  std::thread worker;
  Mutex mutex;
  CondVar wake;
  std::deque<Datagram> queue TT_GUARDED_BY(mutex);
  std::size_t queued_bytes TT_GUARDED_BY(mutex) = 0;
  bool ended TT_GUARDED_BY(mutex) = false;
};

Result<> DatagramListener::Impl::bind() {
  const auto ip = IpAddress::parse(options.address == "localhost" ? "127.0.0.1" : options.address);
  if (!ip)
    return fail(ErrorKind::invalid_argument, "listen address \"" + options.address + "\" is no IP address");
  fd = ::socket(ip->is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto failed = [&](const char* what) {
    return fail(ErrorKind::io, what + (" " + options.address + ":" + std::to_string(options.port) + ": ") +
                                   std::strerror(errno));
  };
  if (fd < 0) return failed("socket for");
  const int bytes = static_cast<int>(limits::kDatagramSocketBytes);
  // Root may have more than the system's limit; others get what there is.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  const SocketAddress to = socket_address(*ip, options.port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) return failed("listen on");
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return failed("listen on");
  port = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
                                          : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  return {};
}

bool DatagramListener::Impl::receive_some(ReceiveBuffers& buffers) {
  buffers.prepare();
  const int n = ::recvmmsg(fd, buffers.headers.data(), kReceiveAtOnce, MSG_DONTWAIT, nullptr);
  if (n <= 0) return false;
  std::vector<Datagram> taken;
  taken.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    auto& header = buffers.headers[static_cast<std::size_t>(i)];
    const std::uint32_t dropped = kernel_drops(header.msg_hdr, kernel_dropped);
    dropped_kernel.add(dropped - kernel_dropped);
    kernel_dropped = dropped;
    const auto from = IpAddress::from_sockaddr(static_cast<const sockaddr*>(header.msg_hdr.msg_name));
    if (!from || (!options.allow.empty() && !any_contains(options.allow, *from))) {
      dropped_source.add();
      continue;
    }
    taken.push_back(
        {std::string(static_cast<const char*>(header.msg_hdr.msg_iov->iov_base), header.msg_len), *from});
  }
  received.add(taken.size());
  const MutexLock lock(mutex);
  for (Datagram& d : taken) {
    const std::size_t cost = d.bytes.size() + sizeof d;
    if (queued_bytes + cost > limits::kDatagramQueueBytes) {
      dropped_full.add();
      continue;
    }
    queued_bytes += cost;
    queue.push_back(std::move(d));
  }
  wake.notify_one();
  return true;
}

void DatagramListener::Impl::receive() {
  name_thread("udp-in");
  ReceiveBuffers buffers;
  while (!stopping) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, kPollMs) <= 0) continue;
    while (receive_some(buffers) && !stopping) {
    }
  }
  for (std::size_t i = 0; i < kMaxDrainRounds && receive_some(buffers); ++i) {
  }
}

void DatagramListener::Impl::work() {
  name_thread("udp-keep");
  std::vector<Datagram> batch;
  while (true) {
    batch.clear();
    {
      const MutexLock lock(mutex);
      while (queue.empty() && !ended) wake.wait(mutex);
      if (queue.empty()) return;
      std::size_t bytes = 0;
      while (!queue.empty() && batch.size() < limits::kDatagramBatch && bytes < limits::kDatagramBatchBytes) {
        bytes += queue.front().bytes.size();
        queued_bytes -= queue.front().bytes.size() + sizeof(Datagram);
        batch.push_back(std::move(queue.front()));
        queue.pop_front();
      }
    }
    handler(batch);
  }
}

DatagramListener::DatagramListener(DatagramOptions options, DatagramHandler handler, const Logger& log,
                                   MetricsRegistry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), log, metrics)) {}

DatagramListener::~DatagramListener() { stop(); }

Result<> DatagramListener::start() {
  TT_TRY(impl_->bind());
  impl_->receiver = std::thread([this] { impl_->receive(); });
  impl_->worker = std::thread([this] { impl_->work(); });
  return {};
}

void DatagramListener::stop() {
  Impl& s = *impl_;
  s.stopping = true;
  if (s.receiver.joinable()) s.receiver.join();
  {
    const MutexLock lock(s.mutex);
    s.ended = true;
    s.wake.notify_all();
  }
  if (s.worker.joinable()) s.worker.join();
  if (s.fd >= 0) ::close(s.fd);
  s.fd = -1;
}

std::uint16_t DatagramListener::port() const { return impl_->port; }

}  // namespace telltale::net
