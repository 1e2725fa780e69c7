// Data that must go: rows by a filter, everything of one person. One erasure runs at a time.
#pragma once

#include "base/log.hpp"
#include "base/mutex.hpp"
#include "redact/projects.hpp"
#include "server/stores.hpp"
#include "storage/erasure.hpp"

namespace telltale::server {

/// Thread-safe.
class Erasure {
 public:
  /// `redactors` know what became of addresses that were hashed; null: none were.
  Erasure(Stores& stores, const redact::Redactors* redactors, const Clock& clock, const Logger& log)
      : stores_(stores), redactors_(redactors), clock_(clock), log_(log) {}

  /// When it returns the rows accepted before are in no answer, no part and no journal. Repeat it when it
  /// fails.
  Result<std::uint64_t> erase(const storage::EraseRequest& request);
  /// The same for one person's rows in all tables; issues no longer count the person.
  Result<storage::PersonReport> erase_person(const storage::PersonRequest& request);

 private:
  Result<> forget_files(const storage::EraseRequest& request);
  Result<std::uint64_t> erase_rows(const storage::EraseRequest& request) TT_REQUIRES(mutex_);
  storage::PersonRequest with_hashes(const storage::PersonRequest& request) const;
  Result<storage::PersonReport> count_person(const storage::PersonRequest& request);
  Result<std::uint64_t> forget_in_issues(const storage::PersonRequest& request);
  Result<std::uint64_t> forget_feedback(const storage::PersonRequest& request);

  Stores& stores_;
  const redact::Redactors* const redactors_;
  const Clock& clock_;
  const Logger& log_;
  Mutex mutex_;
};

}  // namespace telltale::server
