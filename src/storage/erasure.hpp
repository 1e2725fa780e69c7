// Rows that must go for good: by a filter, by a query that somebody asked for, and the data of one person.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::storage {

struct EraseProgress {
  std::size_t parts = 0;   // that may hold such rows
  std::size_t done = 0;    // of them
  std::uint64_t rows = 0;  // gone so far, and for good
};

/// Rows of one table that a filter matches, whenever they were accepted up to now.
struct EraseRequest {
  Table table = Table::logs;
  Projects projects;
  TimeRange range;
  EventFilter filter;
  /// Asked of each row that the filter matches, with all its columns: whether it goes. Null: it does.
  std::function<bool(const EventRow&)> rest = nullptr;
  /// Told after each part, on the calling thread, which must not ask the store for upkeep then; its error
  /// ends the erasure.
  std::function<Result<>(const EraseProgress&)> progress = nullptr;
};

/// By user id or by e-mail address; one of them is given.
struct PersonRequest {
  std::string user_id;
  std::string email;
  Projects projects;
  bool dry_run = false;  // only counts
  /// What stands in rows where the address was hashed before they were stored (`[email#3f1a09b2c4d5e6f7]`).
  std::vector<std::string> hashed = {};
};

struct PersonReport {
  std::uint64_t logs = 0;
  std::uint64_t spans = 0;
  std::uint64_t errors = 0;
  std::uint64_t issues = 0;    // that had counted the person; not known by a dry run
  std::uint64_t feedback = 0;  // the same
};

/// Rows that are the person's or name the address.
EventFilter filter_of_person(const PersonRequest& person);

/// The numbers are stored: never renumber.
enum class DeletionState : std::uint8_t { waiting = 1, running = 2, done = 3, failed = 4, cancelled = 5 };
std::string_view state_name(DeletionState state);

/// A wish that log records go that a LogQL query selects (logql/selection.hpp), kept until it is fulfilled
/// and some time longer.
struct Deletion {
  std::uint64_t id = 0;
  Projects projects;
  TimeRange range;
  std::string query;
  std::string by;  // whose credential it was
  UnixNanos created;
  DeletionState state = DeletionState::waiting;
  EraseProgress progress;
  std::string problem;  // why it failed, or is tried again
  std::optional<UnixNanos> finished;
};

/// Thread-safe.
class Deletions {
 public:
  virtual ~Deletions() = default;
  /// Of `wanted`, projects, range, query and `by` count. Survives a crash once it returns; the work begins
  /// behind what waits. invalid_argument for the query; resource_exhausted over
  /// limits::kMaxWaitingDeletions.
  virtual Result<Deletion> add(const Deletion& wanted) = 0;
  /// Newest first.
  virtual Result<std::vector<Deletion>> list() = 0;
  /// conflict for what no longer waits.
  virtual Result<> cancel(std::uint64_t id) = 0;
};

}  // namespace telltale::storage
