// What Loki's clients put into a request, and errors as they expect them. Times are nanoseconds, seconds
// (with or without a fraction) or RFC 3339; durations Prometheus' form or seconds.
#pragma once

#include <string_view>

#include "api/services.hpp"
#include "logql/engine.hpp"

namespace telltale::api::loki {

struct Window {
  UnixNanos start;
  UnixNanos end;
  TimeRange range() const { return {start, end}; }
};

Result<UnixNanos> parse_time(std::string_view field, std::string_view text);
Result<Nanos> parse_span(std::string_view field, std::string_view text);

/// `start`, `end`, `since`: up to now and as long as `since` unless given. invalid_argument: end before
/// start, years outside of 1970 to 2200.
Result<Window> window_param(const Services& services, const net::HttpRequest& request,
                            Nanos since = std::chrono::hours(1));
/// `step`; without one, a 250th of the window, at least a second. invalid_argument over
/// limits::kMaxQueryPoints.
Result<Nanos> step_param(const net::HttpRequest& request, const Window& window);
Result<Nanos> span_param(const net::HttpRequest& request, std::string_view name, Nanos fallback);
/// A whole number from 1 to `most`; 0 and nothing at all: `fallback`.
Result<std::size_t> count_param(const net::HttpRequest& request, std::string_view name, std::size_t fallback,
                                std::size_t most);
Result<storage::Order> direction_param(const net::HttpRequest& request);
/// X-Loki-Response-Encoding-Flags: categorize-labels.
bool wants_categories(const net::HttpRequest& request);

/// Of the credential; X-Scope-OrgID (project ids or slugs, `|` between them) leaves out others.
/// permission_denied for a project that is not the credential's.
Result<storage::Projects> projects_param(const Services& services, const net::HttpRequest& request,
                                         accounts::Scope scope = accounts::Scope::read);

/// The filter of a stream selector; nothing and `{}`: every row.
Result<storage::EventFilter> selector_filter(std::string_view selector);
/// The same with leaves on service_name asking the service column, whose counts a store knows by block.
Result<storage::EventFilter> counting_filter(std::string_view selector);

/// Plain text, as Loki answers; 400 for whatever trying again does not help.
net::HttpResponse error(const Error& error);

}  // namespace telltale::api::loki
