// Retrying with exponential back-off and jitter. The helper only says how long to wait; who waits, and on
// what, is the caller's business, so that a test needs no time.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "transport/transport.hpp"

namespace telltale::net {

struct BackoffOptions {
  Nanos initial{std::chrono::milliseconds(500)};
  Nanos max{std::chrono::seconds(30)};
  double multiplier = 2.0;
  double jitter = 0.2;   // ± this share of the delay
  int max_attempts = 5;  // the first one included; 0: no bound
  Nanos max_elapsed{0};  // since the first failure; 0: no bound
};

/// Not thread-safe; one for each thing that is retried.
class Backoff {
 public:
  Backoff(BackoffOptions options, Rng& rng, const Clock& clock)
      : options_(options), rng_(rng), clock_(clock) {}

  /// After a failure: the delay before the next attempt, at least `at_least` (a server's Retry-After);
  /// nothing when it is time to give up.
  std::optional<Nanos> next(Nanos at_least = Nanos{0});
  /// After a success.
  void reset();
  int failures() const { return failures_; }

 private:
  const BackoffOptions options_;
  Rng& rng_;
  const Clock& clock_;
  int failures_ = 0;
  Nanos first_failure_{0};
};

/// Whether trying again may help: no answer (unless refused by policy or bad input), 408, 429 and 5xx but
/// 501, 505.
bool is_retryable(const Result<transport::OutboundResponse>& outcome);
/// Retry-After in seconds or as an HTTP date; zero when absent or in the past.
Nanos retry_after(const transport::OutboundResponse& response, UnixNanos now);

/// Sends until the outcome is final or the back-off gives up; `sleep` waits, and returns false to stop early.
Result<transport::OutboundResponse> send_with_retry(transport::HttpClient& client,
                                                    const transport::OutboundRequest& request,
                                                    Backoff& backoff, const Clock& clock,
                                                    const std::function<bool(Nanos)>& sleep);

}  // namespace telltale::net
