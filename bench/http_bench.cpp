// A load generator for one purpose: Sentry envelopes over keep-alive HTTP/1.1, one thread, plain epoll.
//
// Flat out, every connection sends its next request as soon as the last one is answered. At a fixed rate,
// request i is due at start + i / rate, whatever the server does; it goes to a connection that is free, waits
// if none is, and its latency is counted from when it was due. A server that stalls is thus charged for
// everything that piled up behind the stall, not only for the requests that happened to be on their way.
//
//   http_bench --port 8355 --key DSN_KEY --seconds 10 [--rate 1000] [--connections 64] [--bytes 8192]
//
// Prints one JSON object. Latencies of a run are kept in full: the percentiles are exact.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;

struct Options {
  std::uint16_t port = 8355;
  std::string key;
  double seconds = 10;
  double rate = 0;  // requests a second; 0: flat out
  std::size_t connections = 64;
  std::size_t bytes = 8192;  // of the event in the envelope
  bool noise = false;        // the event carries random text, so that it does not compress
};

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "http_bench: %s\n", why.c_str());
  std::exit(1);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--key")
      options.key = value;
    else if (name == "--seconds")
      options.seconds = std::atof(value);
    else if (name == "--rate")
      options.rate = std::atof(value);
    else if (name == "--connections")
      options.connections = static_cast<std::size_t>(std::atoi(value));
    else if (name == "--bytes")
      options.bytes = static_cast<std::size_t>(std::atoi(value));
    else if (name == "--noise")
      options.noise = std::atoi(value) != 0;
    else
      die("unknown option " + std::string(name));
  }
  if (argc % 2 == 0) die("every option needs a value");
  if (options.key.empty() || options.connections == 0) die("--key and at least one connection are needed");
  return options;
}

// One request, whole, with the places of the event id kept, so that a fresh one costs 64 bytes of copying.
// The event is what a Python web application reports: a stack of twenty frames with source lines,
// breadcrumbs, request and tags.
class RequestTemplate {
 public:
  explicit RequestTemplate(const Options& options) {
    const std::string event = options.noise ? make_noisy_event(options.bytes) : make_event(options.bytes);
    const std::string body = "{\"event_id\":\"" + std::string(kMark) +
                             "\"}\n{\"type\":\"event\",\"length\":" + std::to_string(event.size()) + "}\n" +
                             event + "\n";
    text_ =
        "POST /api/1/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: http_bench/1.0\r\n"
        "Content-Type: application/x-sentry-envelope\r\nX-Sentry-Auth: Sentry sentry_version=7, sentry_key=" +
        options.key + ", sentry_client=http_bench/1.0\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    for (auto at = text_.find(kMark); at != std::string::npos; at = text_.find(kMark, at + 1))
      marks_.push_back(at);
    find_noise();
  }

  void write(std::string& out, std::mt19937_64& random) const {
    out = text_;
    char id[33];
    std::snprintf(id, sizeof id, "%016llx%016llx", static_cast<unsigned long long>(random()),
                  static_cast<unsigned long long>(random()));
    for (const auto at : marks_) std::memcpy(out.data() + at, id, 32);
    // Other random text in every request: a stretch of the pool from another place.
    for (const auto& [at, size] : noise_) {
      std::memcpy(out.data() + at, noise_pool_.data() + random() % (noise_pool_.size() - size), size);
    }
  }
  std::size_t size() const { return text_.size(); }

 private:
  static constexpr std::string_view kNoiseMark = "noise:";
  static constexpr std::string_view kMark = "EVENTIDEVENTIDEVENTIDEVENTIDXXXX";

  static constexpr std::size_t kNoiseField = 1024;
  static constexpr std::size_t kNoisePool = std::size_t{16} << 20;

  // The same event with `extra` fields of letters drawn at random, which no compressor makes much of.
  std::string make_noisy_event(std::size_t bytes) {
    static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    std::mt19937_64 random(1);
    noise_pool_.resize(kNoisePool);
    for (char& c : noise_pool_) c = kLetters[random() % 64];
    std::string event = make_event(0);
    event.back() = ',';
    event += "\"extra\":{\"note\":\"noise\"";
    for (int i = 0; event.size() + kNoiseField < bytes; ++i) {
      event += ",\"blob" + std::to_string(i) + "\":\"" + std::string(kNoiseMark) +
               std::string(kNoiseField, 'n') + "\"";
    }
    return event + "}}";
  }

  void find_noise() {
    for (auto at = text_.find(kNoiseMark); at != std::string::npos; at = text_.find(kNoiseMark, at + 1)) {
      noise_.emplace_back(at + kNoiseMark.size(), kNoiseField);
    }
  }

  static std::string make_event(std::size_t bytes) {
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "%.3f", now);
    std::string event =
        "{\"event_id\":\"" + std::string(kMark) + "\",\"timestamp\":" + stamp +
        ",\"platform\":\"python\",\"level\":\"error\",\"release\":\"shop@4.2.0\",\"environment\":"
        "\"production\","
        "\"server_name\":\"web-3\",\"transaction\":\"/cart/{id}/checkout\","
        "\"tags\":{\"region\":\"eu-west\",\"tier\":\"gold\"},\"user\":{\"id\":\"48213\"},"
        "\"request\":{\"method\":\"POST\",\"url\":\"https://shop.example/cart/77/checkout\"},"
        "\"exception\":{\"values\":[{\"type\":\"StockError\",\"value\":\"item 4711 is sold out\","
        "\"stacktrace\":{\"frames\":[";
    for (int i = 0; i < 20; ++i) {
      const auto n = std::to_string(i);
      event += std::string(i ? "," : "") + "{\"filename\":\"shop/step_" + n +
               ".py\",\"module\":\"shop.step_" + n + "\",\"function\":\"run_step_" + n +
               "\",\"lineno\":" + std::to_string(40 + i) +
               ",\"context_line\":\"    return self.next.run(cart, now)\",\"in_app\":true}";
    }
    event += "]}}]},\"breadcrumbs\":{\"values\":[";
    for (int i = 0; event.size() + 160 < bytes; ++i) {
      event += std::string(i ? "," : "") + "{\"timestamp\":" + stamp +
               ",\"category\":\"query\",\"level\":\"info\",\"message\":\"SELECT "
               "quantity FROM stock WHERE item_id = " +
               std::to_string(1000 + i) + "\"}";
    }
    return event + "]}}";
  }

  std::string text_;
  std::vector<std::size_t> marks_;
  std::string noise_pool_;
  std::vector<std::pair<std::size_t, std::size_t>> noise_;
};

struct Connection {
  int fd = -1;
  bool busy = false;
  TimePoint due;
  std::string out;
  std::size_t sent = 0;
  std::string in;
};

struct Outcome {
  std::vector<double> latencies_ms;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // answered, but not 2xx
  std::uint64_t broken = 0;   // connection lost with a request on its way
  double seconds = 0;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), request_(options), connections_(options.connections), epoll_(::epoll_create1(0)) {
    for (std::size_t i = 0; i < connections_.size(); ++i) connect(i);
  }

  Outcome run() {
    const auto start = SteadyClock::now();
    const auto length =
        std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(options_.seconds));
    const auto end = start + length;
    const auto give_up = end + std::chrono::seconds(30);
    std::uint64_t due_count = 0;
    for (;;) {
      const auto now = SteadyClock::now();
      if (options_.rate > 0) {
        while (true) {
          const auto due =
              start + std::chrono::duration_cast<SteadyClock::duration>(
                          std::chrono::duration<double>(static_cast<double>(due_count) / options_.rate));
          if (due > now || due >= end) break;
          waiting_.push_back(due);
          ++due_count;
        }
        while (!waiting_.empty() && !idle_.empty()) {
          begin(take_idle(), waiting_.front());
          waiting_.pop_front();
        }
      } else {
        while (now < end && !idle_.empty()) begin(take_idle(), SteadyClock::now());
      }
      if ((now >= end && waiting_.empty() && idle_.size() == connections_.size()) || now > give_up) break;
      poll(options_.rate > 0 && now < end ? 0 : 10);
    }
    outcome_.broken += connections_.size() - idle_.size();
    outcome_.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    return std::move(outcome_);
  }

  std::size_t request_bytes() const { return request_.size(); }

 private:
  void connect(std::size_t i) {
    Connection& c = connections_[i];
    c.fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (c.fd < 0 || ::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die(std::string("connect: ") + std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
    idle_.push_back(i);
  }

  std::size_t take_idle() {
    const auto i = idle_.front();
    idle_.pop_front();
    return i;
  }

  void begin(std::size_t i, TimePoint due) {
    Connection& c = connections_[i];
    request_.write(c.out, random_);
    c.busy = true;
    c.due = due;
    c.sent = 0;
    c.in.clear();
    send_rest(i);
  }

  void send_rest(std::size_t i) {
    Connection& c = connections_[i];
    while (c.sent < c.out.size()) {
      const auto n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch(i, EPOLLIN | EPOLLOUT);
      if (n < 0) return lost(i);
      c.sent += static_cast<std::size_t>(n);
    }
  }

  void watch(std::size_t i, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connections_[i].fd, &event);
  }

  void poll(int timeout_ms) {
    epoll_event events[64];
    // At a fixed rate a millisecond's sleep would be an error of measurement: 50 µs.
    const timespec pause{0, timeout_ms == 0 ? 50'000 : timeout_ms * 1'000'000L};
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

  void receive(std::size_t i) {
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
    (c.in.compare(9, 1, "2") == 0 ? outcome_.accepted : outcome_.refused) += 1;
    outcome_.latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(SteadyClock::now() - c.due).count());
    c.busy = false;
    idle_.push_back(i);
  }

  static std::size_t content_length(std::string_view head) {
    std::string lower(head);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char ch) { return std::tolower(ch); });
    const auto at = lower.find("\r\ncontent-length:");
    return at == std::string::npos ? 0 : std::strtoull(lower.c_str() + at + 17, nullptr, 10);
  }

  void lost(std::size_t i) {
    Connection& c = connections_[i];
    ::close(c.fd);
    if (c.busy)
      outcome_.broken += 1;
    else
      idle_.erase(std::find(idle_.begin(), idle_.end(), i));
    c = Connection{};
    connect(i);
  }

  const Options options_;
  const RequestTemplate request_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  std::deque<TimePoint> waiting_;
  std::mt19937_64 random_{std::random_device{}()};
  const int epoll_;
  Outcome outcome_;
};

double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  Load load(options);
  Outcome outcome = load.run();
  auto& ms = outcome.latencies_ms;
  std::sort(ms.begin(), ms.end());
  std::printf(
      "{\"requests\":%zu,\"accepted\":%llu,\"refused\":%llu,\"broken\":%llu,\"seconds\":%.3f,\"requests_per_"
      "s\":%.1f,"
      "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"request_bytes\":%zu}\n",
      ms.size(), static_cast<unsigned long long>(outcome.accepted),
      static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.broken),
      outcome.seconds, static_cast<double>(ms.size()) / outcome.seconds, percentile(ms, 0.5),
      percentile(ms, 0.99), ms.empty() ? 0 : ms.back(), load.request_bytes());
  return 0;
}
