#include "http_load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr auto kGiveUpAfter = std::chrono::seconds(30);
constexpr auto kPause = std::chrono::milliseconds(50);  // before a refused request is sent again

std::size_t content_length(std::string_view head) {
  std::string lower(head);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
  const auto at = lower.find("\r\ncontent-length:");
  return at == std::string::npos ? 0 : std::strtoull(lower.c_str() + at + 17, nullptr, 10);
}

std::chrono::steady_clock::duration seconds_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

}  // namespace

double HttpOutcome::percentile(double p) {
  if (latencies_ms.empty()) return 0;
  if (!std::is_sorted(latencies_ms.begin(), latencies_ms.end()))
    std::sort(latencies_ms.begin(), latencies_ms.end());
  return latencies_ms[std::min(latencies_ms.size() - 1,
                               static_cast<std::size_t>(p * static_cast<double>(latencies_ms.size())))];
}

HttpLoad::HttpLoad(const HttpLoadOptions& options, NextRequest next)
    : options_(options),
      next_(std::move(next)),
      connections_(options.connections),
      epoll_(::epoll_create1(0)) {
  for (std::size_t i = 0; i < connections_.size(); ++i) connect(i);
}

HttpLoad::~HttpLoad() {
  for (const Connection& c : connections_) ::close(c.fd);
  ::close(epoll_);
}

HttpOutcome HttpLoad::run() {
  start_ = SteadyClock::now();
  end_ = options_.seconds > 0 ? start_ + seconds_of(options_.seconds) : TimePoint::max();
  for (;;) {
    const auto now = SteadyClock::now();
    start_due(now);
    if (finished(now)) break;
    poll(options_.rate > 0 && now < end_ && !dry_);
  }
  outcome_.broken += connections_.size() - idle_.size();
  outcome_.seconds = std::chrono::duration<double>(SteadyClock::now() - start_).count();
  return std::move(outcome_);
}

bool HttpLoad::finished(TimePoint now) const {
  if (end_ != TimePoint::max() && now > end_ + kGiveUpAfter) return true;
  return (now >= end_ || dry_) && waiting_.empty() && again_.empty() && idle_.size() == connections_.size();
}

void HttpLoad::start_due(TimePoint now) {
  while (!again_.empty() && again_.front().at <= now && !idle_.empty()) {
    const std::size_t i = idle_.front();
    idle_.pop_front();
    connections_[i].out = std::move(again_.front().request);
    const TimePoint due = again_.front().due;
    again_.pop_front();
    begin(i, due);
  }
  if (options_.rate <= 0) {
    // What was refused goes first: else a server that is behind is given more and more to refuse.
    while (again_.empty() && now < end_ && !dry_ && !idle_.empty()) start(now, SteadyClock::now());
    return;
  }
  while (!dry_) {
    const auto due = start_ + seconds_of(static_cast<double>(due_count_) / options_.rate);
    if (due > now || due >= end_) break;
    waiting_.push_back(due);
    ++due_count_;
  }
  while (!waiting_.empty() && !idle_.empty()) {
    const TimePoint due = waiting_.front();
    waiting_.pop_front();
    if (!start(now, due)) waiting_.clear();
  }
}

bool HttpLoad::start(TimePoint, TimePoint due) {
  const std::size_t i = idle_.front();
  if (!next_(connections_[i].out)) {
    dry_ = true;
    return false;
  }
  idle_.pop_front();
  begin(i, due);
  return true;
}

void HttpLoad::connect(std::size_t i) {
  Connection& c = connections_[i];
  c.fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (c.fd < 0 || ::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = i;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
  idle_.push_back(i);
}

void HttpLoad::begin(std::size_t i, TimePoint due) {
  Connection& c = connections_[i];
  c.busy = true;
  c.due = due;
  c.sent = 0;
  c.in.clear();
  outcome_.sent_bytes += c.out.size();
  send_rest(i);
}

void HttpLoad::send_rest(std::size_t i) {
  Connection& c = connections_[i];
  while (c.sent < c.out.size()) {
    const auto n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch(i, EPOLLIN | EPOLLOUT);
    if (n < 0) return lost(i);
    c.sent += static_cast<std::size_t>(n);
  }
}

void HttpLoad::watch(std::size_t i, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = i;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connections_[i].fd, &event);
}

void HttpLoad::poll(bool briefly) {
  epoll_event events[64];
  // At a fixed rate a millisecond's sleep would be an error of measurement: 50 µs.
  const timespec pause{0, briefly ? 50'000 : 10'000'000L};
  const int n = ::epoll_pwait2(epoll_, events, 64, &pause, nullptr);
  for (int e = 0; e < n; ++e) {
    const auto i = static_cast<std::size_t>(events[e].data.u64);
    if (events[e].events & EPOLLOUT) {
      watch(i, EPOLLIN);
      send_rest(i);
    }
    if (events[e].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(i);
  }
}

void HttpLoad::receive(std::size_t i) {
  Connection& c = connections_[i];
  if (c.fd < 0) return;
  char buffer[16384];
  const auto n = ::recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return lost(i);
  c.in.append(buffer, static_cast<std::size_t>(n));
  const auto head = c.in.find("\r\n\r\n");
  if (head == std::string::npos ||
      c.in.size() < head + 4 + content_length(std::string_view(c.in).substr(0, head)))
    return;
  answered(c);
  c.busy = false;
  idle_.push_back(i);
}

void HttpLoad::answered(Connection& c) {
  const std::string_view status = std::string_view(c.in).substr(9, 3);
  const auto now = SteadyClock::now();
  if (options_.again && (status == "429" || status == "503")) {
    ++outcome_.repeated;
    again_.push_back({now + kPause, c.due, std::move(c.out)});
    return;
  }
  const bool accepted = status[0] == '2';
  (accepted ? outcome_.accepted : outcome_.refused) += 1;
  if (!accepted && outcome_.first_refusal.empty()) {
    outcome_.first_refusal = c.in.substr(0, c.in.find('\r')) + " " + c.in.substr(c.in.find("\r\n\r\n") + 4);
  }
  outcome_.latencies_ms.push_back(std::chrono::duration<double, std::milli>(now - c.due).count());
}

void HttpLoad::lost(std::size_t i) {
  Connection& c = connections_[i];
  ::close(c.fd);
  if (c.busy) {
    outcome_.broken += 1;
    // Nobody knows whether it was taken; a server that closes idle connections shows as this, too.
    if (options_.again) again_.push_back({SteadyClock::now() + kPause, c.due, std::move(c.out)});
  } else {
    idle_.erase(std::find(idle_.begin(), idle_.end(), i));
  }
  c = Connection{};
  connect(i);
}

}  // namespace bench
