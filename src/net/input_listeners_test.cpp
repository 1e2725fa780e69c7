// Datagrams and streams in, over real sockets on loopback.
#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mutex.hpp"
#include "net/datagram_listener.hpp"
#include "net/stream_listener.hpp"

namespace telltale::net {
namespace {

class Client {
 public:
  Client(int type, std::uint16_t port) : fd_(::socket(AF_INET, type, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(fd_); }
  ssize_t send(std::string_view bytes, int flags = 0) {
    return ::send(fd_, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
  }

 private:
  const int fd_;
};

/// Everything that was handed over.
struct Taken {
  void add(std::string_view bytes) {
    const MutexLock lock(mutex);
    text += bytes;
  }
  std::string get() {
    const MutexLock lock(mutex);
    return text;
  }
  bool wait_for(std::size_t bytes) {
    for (int i = 0; i < 500 && get().size() < bytes; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return get().size() >= bytes;
  }
  Mutex mutex;
  std::string text;
};

class InputListeners : public ::testing::Test {
 protected:
  SystemClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  Taken taken;
};

TEST_F(InputListeners, DatagramsAreAllHandedOverBeforeTheEnd) {
  std::size_t count = 0;
  DatagramListener listener(
      {.name = "u"},
      [&](const std::vector<Datagram>& batch) {
        EXPECT_LE(batch.size(), limits::kDatagramBatch);
        for (const auto& d : batch) EXPECT_EQ(d.from.text(), "127.0.0.1");
        count += batch.size();
      },
      log, metrics);
  ASSERT_TRUE(listener.start());
  Client client(SOCK_DGRAM, listener.port());
  for (int i = 0; i < 200; ++i) client.send("<13>hello");
  listener.stop();
  EXPECT_EQ(count, 200u);
}

TEST_F(InputListeners, OnlyAllowedSourcesAreHeard) {
  DatagramListener listener(
      {.name = "u", .allow = {*Cidr::parse("10.0.0.0/8")}},
      [&](const std::vector<Datagram>&) { ADD_FAILURE(); }, log, metrics);
  ASSERT_TRUE(listener.start());
  Client client(SOCK_DGRAM, listener.port());
  client.send("x");
  listener.stop();
  EXPECT_NE(metrics.render().find("telltale_datagrams_dropped_total{listener=\"u\",reason=\"source\"} 1"),
            std::string::npos)
      << metrics.render();
}

class TestHandler final : public StreamHandler {
 public:
  TestHandler(Taken& taken, std::atomic<bool>* hold) : taken_(taken), hold_(hold) {}
  void on_bytes(std::string_view bytes) override {
    while (hold_ != nullptr && *hold_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    taken_.add(bytes);
  }
  void on_end() override { taken_.add("|"); }

 private:
  Taken& taken_;
  std::atomic<bool>* const hold_;
};

TEST_F(InputListeners, AStreamIsReadToItsEnd) {
  StreamListener listener(
      {.name = "t"},
      [&](const StreamPeer& peer) {
        EXPECT_EQ(peer.address.text(), "127.0.0.1");
        return std::make_unique<TestHandler>(taken, nullptr);
      },
      clock, log, metrics);
  ASSERT_TRUE(listener.start());
  {
    Client client(SOCK_STREAM, listener.port());
    client.send("one ");
    client.send("two");
  }
  EXPECT_TRUE(taken.wait_for(8));
  EXPECT_EQ(taken.get(), "one two|");
}

TEST_F(InputListeners, WhatHasArrivedIsReadWhileStopping) {
  StreamListener listener(
      {.name = "t"}, [&](const StreamPeer&) { return std::make_unique<TestHandler>(taken, nullptr); }, clock,
      log, metrics);
  ASSERT_TRUE(listener.start());
  Client client(SOCK_STREAM, listener.port());
  client.send("first");
  ASSERT_TRUE(taken.wait_for(5));
  client.send("last");
  listener.stop();
  EXPECT_EQ(taken.get(), "firstlast|");
}

TEST_F(InputListeners, AHandlerThatWaitsStopsItsSender) {
  std::atomic<bool> hold{true};
  StreamListener listener(
      {.name = "t"}, [&](const StreamPeer&) { return std::make_unique<TestHandler>(taken, &hold); }, clock,
      log, metrics);
  ASSERT_TRUE(listener.start());
  Client client(SOCK_STREAM, listener.port());
  const std::string chunk(64 * 1024, 'x');
  std::size_t sent = 0;
  // The kernel's buffers and one read fill up, then no more goes out.
  for (int quiet = 0; quiet < 30;) {
    const ssize_t n = client.send(chunk, MSG_DONTWAIT);
    quiet = n > 0 ? 0 : quiet + 1;
    if (n > 0) sent += static_cast<std::size_t>(n);
    if (n <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_LT(sent, 256u << 20);
  }
  EXPECT_TRUE(taken.get().empty());
  hold = false;
  EXPECT_TRUE(taken.wait_for(sent));
  EXPECT_EQ(taken.get().size(), sent);
}

TEST_F(InputListeners, StrangersAreRefused) {
  StreamListener listener(
      {.name = "t", .allow = {*Cidr::parse("10.0.0.0/8")}},
      [&](const StreamPeer&) { return std::make_unique<TestHandler>(taken, nullptr); }, clock, log, metrics);
  ASSERT_TRUE(listener.start());
  Client client(SOCK_STREAM, listener.port());
  const std::string counted = "telltale_stream_refused_total{listener=\"t\"} 1";
  for (int i = 0; i < 300 && metrics.render().find(counted) == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_NE(metrics.render().find(counted), std::string::npos);
  listener.stop();
  EXPECT_TRUE(taken.get().empty());
}

}  // namespace
}  // namespace telltale::net
