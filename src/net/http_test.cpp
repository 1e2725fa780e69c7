// Routing, parameters, framing and back-off: what needs no socket.
#include "net/http.hpp"

#include <optional>

#include <gtest/gtest.h>

#include "net/request_parser.hpp"
#include "net/retry.hpp"
#include "net/websocket_codec.hpp"

namespace telltale::net {
namespace {

HttpResponse nothing(const HttpRequest&, WorkContext&) { return {}; }

TEST(Router, LiteralsWinAndMethodsBacktrack) {
  Router router;
  router.add("GET", "/api/{project}/store", nothing, {.name = "store"});
  router.add("GET", "/api/v1/query", nothing, {.name = "query"});
  router.add("POST", "/api/v1/{what}", nothing, {.name = "what"});
  router.add("GET", "/{rest*}", nothing, {.name = "ui"});
  EXPECT_EQ(router.match("GET", "/api/v1/query/").options->name, "query");
  EXPECT_EQ(router.match("HEAD", "/api/v1/query").options->name, "query");
  EXPECT_EQ(router.match("POST", "/api/v1/query").options->name, "what");
  EXPECT_EQ(router.match("GET", "/api/v1/store").path_params.at("project"), "v1");
  EXPECT_EQ(router.match("GET", "/a/b%20c").path_params.at("rest"), "a/b c");
  EXPECT_EQ(router.match("GET", "/").options->name, "ui");
  EXPECT_EQ(router.match("PUT", "/api/v1/query").allow, "GET, HEAD, POST");
}

TEST(HttpRequest, FormFieldsComeBeforeTheQuery) {
  HttpRequest request;
  request.query = parse_query("match%5B%5D=a&x=1&&flag");
  request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = "x=2&y=a+b%2Bc";
  EXPECT_EQ(request.param("x"), "2");
  EXPECT_EQ(request.param("y"), "a b+c");
  EXPECT_EQ(request.param("flag"), "");
  EXPECT_EQ(request.params("x"), (std::vector<std::string_view>{"2", "1"}));
  EXPECT_FALSE(request.param("z"));
}

// The same request in pieces of `step` bytes; the body, or nothing when it never ended.
std::optional<std::string> parse_in_steps(const std::string& bytes, std::size_t step, std::size_t headers) {
  RequestParser parser(1000, 10);
  std::string waiting;
  for (std::size_t at = 0; at < bytes.size();) {
    waiting += bytes.substr(at, step);
    at += step;
    while (true) {
      std::size_t used = 0;
      const auto progress = parser.feed(waiting, used);
      waiting.erase(0, used);
      if (progress == RequestParser::Progress::headers_done) {
        parser.begin_body(100, false);
        continue;
      }
      if (progress == RequestParser::Progress::done) {
        EXPECT_EQ(parser.head().headers.size(), headers);
        return parser.body();
      }
      EXPECT_EQ(progress, RequestParser::Progress::need_more) << parser.error_text();
      break;
    }
  }
  return std::nullopt;
}

TEST(RequestParser, EveryCutGivesTheSame) {
  const std::string head = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, std::string> bodies[] = {
      {"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: t\r\n\r\n", "hello world"},
      {"0\r\n\r\n", ""},
      {"1\r\na\r\n0\r\n\r\n", "a"},
      {"000\r\nT: t\r\n\r\n", ""},
  };
  for (const auto& [sent, body] : bodies) {
    for (std::size_t step = 1; step <= head.size() + sent.size(); ++step) {
      EXPECT_EQ(parse_in_steps(head + sent, step, 3), body) << sent << " in steps of " << step;
    }
  }
}

TEST(WebSocket, FragmentsAndViolations) {
  const std::string mask(4, '\0');
  WsReader reader(10);
  reader.feed("\x01\x82" + mask + "ab" + "\x89\x81" + mask + "p" + "\x80\x81" + mask + "c");
  EXPECT_EQ(reader.next()->opcode, WsOpcode::ping);
  EXPECT_EQ(reader.next()->payload, "abc");
  reader.feed("\x81\x8B" + mask + "hello world");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.error(), 1009);
  WsReader unmasked(10);
  unmasked.feed(std::string("\x81\x01x"));
  EXPECT_FALSE(unmasked.next());
  EXPECT_EQ(unmasked.error(), 1002);
}

TEST(Backoff, DoublesToItsBoundAndGivesUp) {
  FakeClock clock;
  Rng rng(1);
  Backoff backoff({.initial = Millis(100), .max = Millis(400), .jitter = 0, .max_attempts = 6}, rng, clock);
  for (const int expected : {100, 200, 400, 400}) EXPECT_EQ(*backoff.next(), Nanos(Millis(expected)));
  EXPECT_EQ(*backoff.next(std::chrono::seconds(9)), Nanos(std::chrono::seconds(9)));
  EXPECT_FALSE(backoff.next());
}

}  // namespace
}  // namespace telltale::net
