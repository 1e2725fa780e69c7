#include "api/loki/params.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::api::loki {
namespace {

constexpr UnixNanos kLastTime = UnixNanos::from_seconds(7'258'118'400);  // 2200-01-01
constexpr std::size_t kDigitsOfSeconds = 10;                             // longer ones are nanoseconds
constexpr std::int64_t kDefaultSteps = 250;

std::optional<std::string_view> given(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.param(name);
  return text && !text->empty() ? text : std::nullopt;
}

bool is_integer(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string_view trim_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

void ask_service_column(storage::EventFilter& filter) {
  if (filter.any_spelling && filter.field == "service_name") {
    filter.field = "service";
    filter.any_spelling = false;
  }
  for (auto& child : filter.children) ask_service_column(child);
}

}  // namespace

Result<UnixNanos> parse_time(std::string_view field, std::string_view text) {
  if (is_integer(text) && text.size() > kDigitsOfSeconds) {
    std::int64_t ns = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), ns);
    if (problem == std::errc()) return UnixNanos{ns};
  }
  return parse_time_param(field, text);
}

Result<Nanos> parse_span(std::string_view field, std::string_view text) {
  if (const auto seconds = number_in(text)) {
    if (*seconds < 0 || *seconds > 9e9) {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: a duration that is not negative", field));
    }
    return Nanos(std::llround(*seconds * 1e9));
  }
  auto span = parse_duration(text);
  if (!span) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", field, span.error().message()));
  return span;
}

Result<Nanos> span_param(const net::HttpRequest& request, std::string_view name, Nanos fallback) {
  const auto text = given(request, name);
  if (!text) return fallback;
  return parse_span(name, *text);
}

Result<Window> window_param(const Services& services, const net::HttpRequest& request, Nanos since) {
  const UnixNanos now = services.clock.now();
  Window window{now, now};
  if (const auto end = given(request, "end")) {
    TT_ASSIGN(window.end, parse_time("end", *end));
  }
  TT_ASSIGN(since, span_param(request, "since", since));
  window.start = std::min(window.end, now) - since;
  if (const auto start = given(request, "start")) {
    TT_ASSIGN(window.start, parse_time("start", *start));
  }
  if (window.end < window.start) {
    return fail(ErrorKind::invalid_argument, "end: must not be before start");
  }
  if (window.start.ns < 0) return fail(ErrorKind::invalid_argument, "start: before 1970");
  if (window.end > kLastTime) return fail(ErrorKind::invalid_argument, "end: after 2200");
  return window;
}

Result<Nanos> step_param(const net::HttpRequest& request, const Window& window) {
  const Nanos width = window.end - window.start;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(width / kDefaultSteps);
  TT_ASSIGN(const Nanos step, span_param(request, "step", std::max<Nanos>(seconds, std::chrono::seconds(1))));
  if (step.count() <= 0) return fail(ErrorKind::invalid_argument, "step: must be positive");
  if (width / step >= static_cast<std::int64_t>(limits::kMaxQueryPoints)) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("step: more than {} points a series; use a larger one", limits::kMaxQueryPoints));
  }
  return step;
}

Result<std::size_t> count_param(const net::HttpRequest& request, std::string_view name, std::size_t fallback,
                                std::size_t most) {
  const auto text = given(request, name);
  if (!text) return fallback;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (problem != std::errc() || end != text->data() + text->size() || number > most) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a whole number up to {}", name, most));
  }
  return number == 0 ? fallback : static_cast<std::size_t>(number);
}

Result<storage::Order> direction_param(const net::HttpRequest& request) {
  const std::string text = to_lower(given(request, "direction").value_or("backward"));
  if (text == "backward") return storage::Order::newest_first;
  if (text == "forward") return storage::Order::oldest_first;
  return fail(ErrorKind::invalid_argument, "direction: forward or backward");
}

bool wants_categories(const net::HttpRequest& request) {
  std::string_view flags = request.header("X-Loki-Response-Encoding-Flags");
  while (!flags.empty()) {
    const std::size_t end = std::min(flags.find(','), flags.size());
    if (trim_spaces(flags.substr(0, end)) == "categorize-labels") return true;
    flags.remove_prefix(std::min(end + 1, flags.size()));
  }
  return false;
}

Result<storage::Projects> projects_param(const Services& services, const net::HttpRequest& request,
                                         accounts::Scope scope) {
  TT_ASSIGN(const auto principal, authorise(services, request, scope));
  TT_ASSIGN(auto allowed, readable_projects(services, principal));
  std::string_view wanted = request.header("X-Scope-OrgID");
  // What clients of a Loki without tenants send.
  if (wanted.empty() || wanted == "fake" || wanted == "anonymous") return allowed;
  TT_ASSIGN(const auto known, services.records.projects().list());
  storage::Projects narrowed;
  while (!wanted.empty()) {
    const std::size_t end = std::min(wanted.find('|'), wanted.size());
    const std::string_view name = trim_spaces(wanted.substr(0, end));
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
    const auto found = std::find_if(known.begin(), known.end(), [name](const storage::Project& p) {
      return p.slug == name || std::to_string(p.id.value) == name;
    });
    if (found == known.end() || std::find(allowed.begin(), allowed.end(), found->id) == allowed.end()) {
      return fail(ErrorKind::permission_denied,
                  "X-Scope-OrgID: names a project that this credential cannot read");
    }
    narrowed.push_back(found->id);
  }
  return narrowed;
}

Result<storage::EventFilter> selector_filter(std::string_view selector) {
  logql::LogQuery query;
  TT_ASSIGN(query.matchers, logql::parse_matchers(selector));
  query.has_selector = true;
  TT_ASSIGN(const auto pipeline, logql::Pipeline::compile(query));
  return pipeline.necessary();
}

Result<storage::EventFilter> counting_filter(std::string_view selector) {
  TT_ASSIGN(auto filter, selector_filter(selector));
  ask_service_column(filter);
  return filter;
}

net::HttpResponse error(const Error& error) {
  const bool hopeless = error.kind() == ErrorKind::resource_exhausted || error.kind() == ErrorKind::execution;
  auto response = net::HttpResponse::text(error.message(), hopeless ? 400 : net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

}  // namespace telltale::api::loki
