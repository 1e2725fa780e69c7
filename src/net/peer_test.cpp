// A peer's own options over real loopback sockets: TLS names and authorities, redirects, proxies, name
// servers.
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/client.hpp"
#include "net/dns.hpp"
#include "net/server.hpp"
#include "net/tls.hpp"

namespace telltale::net {
namespace {

struct PeerFixture : testing::Test {
  SystemClock clock;
  Logger logger{clock, LogLevel::debug, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<HttpServer> server;
  std::string certificate;  // PEM of the server's own
  std::string folder = testing::TempDir() + "peer_test." + std::to_string(getpid());

  void start(bool tls) {
    HttpServerOptions options;
    if (tls) {
      const auto made = make_self_signed("127.0.0.1");
      ASSERT_TRUE(made) << made.error().message();
      certificate = made->certificate;
      options.tls.cert_file = folder + ".cert";
      options.tls.key_file = folder + ".key";
      write(options.tls.cert_file, made->certificate);
      write(options.tls.key_file, made->key);
    }
    Router router;
    router.add("GET", "/host", [](const HttpRequest& r, WorkContext&) {
      return HttpResponse::text(std::string(r.header("host")));
    });
    router.add("GET", "/moved", [](const HttpRequest&, WorkContext&) {
      HttpResponse response = HttpResponse::text("moved");
      response.status = 302;
      response.headers.emplace_back("Location", "/host");
      return response;
    });
    server = std::make_unique<HttpServer>(options, std::move(router), clock, logger, metrics);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  void TearDown() override {
    if (server) server->stop();
    ::unlink((folder + ".cert").c_str());
    ::unlink((folder + ".key").c_str());
  }
  static void write(const std::string& path, const std::string& text) {
    FILE* file = fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr);
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  }
  Result<transport::OutboundResponse> ask(const std::string& path, transport::ConnectionOptions options,
                                          bool follow = false) const {
    auto client = *CurlHttpClient::create({});
    transport::OutboundRequest request;
    request.url = server->url() + path;
    request.user_given = false;
    request.follow_redirects = follow;
    request.connection = std::make_shared<const transport::ConnectionOptions>(std::move(options));
    return client->send(request);
  }
};

TEST_F(PeerFixture, TheCertificateIsCheckedAgainstTheGivenNameAndAuthority) {
  start(true);
  EXPECT_FALSE(ask("/host", {})) << "an unknown authority";
  EXPECT_TRUE(ask("/host", {.skip_verify = true}));
  EXPECT_TRUE(ask("/host", {.ca_pem = certificate}));
  const auto named = ask("/host", {.ca_pem = certificate, .server_name = "localhost"});
  ASSERT_TRUE(named) << named.error().message();
  EXPECT_EQ("https://" + named->body, server->url()) << "Host stays that of the URL";
  EXPECT_FALSE(ask("/host", {.ca_pem = certificate, .server_name = "other.example"}));
  EXPECT_FALSE(ask("/host", {.ca_pem = certificate, .max_version = transport::TlsVersion::tls_1_0}));
}

TEST_F(PeerFixture, RedirectsAreFollowedOnlyWhenAskedFor) {
  start(false);
  EXPECT_EQ(ask("/moved", {})->status, 302);
  const auto followed = ask("/moved", {}, true);
  ASSERT_TRUE(followed) << followed.error().message();
  EXPECT_EQ(followed->status, 200);
  EXPECT_EQ("http://" + followed->body, server->url());
}

TEST_F(PeerFixture, AProxyIsSpokenToUnlessTheHostIsExempt) {
  start(false);
  // The server itself stands in for a proxy: it answers whatever absolute URL it is asked for.
  auto client = *CurlHttpClient::create({});
  transport::OutboundRequest request;
  request.url = "http://target.invalid/host";
  request.user_given = false;
  transport::ConnectionOptions options;
  options.proxy_url = server->url();
  request.connection = std::make_shared<const transport::ConnectionOptions>(options);
  const auto proxied = client->send(request);
  ASSERT_TRUE(proxied) << proxied.error().message();
  options.no_proxy = "target.invalid";
  request.connection = std::make_shared<const transport::ConnectionOptions>(options);
  EXPECT_FALSE(client->send(request)) << "the name does not resolve";
}

/// Answers every question with the same records, given as wire bytes behind the question.
class FakeNameServer {
 public:
  explicit FakeNameServer(std::string answers, std::uint16_t count, int code = 0)
      : fd_(socket(AF_INET, SOCK_DGRAM, 0)), answers_(std::move(answers)), count_(count), code_(code) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeNameServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::uint16_t port = 0;

 private:
  void serve() {
    char question[512];
    sockaddr_in from{};
    while (true) {
      socklen_t size = sizeof from;
      const auto n = recvfrom(fd_, question, sizeof question, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) return;
      std::string reply(question, static_cast<std::size_t>(n));
      reply[2] = static_cast<char>(0x84);
      reply[3] = static_cast<char>(0x80 | code_);
      reply[7] = static_cast<char>(count_);
      reply[11] = 0;  // no additional records
      // The question ends after its name, type and class; what the resolver added behind it goes.
      std::size_t end = 12;
      while (reply[end] != 0) end += static_cast<unsigned char>(reply[end]) + 1;
      reply.resize(end + 5);
      reply += answers_;
      sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  int fd_;
  std::string answers_;
  std::uint16_t count_;
  int code_;
  std::thread thread_;
};

/// A record of the question's own name.
std::string record(int type, const std::string& data) {
  std::string out("\xc0\x0c\0", 3);
  out += static_cast<char>(type);
  out += std::string("\0\x01\0\0\0\x3c\0", 7);
  out += static_cast<char>(data.size());
  return out + data;
}

TEST(SystemDnsClient, ReadsTheRecordsThatWereAskedFor) {
  using transport::DnsType;
  const auto look_up = [](const FakeNameServer& names, DnsType type) {
    return SystemDnsClient({.server = "127.0.0.1", .port = names.port, .timeout_seconds = 1, .tries = 1})
        .lookup("x.example.", type);
  };
  const std::string host("\x01h\xc0\x0c", 4);  // h.x.example
  {
    const FakeNameServer names(record(33, std::string("\0\x01\0\x02\x23\x8c", 6) + host) + record(5, host),
                               2);
    const auto found = look_up(names, DnsType::srv);
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), 1U) << "the CNAME is none";
    EXPECT_EQ(found->at(0).host, "h.x.example");
    EXPECT_EQ(found->at(0).port, 9100);
  }
  {
    const FakeNameServer names(record(1, "\x0a\x01\x02\x03"), 1);
    EXPECT_EQ(look_up(names, DnsType::a)->at(0).host, "10.1.2.3");
    EXPECT_TRUE(look_up(names, DnsType::aaaa)->empty());
  }
  {
    const FakeNameServer names(record(15, std::string("\0\x05", 2) + host), 1);
    EXPECT_EQ(look_up(names, DnsType::mx)->at(0).host, "h.x.example");
  }
  {
    const FakeNameServer names(record(2, host), 1);
    EXPECT_EQ(look_up(names, DnsType::ns)->at(0).host, "h.x.example");
  }
  {
    const FakeNameServer names("", 0, 3);  // NXDOMAIN
    const auto found = look_up(names, DnsType::a);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_TRUE(found->empty());
  }
  {
    const FakeNameServer names("\xc0", 3);  // records that are not there
    EXPECT_FALSE(look_up(names, DnsType::a));
  }
}

}  // namespace
}  // namespace telltale::net
