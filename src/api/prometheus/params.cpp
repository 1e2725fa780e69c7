#include "api/prometheus/params.hpp"

#include <charconv>

#include <fmt/format.h>

#include "promql/parser.hpp"

namespace telltale::api {

Result<UnixMillis> time_or(const net::HttpRequest& request, std::string_view name, UnixMillis fallback) {
  const auto text = request.param(name);
  if (!text || text->empty()) return fallback;
  TT_ASSIGN(const auto time, parse_time_param(name, *text));
  return time.to_millis();
}

Result<std::size_t> limit_of(const net::HttpRequest& request) {
  const auto text = request.param("limit");
  if (!text || text->empty()) return std::size_t{0};
  std::size_t n = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (code != std::errc() || end != text->data() + text->size() || n == SIZE_MAX)
    return fail(ErrorKind::invalid_argument,
                fmt::format("limit: expected a whole number, got \"{}\"", *text));
  return n;
}

Result<std::vector<storage::LabelQuery>> label_queries(const Services& services,
                                                       const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  TT_ASSIGN(auto projects, readable_projects(services, principal));
  return label_queries_of(std::move(projects), services, request);
}

Result<std::vector<storage::LabelQuery>> label_queries_of(storage::Projects projects,
                                                          const Services& services,
                                                          const net::HttpRequest& request) {
  storage::LabelQuery base;
  base.projects = std::move(projects);
  TT_ASSIGN(base.range.min, time_or(request, "start", UnixMillis{0}));
  TT_ASSIGN(base.range.max,
            time_or(request, "end", services.clock.now().to_millis() + std::chrono::minutes(10)));
  std::vector<storage::LabelQuery> queries;
  for (const auto selector : request.params("match[]")) {
    queries.push_back(base);
    TT_ASSIGN(queries.back().matchers, promql::parse_selector(selector));
  }
  if (queries.empty()) queries.push_back(base);
  return queries;
}

}  // namespace telltale::api
