// Log lines of a web application that looks up, quotes and trades stocks, as Flask behind a JSON formatter
// writes them: about 430 bytes each. Many requests are under way at once, each with ids of its own, and leave
// 1 to 12 lines; messages come from 200 templates with 0 to 5 typed variables, values are drawn by Zipf's law
// where people and things are popular, durations are log-normal, and 3 % of the lines, the errors, carry a
// traceback of 20 to 60 lines.
//
// The same options make the same bytes on every machine: the generator of random numbers and everything drawn
// from it are here, not the standard library's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pieces.hpp"

namespace bench {

struct LogOptions {
  std::uint64_t seed = 1;
  std::uint64_t lines = 1'000'000;
  std::int64_t start_ns = 0;  // time of the first line
  std::int64_t span_ns = 0;   // from the first line to the last
};

enum class Severity : unsigned char { info, warning, error };

/// One line and the fields of it that senders need beside it.
struct LogLine {
  std::string json;  // one JSON object, no line end
  std::int64_t time_ns = 0;
  Severity severity = Severity::info;
  std::size_t service = 0;      // index into kServices
  std::size_t environment = 0;  // index into kEnvironments
  std::string_view trace_id;    // views of `json`
  std::string_view request_id;
  bool begins_request = false;
};

inline constexpr std::array<std::string_view, 8> kServices = {"gateway", "quotes", "orders",  "accounts",
                                                              "search",  "alerts", "billing", "reports"};
inline constexpr std::array<std::string_view, 2> kEnvironments = {"prod", "stage"};

class LogLines {
 public:
  explicit LogLines(const LogOptions& options);
  /// Replaces `line`; false after the last one.
  bool next(LogLine& line);

 private:
  struct Variable;
  struct Template {
    std::string text;  // '{' letter '}' stands for a variable of that type
  };
  struct OpenRequest {
    unsigned lines_left = 0;
    bool fresh = true;
    std::size_t service = 0, environment = 0, host = 0, method = 0, route = 0, status = 0, user = 0,
                ticker = 0, tier = 0;
    std::uint32_t client_ip = 0;
    std::array<std::uint64_t, 2> trace{};
    std::uint64_t request = 0;
  };

  void make_templates();
  void open(OpenRequest& request);
  void put_message(std::string& out, const OpenRequest& request);
  void put_variable(std::string& out, char type, const OpenRequest& request);
  void put_traceback(std::string& out, const OpenRequest& request);
  void put_duration(std::string& out);
  std::string_view release_now() const;

  const LogOptions options_;
  Random random_;
  const Zipf templates_of_, users_, tickers_, routes_, services_, hosts_;
  std::vector<Template> templates_;
  std::vector<std::string> releases_;
  std::vector<OpenRequest> requests_;
  std::uint64_t made_ = 0;
};

}  // namespace bench
