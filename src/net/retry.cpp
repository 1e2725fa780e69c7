#include "net/retry.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/text.hpp"

namespace telltale::net {

std::optional<Nanos> Backoff::next(Nanos at_least) {
  if (failures_ == 0) first_failure_ = clock_.steady();
  ++failures_;
  if (options_.max_attempts > 0 && failures_ >= options_.max_attempts) return std::nullopt;
  double delay = static_cast<double>(options_.initial.count());
  const double max = static_cast<double>(options_.max.count());
  for (int i = 1; i < failures_ && delay < max; ++i) delay *= options_.multiplier;
  delay = std::min(delay, max) * (1 + options_.jitter * (2 * rng_.unit() - 1));
  const Nanos wait = std::max(Nanos(static_cast<std::int64_t>(delay)), at_least);
  if (options_.max_elapsed > Nanos{0} && clock_.steady() - first_failure_ + wait > options_.max_elapsed) {
    return std::nullopt;
  }
  return wait;
}

void Backoff::reset() { failures_ = 0; }

bool is_retryable(const Result<transport::OutboundResponse>& outcome) {
  if (outcome) {
    const int status = outcome->status;
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
  }
  switch (outcome.error().kind()) {
    case ErrorKind::unavailable:
    case ErrorKind::deadline_exceeded:
    case ErrorKind::io:
      return true;
    default:
      return false;
  }
}

Nanos retry_after(const transport::OutboundResponse& response, UnixNanos now) {
  for (const auto& [name, value] : response.headers) {
    if (!equal_ignore_case(name, "Retry-After")) continue;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc() && end == value.data() + value.size()) {
      return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 86'400));
    }
    std::tm tm{};
    if (strptime(value.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm) != nullptr) {
      return std::max(UnixNanos::from_seconds(timegm(&tm)) - now, Nanos{0});
    }
  }
  return Nanos{0};
}

Result<transport::OutboundResponse> send_with_retry(transport::HttpClient& client,
                                                    const transport::OutboundRequest& request,
                                                    Backoff& backoff, const Clock& clock,
                                                    const std::function<bool(Nanos)>& sleep) {
  while (true) {
    auto outcome = client.send(request);
    if (!is_retryable(outcome)) {
      backoff.reset();
      return outcome;
    }
    const auto delay = backoff.next(outcome ? retry_after(*outcome, clock.now()) : Nanos{0});
    if (!delay || !sleep(*delay)) return outcome;
  }
}

}  // namespace telltale::net
