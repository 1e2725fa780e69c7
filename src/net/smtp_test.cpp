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

TEST(Smtp, Urls) {
  const auto plain = parse_smtp_url("smtp://mail.example.com?tls=none");
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->host, "mail.example.com");
  EXPECT_EQ(plain->port, 587);
  EXPECT_EQ(plain->tls, SmtpTls::none);
  const auto full = parse_smtp_url("smtps://us%40er:p%3Ass@[::1]:4650");
  ASSERT_TRUE(full) << full.error().message();
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 4650);
  EXPECT_EQ(full->username, "us@er");
  EXPECT_EQ(full->password, "p:ss");
  EXPECT_EQ(full->tls, SmtpTls::implicit);
  EXPECT_EQ(parse_smtp_url("smtp://h:25")->tls, SmtpTls::starttls);
  for (const char* bad : {"", "mail.example.com:25", "http://h", "smtp://", "smtp://u:geheim@h:port",
                          "smtp://u:geheim@h?tls=maybe", "smtps://u:geheim@h?tls=none"}) {
    const auto parsed = parse_smtp_url(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().message().find("geheim"), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace telltale::net
