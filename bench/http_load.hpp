// Requests over keep-alive HTTP/1.1 from one thread, plain epoll.
//
// Flat out, every connection sends its next request as soon as the last one is answered. At a fixed rate,
// request i is due at start + i / rate, whatever the server does; it goes to a connection that is free, waits
// if none is, and its latency is counted from when it was due. A server that stalls is thus charged for
// everything that piled up behind the stall, not only for the requests that happened to be on their way.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct HttpLoadOptions {
  std::uint16_t port = 8355;
  std::size_t connections = 64;
  double rate = 0;     // requests a second; 0: flat out
  double seconds = 0;  // 0: until there is no request any more
  bool again = false;  // what is answered 429 or 503 is sent again a moment later, and counted once
};

struct HttpOutcome {
  std::vector<double> latencies_ms;  // all of them: the percentiles are exact
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;   // answered, but not 2xx
  std::uint64_t repeated = 0;  // with `again`
  std::uint64_t broken = 0;    // connection lost with a request on its way
  std::uint64_t sent_bytes = 0;
  double seconds = 0;
  std::string first_refusal;  // status line and body

  /// Sorts the latencies.
  double percentile(double p);
};

/// Replaces `request` by a whole one, head and body; false when there is none any more.
using NextRequest = std::function<bool(std::string& request)>;

class HttpLoad {
 public:
  /// A connection that cannot be made: std::runtime_error.
  HttpLoad(const HttpLoadOptions& options, NextRequest next);
  ~HttpLoad();
  HttpLoad(const HttpLoad&) = delete;
  HttpLoad& operator=(const HttpLoad&) = delete;
  HttpOutcome run();

 private:
  using SteadyClock = std::chrono::steady_clock;
  using TimePoint = SteadyClock::time_point;
  struct Connection {
    int fd = -1;
    bool busy = false;
    TimePoint due;
    std::string out;
    std::size_t sent = 0;
    std::string in;
  };
  struct Again {
    TimePoint at, due;
    std::string request;
  };

  void connect(std::size_t i);
  bool start(TimePoint now, TimePoint due);
  void start_due(TimePoint now);
  void begin(std::size_t i, TimePoint due);
  void send_rest(std::size_t i);
  void watch(std::size_t i, std::uint32_t events);
  void poll(bool briefly);
  void receive(std::size_t i);
  void answered(Connection& c);
  void lost(std::size_t i);
  bool finished(TimePoint now) const;

  const HttpLoadOptions options_;
  const NextRequest next_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  std::deque<TimePoint> waiting_;
  std::deque<Again> again_;
  const int epoll_;
  TimePoint start_, end_;
  std::uint64_t due_count_ = 0;
  bool dry_ = false;
  HttpOutcome outcome_;
};

}  // namespace bench
