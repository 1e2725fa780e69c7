// The server over real loopback sockets, spoken to by a client that can be as wrong as it likes.
#include "net/server.hpp"

#include <future>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compress.hpp"
#include "net/client.hpp"

namespace telltale::net {
namespace {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~RawClient() { ::close(fd_); }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void end() { shutdown(fd_, SHUT_WR); }
  /// Reads until `text` was seen `times` times, the end or five seconds.
  std::string read_until(std::string_view text, int times = 1) {
    char chunk[4096];
    while (count(text) < times) {
      const auto n = recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      seen_.append(chunk, static_cast<std::size_t>(n));
    }
    return seen_;
  }
  std::string read_all() { return read_until("\x01never\x01"); }
  int count(std::string_view text) const {
    int found = 0;
    for (std::size_t at = seen_.find(text); at != std::string::npos; at = seen_.find(text, at + text.size()))
      ++found;
    return found;
  }

 private:
  const int fd_;
  std::string seen_;
};

struct ServerFixture : testing::Test {
  SystemClock clock;
  Logger logger{clock, LogLevel::debug, null_sink()};
  MetricsRegistry metrics;
  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
  std::promise<void> entered;

  ServerFixture() {
    options.limits.header_timeout = std::chrono::milliseconds(300);
    options.limits.body_timeout = std::chrono::milliseconds(300);
    options.limits.max_decoded_body_bytes = 100'000;
  }
  void start() {
    Router router;
    router.add("GET", "/hello/{name}", [](const HttpRequest& r, WorkContext&) {
      return HttpResponse::text("hello " + r.path_params.at("name"));
    });
    router.add("POST", "/echo",
               [](const HttpRequest& r, WorkContext&) { return HttpResponse::text("<" + r.body + ">"); },
               {.max_body_bytes = 1'000'000});
    router.add("GET", "/throw",
               [](const HttpRequest&, WorkContext&) -> HttpResponse { throw std::runtime_error("x"); });
    router.add("GET", "/big",
               [](const HttpRequest&, WorkContext&) { return HttpResponse::text(std::string(50'000, 'a')); });
    router.add("GET", "/who",
               [](const HttpRequest& r, WorkContext&) { return HttpResponse::text(r.remote_address); });
    router.add("GET", "/slow", [this](const HttpRequest&, WorkContext&) {
      entered.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      return HttpResponse::text("slow done");
    });
    server = std::make_unique<HttpServer>(options, std::move(router), clock, logger, metrics);
    server->add_websocket("/ws", [](const HttpRequest&, const std::shared_ptr<WebSocketSession>& session) {
      WebSocketCallbacks callbacks;
      callbacks.on_message = [session](std::string_view m, bool) {
        session->send_text("echo " + std::string(m));
      };
      return Result<WebSocketCallbacks>(callbacks);
    });
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  std::string ask(const std::string& bytes, bool half_close = false) {
    RawClient client(server->port());
    client.send(bytes);
    if (half_close) client.end();
    return client.read_all();
  }
};

constexpr const char* kTail = "Host: x\r\nConnection: close\r\n";
std::string request(const std::string& line, const std::string& headers = "", const std::string& body = "") {
  return line + " HTTP/1.1\r\n" + kTail + headers + "\r\n" + body;
}
std::string post(const std::string& body, const std::string& headers = "") {
  return request("POST /echo", headers + "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << text

TEST_F(ServerFixture, KeepAliveAndPipelining) {
  start();
  RawClient client(server->port());
  std::string many;
  for (int i = 0; i < 50; ++i) many += "GET /hello/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(many);
  client.read_until("hello a/b", 50);
  EXPECT_EQ(client.count("hello a/b"), 50);
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_HAS(client.read_until("<abcde>"), "<abcde>");
}

TEST_F(ServerFixture, RoutesAndMethods) {
  start();
  EXPECT_HAS(ask(request("GET /none")), "HTTP/1.1 404");
  const auto wrong = ask(request("DELETE /echo"));
  EXPECT_HAS(wrong, "HTTP/1.1 405");
  EXPECT_HAS(wrong, "Allow: POST");
  EXPECT_HAS(ask(request("GET /throw")), "HTTP/1.1 500");
  const auto head = ask(request("HEAD /hello/x"));
  EXPECT_HAS(head, "Content-Length: 7");
  EXPECT_HAS(head, "nosniff");
  EXPECT_EQ(head.find("hello"), std::string::npos);
}

TEST_F(ServerFixture, MalformedRequests) {
  start();
  for (const std::string bad :
       {"GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /hello/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /../etc HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    EXPECT_HAS(ask(bad, true), "HTTP/1.1 400") << bad;
  }
  EXPECT_HAS(ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", true), "HTTP/1.1 501");
  EXPECT_HAS(ask(request("GET /hello/ok")), "hello ok");
}

TEST_F(ServerFixture, HeaderLimits) {
  start();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "a: b\r\n";
  EXPECT_HAS(ask(request("GET /hello/x", many)), "HTTP/1.1 431");
  EXPECT_HAS(ask(request("GET /hello/x", "big: " + std::string(100'000, 'x') + "\r\n")), "HTTP/1.1 431");
}

TEST_F(ServerFixture, BodiesAndEncodings) {
  start();
  EXPECT_HAS(ask(post(compress(Codec::gzip, "zipped"), "Content-Encoding: gzip\r\n")), "<zipped>");
  EXPECT_HAS(ask(post(compress(Codec::zstd, "zipped"), "Content-Encoding: zstd\r\n")), "<zipped>");
  const std::string bomb = compress(Codec::gzip, std::string(10'000'000, 'x'));
  EXPECT_HAS(ask(post(bomb, "Content-Encoding: gzip\r\n")), "HTTP/1.1 413");
  EXPECT_HAS(ask(post("x", "Content-Encoding: rot13\r\n")), "HTTP/1.1 415");
  EXPECT_HAS(ask(post("x", "Content-Encoding: gzip\r\n")), "HTTP/1.1 400");
  EXPECT_HAS(ask(post(std::string(1'000'001, 'x'))), "HTTP/1.1 413");
  EXPECT_HAS(ask(post("abc", "Expect: 100-continue\r\n")), "<abc>");
  const auto big = ask(request("GET /big", "Accept-Encoding: gzip, br;q=0\r\n"));
  EXPECT_HAS(big, "Content-Encoding: gzip");
  EXPECT_EQ(*decompress(Codec::gzip, big.substr(big.find("\r\n\r\n") + 4), 60'000), std::string(50'000, 'a'));
}

TEST_F(ServerFixture, ContinueIsSentBeforeTheBody) {
  start();
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_HAS(client.read_until("\r\n\r\n"), "100 Continue");
  client.send("abc");
  EXPECT_HAS(client.read_until("<abc>"), "<abc>");
}

TEST_F(ServerFixture, SlowAndTruncatedRequestsEnd) {
  start();
  EXPECT_HAS(ask("GET /hello/x HTTP/1.1\r\nHost"), "HTTP/1.1 408");
  EXPECT_HAS(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), "HTTP/1.1 408");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", true), "");
}

TEST_F(ServerFixture, ForwardedAddresses) {
  options.trusted_proxies = {"127.0.0.0/8", "10.0.0.0/8"};
  start();
  EXPECT_HAS(ask(request("GET /who", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.1\r\n")), "\r\n\r\n1.2.3.4");
}

TEST_F(ServerFixture, WebSocketEchoAndClose) {
  start();
  RawClient client(server->port());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_HAS(client.read_until("\r\n\r\n"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const std::string zero_mask(4, '\0');
  client.send("\x81\x82" + zero_mask + "hi");
  EXPECT_HAS(client.read_until("echo hi"),
             "\x81\x07"
             "echo hi");
  client.send("\x88\x80" + zero_mask);
  EXPECT_HAS(client.read_all(), "\x88");
}

TEST_F(ServerFixture, StopFinishesWhatIsInFlight) {
  start();
  auto answer = std::async(std::launch::async, [&] { return ask("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"); });
  entered.get_future().wait();
  server->stop(std::chrono::seconds(5));
  EXPECT_HAS(answer.get(), "slow done");
  EXPECT_EQ(server->open_connections(), 0u);
}

TEST_F(ServerFixture, FullQueueIsAnswered503) {
  options.handler_threads = 1;
  options.limits.max_queued_requests = 1;
  start();
  auto running = std::async(std::launch::async, [&] { return ask(request("GET /slow")); });
  entered.get_future().wait();
  RawClient queued(server->port());
  queued.send(request("GET /hello/queued"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_HAS(ask(request("GET /hello/x")), "HTTP/1.1 503");
  EXPECT_HAS(queued.read_all(), "hello queued");
  EXPECT_HAS(running.get(), "slow done");
}

TEST_F(ServerFixture, OthersDoNotWaitBehindBulkWork) {
  options.handler_threads = 3;
  options.reserved_threads = 1;
  std::promise<void> gate;
  std::atomic<int> inside{0};
  Router router;
  RouteOptions bulk;
  bulk.bulk = true;
  router.add(
      "POST", "/bulk",
      [&inside, open = gate.get_future().share()](const HttpRequest&, WorkContext&) {
        ++inside;
        open.wait();
        return HttpResponse::text("taken in");
      },
      bulk);
  router.add("GET", "/healthy", [](const HttpRequest&, WorkContext&) { return HttpResponse::text("well"); });
  server = std::make_unique<HttpServer>(options, std::move(router), clock, logger, metrics);
  ASSERT_TRUE(server->start());
  std::vector<std::unique_ptr<RawClient>> stuck;
  for (int i = 0; i < 8; ++i) {
    stuck.push_back(std::make_unique<RawClient>(server->port()));
    stuck.back()->send("POST /bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
  while (inside < 2) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) EXPECT_HAS(ask(request("GET /healthy")), "well");
  EXPECT_EQ(inside, 2);
  gate.set_value();
  for (auto& client : stuck) EXPECT_HAS(client->read_all(), "taken in");
}

TEST_F(ServerFixture, ClientGuardAndLimits) {
  start();
  auto client = *CurlHttpClient::create({});
  transport::OutboundRequest out;
  out.url = server->url() + "/hello/curl";
  for (const std::string host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "169.254.169.254",
        "10.0.0.1", "[fd00::1]", "0.0.0.0", "100.64.0.1"}) {
    transport::OutboundRequest guarded;
    guarded.url = "http://" + host + ":" + std::to_string(server->port()) + "/hello/x";
    guarded.timeout = std::chrono::seconds(2);
    const auto refused = client->send(guarded);
    ASSERT_FALSE(refused) << host;
    EXPECT_EQ(refused.error().kind(), ErrorKind::permission_denied) << host << refused.error().message();
  }
  out.user_given = false;
  const auto answer = client->send(out);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "hello curl");
  out.user_given = true;  // the trusted call's connection must not be reused
  EXPECT_FALSE(client->send(out));
  auto allowed = *CurlHttpClient::create({.outbound_allow = {"127.0.0.0/8"}});
  EXPECT_TRUE(allowed->send(out));
  out.url = server->url() + "/big";
  out.max_response_bytes = 1000;
  EXPECT_EQ(allowed->send(out).error().kind(), ErrorKind::too_large);
}

TEST_F(ServerFixture, SelfSignedTls) {
  options.tls.self_signed = true;
  start();
  auto client = *CurlHttpClient::create({});
  transport::OutboundRequest out;
  out.url = server->url() + "/hello/x";
  out.user_given = false;
  EXPECT_FALSE(client->send(out));  // nobody trusts it
  FILE* pipe = popen(("curl -sik " + server->url() + "/hello/tls").c_str(), "r");
  std::string text(4096, '\0');
  text.resize(fread(text.data(), 1, text.size(), pipe));
  pclose(pipe);
  EXPECT_HAS(text, "hello tls");
  EXPECT_HAS(text, "Strict-Transport-Security");
}

}  // namespace
}  // namespace telltale::net
