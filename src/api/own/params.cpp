#include "api/own/params.hpp"

#include <charconv>
#include <set>

namespace telltale::api {

storage::EventFilter filter_params(const net::HttpRequest& request) {
  static const std::set<std::string_view> kOwn = {"query", "start",   "end",     "limit",
                                                  "order", "payload", "project", "table"};
  std::vector<storage::EventFilter> parts;
  for (const auto& [name, value] : request.query) {
    if (name == "query" && !value.empty()) {
      parts.push_back(storage::EventFilter::leaf(storage::FilterOp::icontains, "*", value));
    } else if (!kOwn.contains(name)) {
      parts.push_back(storage::EventFilter::leaf(storage::FilterOp::eq, name, value));
    }
  }
  return storage::EventFilter::all_of(std::move(parts));
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

}  // namespace telltale::api
