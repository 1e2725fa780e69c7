// Answers that are made while they are sent, over real sockets: whole, cut off, slowly read, abandoned.
#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server.hpp"

namespace telltale::net {
namespace {

const std::string kStart(4'000, '-');  // alone it would be worth compressing
constexpr auto kStreamPatience = std::chrono::seconds(60);

class StreamClient {
 public:
  StreamClient(std::uint16_t port, const std::string& request) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int small = 16 * 1024;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    send(request);
  }
  ~StreamClient() { leave(); }
  void send(const std::string& text) { (void)::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Until `end` was seen, or the connection's end.
  std::string read(std::string_view end = "\x01never") {
    std::string seen;
    char chunk[16 * 1024];
    while (seen.find(end) == std::string::npos) {
      const auto n = recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      seen.append(chunk, static_cast<std::size_t>(n));
    }
    return seen;
  }

 private:
  int fd_;
};

/// The body of a chunked answer; nothing when it is not whole.
std::optional<std::string> dechunk(const std::string& answer) {
  const std::size_t start = answer.find("\r\n\r\n");
  if (start == std::string::npos) return std::nullopt;
  std::string body;
  std::size_t at = start + 4;
  while (at < answer.size()) {
    const std::size_t line = answer.find("\r\n", at);
    if (line == std::string::npos) return std::nullopt;
    const std::size_t size = std::stoul(answer.substr(at, line - at), nullptr, 16);
    if (size == 0) return body;
    if (line + 2 + size + 2 > answer.size()) return std::nullopt;
    body += answer.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  return std::nullopt;
}

template <class Condition>
bool soon(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + kStreamPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

struct StreamServer : testing::Test {
  static constexpr std::size_t kPieces = 200;
  static constexpr std::size_t kPieceBytes = 64 * 1024;
  SystemClock clock;
  Logger logger{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
  std::atomic<std::size_t> made{0};
  std::atomic<int> alive{0};

  StreamServer() { options.handler_threads = 2; }

  HttpResponse stream(std::size_t pieces, std::size_t fails_at) {
    HttpResponse response = HttpResponse::text(kStart);
    auto count = std::make_shared<std::size_t>(0);
    ++alive;
    const std::shared_ptr<void> guard(nullptr, [this](void*) { --alive; });
    response.stream = [this, count, pieces, fails_at, guard](std::string& piece, WorkContext&) -> Result<> {
      if (*count == fails_at) return fail(ErrorKind::io, "disk went away");
      if (*count == pieces) return {};
      ++*count;
      ++made;
      piece = std::string(kPieceBytes, static_cast<char>('a' + *count % 26));
      return {};
    };
    return response;
  }

  void start() {
    Router router;
    router.add("GET", "/all", [this](const HttpRequest&, WorkContext&) { return stream(5, SIZE_MAX); });
    router.add("GET", "/long",
               [this](const HttpRequest&, WorkContext&) { return stream(kPieces, SIZE_MAX); });
    router.add("GET", "/broken", [this](const HttpRequest&, WorkContext&) { return stream(5, 3); });
    router.add("GET", "/throws", [](const HttpRequest&, WorkContext&) {
      HttpResponse response = HttpResponse::text("x");
      response.stream = [](std::string&, WorkContext&) -> Result<> { throw std::runtime_error("bug"); };
      return response;
    });
    router.add("GET", "/short", [](const HttpRequest&, WorkContext&) { return HttpResponse::text("short"); });
    server = std::make_unique<HttpServer>(options, std::move(router), clock, logger, metrics);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  std::string get(const std::string& path, const std::string& version = "HTTP/1.1") {
    return "GET " + path + " " + version + "\r\nHost: x\r\nConnection: close\r\n\r\n";
  }
};

TEST_F(StreamServer, PiecesArriveInOrderAndTheConnectionStays) {
  start();
  StreamClient client(server->port(), "GET /all HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  const std::string answer = client.read("\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  const auto body = dechunk(answer);
  ASSERT_TRUE(body);
  ASSERT_EQ(body->size(), kStart.size() + 5 * kPieceBytes);
  EXPECT_TRUE(body->starts_with(kStart + "b"));
  EXPECT_EQ(body->back(), 'f');
  client.send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.read("short").find("HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(soon([&] { return alive == 0; }));
}

TEST_F(StreamServer, Http10EndsWithTheConnection) {
  start();
  const std::string answer = StreamClient(server->port(), get("/all", "HTTP/1.0")).read();
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, kStart.size() + 5 * kPieceBytes);
}

TEST_F(StreamServer, HeadHasNoBody) {
  start();
  const std::string answer =
      StreamClient(server->port(), "HEAD /all HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").read();
  EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
  EXPECT_EQ(made, 0u);
}

TEST_F(StreamServer, AFailureIsSeenAsAnAnswerThatIsNotWhole) {
  start();
  for (const char* path : {"/broken", "/throws"}) {
    const std::string answer = StreamClient(server->port(), get(path)).read();
    EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos);
    EXPECT_FALSE(dechunk(answer)) << path;
  }
  EXPECT_TRUE(soon([&] { return alive == 0; }));
  EXPECT_NE(StreamClient(server->port(), get("/short")).read().find("short"), std::string::npos);
}

// Neither the maker nor a handler thread runs ahead of clients that do not read.
TEST_F(StreamServer, SlowReadersHoldTheMakerAndNobodyElse) {
  start();
  std::vector<std::unique_ptr<StreamClient>> slow;
  for (int i = 0; i < 10; ++i) slow.push_back(std::make_unique<StreamClient>(server->port(), get("/long")));
  EXPECT_TRUE(soon([&] { return made >= 10; }));
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(StreamClient(server->port(), get("/short")).read().find("short"), std::string::npos);
  }
  // What is made is what socket buffers took: a few MiB of the 12 MiB that each of them asked for.
  EXPECT_LT(made, 10 * kPieces / 2);
  const auto body = dechunk(slow.front()->read());
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), kStart.size() + kPieces * kPieceBytes);
  slow.clear();  // the others leave in the middle
  EXPECT_TRUE(soon([&] { return alive == 0; }));
  EXPECT_LT(made, 10 * kPieces);
}

TEST_F(StreamServer, AReaderThatStopsForeverIsDropped) {
  options.limits.body_timeout = std::chrono::milliseconds(200);
  start();
  StreamClient client(server->port(), get("/long"));
  EXPECT_TRUE(soon([&] { return made > 0; }));
  EXPECT_TRUE(soon([&] { return alive == 0; }));
  EXPECT_FALSE(dechunk(client.read()));
}

TEST_F(StreamServer, StoppingCutsOffWhatIsStillRead) {
  start();
  StreamClient client(server->port(), get("/long"));
  EXPECT_TRUE(soon([&] { return made > 0; }));
  server->stop(std::chrono::milliseconds(100));
  EXPECT_EQ(server->open_connections(), 0u);
  EXPECT_FALSE(dechunk(client.read()));
}

}  // namespace
}  // namespace telltale::net
