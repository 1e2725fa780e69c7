#include "api/own/params.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "search/where.hpp"

namespace telltale::api {

namespace {
constexpr std::size_t kDefaultRows = 100;
constexpr std::size_t kMaxRows = 10'000;
constexpr Nanos kDefaultWindow = std::chrono::hours(1);
constexpr UnixNanos kLastWindowEnd = UnixNanos::from_seconds(7'258'118'400);  // 2200-01-01
}  // namespace

Result<storage::EventFilter> filter_params(const net::HttpRequest& request,
                                           std::initializer_list<std::string_view> own) {
  static const std::set<std::string_view> kOwn = {"query",   "start",   "end",   "limit", "order",
                                                  "payload", "project", "table", "logql"};
  std::vector<storage::EventFilter> parts;
  for (const auto& [name, value] : request.query) {
    const bool is_own = std::find(own.begin(), own.end(), name) != own.end();
    if (is_own) continue;
    if (name == "query" && !value.empty()) {
      parts.push_back(storage::EventFilter::leaf(storage::FilterOp::icontains, "*", value));
    } else if (name == "where") {
      TT_ASSIGN(auto condition, search::parse_where(value));
      parts.push_back(std::move(condition));
    } else if (!kOwn.contains(name)) {
      parts.push_back(storage::EventFilter::leaf(storage::FilterOp::eq, name, value));
    }
  }
  return storage::EventFilter::all_of(std::move(parts));
}

Result<> require_no_logql(const net::HttpRequest& request) {
  if (request.param("logql").value_or("").empty()) return {};
  return fail(ErrorKind::invalid_argument,
              "logql: not here; a metric query of /loki/api/v1/query_range counts");
}

Result<storage::Projects> query_projects(const Services& services, const net::HttpRequest& request,
                                         accounts::Scope scope) {
  TT_ASSIGN(const auto principal, authorise(services, request, scope));
  const auto text = request.param("project");
  if (!text || text->empty()) return readable_projects(services, principal);
  std::uint32_t id = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (problem != std::errc() || end != text->data() + text->size() || id == 0) {
    return fail(ErrorKind::invalid_argument, "project: not a project id");
  }
  TT_TRY(principal.require(scope, ProjectId{id}));
  return storage::Projects{ProjectId{id}};
}

Result<std::uint64_t> number_param(const net::HttpRequest& request, std::string_view name,
                                   std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
  const auto text = request.param(name);
  if (!text || text->empty()) return fallback;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (problem != std::errc() || end != text->data() + text->size() || number < least || number > most) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a number from {} to {}", name, least, most));
  }
  return number;
}

Result<std::size_t> limit_param(const net::HttpRequest& request) {
  return number_param(request, "limit", kDefaultRows, 1, kMaxRows);
}

Result<storage::Order> order_param(const net::HttpRequest& request) {
  const auto order = request.param("order").value_or("newest");
  if (order == "newest") return storage::Order::newest_first;
  if (order == "oldest") return storage::Order::oldest_first;
  return fail(ErrorKind::invalid_argument, "order: newest or oldest");
}

Result<TimeRange> range_params(const net::HttpRequest& request) {
  TimeRange range;
  if (const auto start = request.param("start"); start && !start->empty()) {
    TT_ASSIGN(range.from, parse_time_param("start", *start));
  }
  if (const auto end = request.param("end"); end && !end->empty()) {
    TT_ASSIGN(range.to, parse_time_param("end", *end));
  }
  if (range.to <= range.from) return fail(ErrorKind::invalid_argument, "end: not after start");
  return range;
}

Result<TimeRange> window_params(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(TimeRange range, range_params(request));
  if (range.to.ns == INT64_MAX) range.to = services.clock.now();
  if (range.from.ns == INT64_MIN) range.from = range.to - kDefaultWindow;
  if (range.to <= range.from) return fail(ErrorKind::invalid_argument, "start: not before end");
  // So that bucket starts and slack around the range stay inside 64 bits.
  if (range.from.ns < 0) return fail(ErrorKind::invalid_argument, "start: before 1970");
  if (range.to > kLastWindowEnd) return fail(ErrorKind::invalid_argument, "end: after 2200");
  return range;
}

}  // namespace telltale::api
