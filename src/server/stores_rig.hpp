// For the tests of the whole way in: a server's stores on a disk that fails, a client that sends every
// signal and remembers what was acknowledged, and a check of what the stores hold against that memory.
//
// What is promised: an acknowledged event, line, span or sample is there exactly once, whatever happens to
// the power; one that was refused is not there; one whose answer the power cut may be there, once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "ingest/ingest.hpp"
#include "io/faulty_file_system.hpp"
#include "server/stores.hpp"

namespace telltale::server::rig {

constexpr ProjectId kProject{1};

/// A disk and, between open() and close(), what runs on it.
struct Rig {
  Rig();

  FakeClock clock;
  Logger log;
  io::FaultyFileSystem disk;
  config::Config config = config::defaults();
  std::unique_ptr<const redact::Redactor> redactor;
  std::unique_ptr<MetricsRegistry> metrics;
  std::unique_ptr<Stores> stores;
  std::unique_ptr<ingest::Ingest> ingest;
  bool project_promised = false;

  /// The first one also makes the project.
  Result<> open();
  void close();
  /// Everything acknowledged is applied.
  bool settle();
};

/// What a client has sent: id → acknowledged.
struct Book {
  std::map<std::string, bool> events;
  std::map<std::string, bool> lines;
  std::map<std::string, bool> spans;
  /// (series, time) → (value, acknowledged)
  std::map<std::pair<std::string, std::int64_t>, std::pair<double, bool>> samples;
};

/// Request n has the same content each time; n modulo 5 chooses event, transaction, lines, spans, samples.
class Client {
 public:
  /// True when it was acknowledged.
  bool send(Rig& rig, int n);
  /// Sends again what has ids of its own.
  void resend(Rig& rig, int upto);
  const Book& book() const { return book_; }

 private:
  bool send_event(Rig& rig, int n);
  bool send_transaction(Rig& rig, int n);
  bool send_lines(Rig& rig, int n);
  bool send_spans(Rig& rig, int n);
  bool send_samples(Rig& rig, int n);
  Book book_;
};

/// What may stand in the stores although nobody was told so.
enum class Unanswered : unsigned char { may_be_there, must_be_absent };
/// Waits until everything is applied, then compares all signals and the issues' counters.
void check(Rig& rig, const Book& book, Unanswered unanswered);
/// Lines, spans and samples as they can be read now; issues may be behind.
void check_rows(Rig& rig, const Book& book, Unanswered unanswered);

}  // namespace telltale::server::rig
