// The program around the generator: writes the lines to a file, or sends them to a server over keep-alive
// HTTP, and prints one JSON object about them.
//
//   log_load --lines 1000000 --start-ns N --span-s 86400 [--seed 1] [--ids FILE --ids-every 1000]
//            --out FILE                                                     NDJSON; `-` is standard output
//          | --wire loki|jsonline|bulk --port P --token T [--prefix PATH]   sends
//            [--connections 4] [--batch 2000]
//
// The checksum is XXH3 chained over the lines in their order: equal checksums mean equal data, however it was
// sent. A request answered 429 or 503 is sent again after a pause.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "log_bodies.hpp"
#include "log_lines.hpp"

namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "log_load: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  bench::LogOptions data;
  std::string out;
  std::string ids;
  std::uint64_t ids_every = 1000;
  std::string wire;
  std::string token;
  std::string prefix;
  std::uint16_t port = 0;
  std::size_t connections = 4;
  std::size_t batch = 2000;
};

Options parse_options(int argc, char** argv) {
  Options o;
  if (argc % 2 == 0) die("every option needs a value");
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--lines")
      o.data.lines = std::strtoull(value, nullptr, 10);
    else if (name == "--seed")
      o.data.seed = std::strtoull(value, nullptr, 10);
    else if (name == "--start-ns")
      o.data.start_ns = std::strtoll(value, nullptr, 10);
    else if (name == "--span-s")
      o.data.span_ns = static_cast<std::int64_t>(std::atof(value) * 1e9);
    else if (name == "--out")
      o.out = value;
    else if (name == "--ids")
      o.ids = value;
    else if (name == "--ids-every")
      o.ids_every = std::strtoull(value, nullptr, 10);
    else if (name == "--wire")
      o.wire = value;
    else if (name == "--token")
      o.token = value;
    else if (name == "--prefix")
      o.prefix = value;
    else if (name == "--port")
      o.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--connections")
      o.connections = std::strtoull(value, nullptr, 10);
    else if (name == "--batch")
      o.batch = std::strtoull(value, nullptr, 10);
    else
      die("unknown option " + name);
  }
  if (o.out.empty() == o.wire.empty()) die("one of --out and --wire");
  if (o.ids_every == 0 || o.batch == 0 || o.connections == 0) die("a count must not be 0");
  return o;
}

bench::Wire wire_from(const std::string& name) {
  if (name == "loki") return bench::Wire::loki;
  if (name == "jsonline") return bench::Wire::jsonline;
  if (name == "bulk") return bench::Wire::bulk;
  die("--wire: loki, jsonline or bulk");
}

/// Every n-th request's ids, for those who look for them later: trace id, request id, one line each.
class IdFile {
 public:
  IdFile(const std::string& path, std::uint64_t every) : every_(every) {
    if (!path.empty() && (file_ = std::fopen(path.c_str(), "w")) == nullptr) die("cannot write " + path);
  }
  ~IdFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  void see(const bench::LogLine& line) {
    if (file_ == nullptr || !line.begins_request || seen_++ % every_ != 0) return;
    std::fprintf(file_, "%.*s %.*s\n", static_cast<int>(line.trace_id.size()), line.trace_id.data(),
                 static_cast<int>(line.request_id.size()), line.request_id.data());
  }

 private:
  std::FILE* file_ = nullptr;
  const std::uint64_t every_;
  std::uint64_t seen_ = 0;
};

struct Totals {
  std::uint64_t lines = 0, raw_bytes = 0, checksum = 0;
  std::uint64_t levels[3] = {0, 0, 0};
  void see(const bench::LogLine& line) {
    ++lines;
    raw_bytes += line.json.size() + 1;
    checksum = telltale::hash64(line.json, checksum);
    ++levels[static_cast<std::size_t>(line.severity)];
  }
};

struct Body {
  std::string bytes;
  std::size_t lines = 0;
};

/// Bodies on their way from the one that makes them to those that send them; bounded.
class BodyQueue {
 public:
  void push(Body body) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return bodies_.size() < kMax; });
    bodies_.push_back(std::move(body));
    some_.notify_one();
  }
  bool pop(Body& body) {
    std::unique_lock lock(mutex_);
    some_.wait(lock, [&] { return !bodies_.empty() || closed_; });
    if (bodies_.empty()) return false;
    body = std::move(bodies_.front());
    bodies_.pop_front();
    room_.notify_one();
    return true;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    some_.notify_all();
  }

 private:
  static constexpr std::size_t kMax = 8;
  std::mutex mutex_;
  std::condition_variable room_, some_;
  std::deque<Body> bodies_;
  bool closed_ = false;
};

class Sender {
 public:
  Sender(const Options& options, bench::Wire wire) : options_(options), wire_(wire) { connect(); }
  ~Sender() { ::close(fd_); }

  void run(BodyQueue& queue) {
    Body body;
    while (queue.pop(body)) send(body);
  }
  std::uint64_t accepted = 0, refused = 0, retries = 0, wire_bytes = 0;

 private:
  void connect() {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die(std::string("connect: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) die(std::string("send: ") + std::strerror(errno));
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// The status; the answer's body goes into `text`.
  int read_answer(std::string& text) {
    text.clear();
    std::size_t head_end = std::string::npos, wanted = 0;
    char buffer[16384];
    while (head_end == std::string::npos || text.size() < head_end + wanted) {
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) die("the server closed the connection");
      text.append(buffer, static_cast<std::size_t>(n));
      if (head_end == std::string::npos && (head_end = text.find("\r\n\r\n")) != std::string::npos) {
        head_end += 4;
        const char* at = ::strcasestr(text.c_str(), "\r\ncontent-length:");
        wanted = at == nullptr ? 0 : std::strtoull(at + 17, nullptr, 10);
      }
    }
    const int status = std::atoi(text.c_str() + 9);
    text.erase(0, head_end);
    return status;
  }
  void send(const Body& body) {
    std::string head = "POST " + options_.prefix + std::string(bench::target_of(wire_)) +
                       " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(bench::headers_of(wire_));
    if (!options_.token.empty()) head += "Authorization: Bearer " + options_.token + "\r\n";
    head += "Content-Length: " + std::to_string(body.bytes.size()) + "\r\n\r\n";
    std::string answer;
    for (;;) {
      write_all(head);
      write_all(body.bytes);
      const int status = read_answer(answer);
      if (status / 100 == 2) {
        // A bulk answer tells of refused documents in a 200.
        if (wire_ == bench::Wire::bulk && answer.find("\"errors\":true") != std::string::npos) ++refused;
        accepted += body.lines;
        wire_bytes += body.bytes.size();
        return;
      }
      if (status != 429 && status != 503)
        die("status " + std::to_string(status) + ": " + answer.substr(0, 500));
      ++retries;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  const Options& options_;
  const bench::Wire wire_;
  int fd_ = -1;
};

void print(const Totals& t, const std::string& more) {
  std::printf(
      "{\"lines\":%llu,\"raw_bytes\":%llu,\"checksum\":\"%016llx\",\"info\":%llu,\"warning\":%llu,\"error\":%"
      "llu%s}\n",
      static_cast<unsigned long long>(t.lines), static_cast<unsigned long long>(t.raw_bytes),
      static_cast<unsigned long long>(t.checksum), static_cast<unsigned long long>(t.levels[0]),
      static_cast<unsigned long long>(t.levels[1]), static_cast<unsigned long long>(t.levels[2]),
      more.c_str());
}

void write_file(const Options& options) {
  std::FILE* file = options.out == "-" ? stdout : std::fopen(options.out.c_str(), "w");
  if (file == nullptr) die("cannot write " + options.out);
  bench::LogLines lines(options.data);
  IdFile ids(options.ids, options.ids_every);
  Totals totals;
  bench::LogLine line;
  while (lines.next(line)) {
    totals.see(line);
    ids.see(line);
    line.json.push_back('\n');
    if (std::fwrite(line.json.data(), 1, line.json.size(), file) != line.json.size()) die("write failed");
  }
  if (std::fflush(file) != 0) die("write failed");
  if (file == stdout) {
    std::fprintf(stderr, "checksum %016llx\n", static_cast<unsigned long long>(totals.checksum));
    return;
  }
  std::fclose(file);
  print(totals, "");
}

void send_all(const Options& options) {
  const bench::Wire wire = wire_from(options.wire);
  bench::LogLines lines(options.data);
  IdFile ids(options.ids, options.ids_every);
  Totals totals;
  BodyQueue queue;
  std::deque<Sender> senders;
  for (std::size_t i = 0; i < options.connections; ++i) senders.emplace_back(options, wire);
  std::vector<std::thread> threads;
  const auto begin = std::chrono::steady_clock::now();
  for (Sender& sender : senders) threads.emplace_back([&] { sender.run(queue); });
  bench::BodyBuilder builder(wire);
  bench::LogLine line;
  const auto hand_over = [&] {
    const std::size_t count = builder.lines();
    queue.push({builder.take(), count});
  };
  while (lines.next(line)) {
    totals.see(line);
    ids.see(line);
    builder.add(line);
    if (builder.lines() == options.batch) hand_over();
  }
  if (builder.lines() > 0) hand_over();
  queue.close();
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::uint64_t accepted = 0, refused = 0, retries = 0, wire_bytes = 0;
  for (const Sender& s : senders) {
    accepted += s.accepted;
    refused += s.refused;
    retries += s.retries;
    wire_bytes += s.wire_bytes;
  }
  char more[256];
  std::snprintf(more, sizeof more,
                ",\"seconds\":%.3f,\"accepted\":%llu,\"refused\":%llu,\"retries\":%llu,\"wire_bytes\":%llu",
                seconds, static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(refused),
                static_cast<unsigned long long>(retries), static_cast<unsigned long long>(wire_bytes));
  print(totals, more);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  if (options.wire.empty()) {
    write_file(options);
  } else {
    send_all(options);
  }
  return 0;
}
