// Error events of a site that fails in some hundred ways, made of what an SDK really sent: `record_errors.py`
// records one event of each kind and marks in its JSON what is different every time; here the marks are
// filled in, by seed, for as many events as one wants.
//
// A mark is byte 1, a name, perhaps `:` and an argument, byte 2. Within one event the ids, the person and the
// ticker are the same wherever they stand; addresses, prices and digits are fresh each time. A *cause* is
// what ought to become one issue: kind `cause % kinds` with the names of exception, module and function made
// its own. Causes are drawn by Zipf's law, users too; line numbers move from release to release, with the
// file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pieces.hpp"

namespace bench {

struct ErrorOptions {
  std::uint64_t seed = 1;
  std::uint64_t events = 100'000;
  std::size_t causes = 400;
  std::size_t first_cause = 0;  // causes first_cause … first_cause + causes - 1
  bool each_cause = false;      // the first events are one of every cause, before any is drawn
  std::int64_t start_ns = 0;    // time of the first event
  std::int64_t span_ns = 0;     // from the first to the last
};

struct ErrorEvent {
  std::string json;  // one JSON object, no line end
  std::string event_id;
  std::string trace_id;
  std::size_t cause = 0;
  std::size_t release = 0;
};

inline constexpr std::size_t kReleases = 20;
std::string release_name(std::size_t release);

class ErrorEvents {
 public:
  /// `recorded`: lines of record_errors.py. Empty or with a mark that is not known: throws
  /// std::runtime_error.
  ErrorEvents(const std::string& recorded, const ErrorOptions& options);
  /// Replaces `event`; false after the last one.
  bool next(ErrorEvent& event);

 private:
  enum class Mark : unsigned char {
    event,
    trace,
    span,
    span2,
    request,
    ref,
    user,
    email,
    ip,
    agent,
    ticker,
    tier,
    release,
    time,
    line,
    address,
    price,
    digits,
    module,
    function,
    type,
    words
  };
  struct Piece {
    std::string text;  // stands in front of the mark
    Mark mark{};
    std::uint32_t first = 0, second = 0;  // arguments
  };
  struct Kind {
    std::vector<Piece> pieces;
    std::string tail;
  };
  struct Person {  // and what else is one in an event
    std::array<std::uint64_t, 2> event{}, trace{}, request{};
    std::uint64_t span = 0, parent = 0, ref = 0;
    std::size_t user = 0, ticker = 0;
    std::int64_t time_ns = 0;
  };

  static Kind parse(std::string_view line);
  static Piece parse_mark(std::string_view mark);
  void put(std::string& out, const Piece& piece, const Person& person, const ErrorEvent& event);
  void put_cause_words(std::string& out, std::size_t cause, char between, bool capital) const;

  const ErrorOptions options_;
  std::vector<Kind> kinds_;
  Random random_;
  const Zipf causes_, users_, tickers_;
  std::uint64_t made_ = 0;
};

}  // namespace bench
