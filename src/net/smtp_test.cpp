// Mail to a server of twenty lines that says yes to everything and remembers what it heard.
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.hpp"

namespace telltale::net {
namespace {

struct FakeSmtp {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  std::uint16_t port = 0;
  std::string heard;
  std::thread thread;

  FakeSmtp() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    bind(listener, reinterpret_cast<sockaddr*>(&at), size);
    listen(listener, 1);
    getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    thread = std::thread([this] { serve(); });
  }
  ~FakeSmtp() {
    shutdown(listener, SHUT_RDWR);
    if (thread.joinable()) thread.join();
    ::close(listener);
  }
  void serve() {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) return;
    const auto say = [fd](std::string_view s) { (void)!::send(fd, s.data(), s.size(), MSG_NOSIGNAL); };
    say("220 fake\r\n");
    std::string line;
    bool data = false;
    for (char c; recv(fd, &c, 1, 0) == 1;) {
      line += c;
      if (c != '\n') continue;
      heard += line;
      if (data && line != ".\r\n") {
        line.clear();
        continue;
      }
      if (line.starts_with("QUIT")) break;
      data = line.starts_with("DATA");
      say(data ? "354 go on\r\n" : "250 ok\r\n");
      line.clear();
    }
    ::close(fd);
  }
};

TEST(Smtp, SendsBothFormsAndKeepsHeadersWhole) {
  FakeSmtp smtp;
  SystemClock clock;
  SmtpMailSender sender({.host = "127.0.0.1", .port = smtp.port, .tls = SmtpTls::none}, clock);
  const auto sent = sender.send({.from = "Telltale <t@example.com>",
                                 .to = {"a@example.com", "B <b@example.com>"},
                                 .subject = "Alarm\r\nBcc: evil@example.com",
                                 .text = "hello",
                                 .html = "<b>hello</b>"});
  ASSERT_TRUE(sent) << sent.error().message();
  smtp.thread.join();
  for (const char* part : {"MAIL FROM:<t@example.com>", "RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>",
                           "Subject: Alarm  Bcc: evil@example.com\r\n", "aGVsbG8=", "PGI+aGVsbG88L2I+"}) {
    EXPECT_NE(smtp.heard.find(part), std::string::npos) << part << "\n" << smtp.heard;
  }
  EXPECT_EQ(sender.send({.from = "nobody", .to = {"a@b"}}).error().kind(), ErrorKind::invalid_argument);
}

TEST(Smtp, RefusesPlainTextWhenTlsIsWanted) {
  FakeSmtp smtp;
  SystemClock clock;
  SmtpMailSender sender({.host = "127.0.0.1", .port = smtp.port, .tls = SmtpTls::starttls}, clock);
  EXPECT_FALSE(sender.send({.from = "t@e.com", .to = {"a@e.com"}, .text = "x"}));
  EXPECT_EQ(smtp.heard.find("RCPT"), std::string::npos);
}

}  // namespace
}  // namespace telltale::net
