// Projects and the keys their Sentry SDKs send with.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/body.hpp"
#include "api/sign_in.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
constexpr std::size_t kMaxProjectNameBytes = limits::kMaxPersonNameBytes;

void write_project(JsonWriter& w, const storage::Project& project) {
  w.begin_object().field("id", std::uint64_t{project.id.value}).field("slug", project.slug);
  w.field("name", project.name).field("created", format_rfc3339(project.created)).end_object();
}

/// `https://KEY@host/prefix/1`.
std::string dsn_of(const std::string& base, const storage::DsnKey& key) {
  const std::size_t host = base.find("://") + 3;
  return fmt::format("{}{}@{}/{}", base.substr(0, host), key.public_key, base.substr(host),
                     key.project.value);
}

void write_dsn_key(JsonWriter& w, const std::string& base, const storage::DsnKey& key) {
  w.begin_object().field("public_key", key.public_key).field("dsn", dsn_of(base, key));
  w.field("enabled", key.enabled).field("created", format_rfc3339(key.created)).end_object();
}

template <class T, class Write>
net::HttpResponse one(const Result<T>& result, const char* name, int status, Write write) {
  if (!result) return error_response(result.error());
  JsonWriter w;
  w.begin_object().key(name);
  write(w, *result);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

Result<> check_project_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxProjectNameBytes && is_utf8(name)) return {};
  return fail(ErrorKind::invalid_argument, "name: wants 1 to 200 bytes of text");
}

Result<std::vector<storage::Project>> list_projects(const Services& services,
                                                    const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise(services, request, Scope::read));
  TT_ASSIGN(auto all, services.records.projects().list());
  if (who.project.value != 0)
    std::erase_if(all, [&](const auto& project) { return project.id != who.project; });
  return all;
}

Result<storage::Project> create_project(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_server_admin(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"slug", "name"}));
  TT_ASSIGN(const auto slug, body.text("slug"));
  TT_ASSIGN(const auto name, body.maybe_text("name"));
  if (name) TT_TRY(check_project_name(*name));
  return services.accounts.create_project(slug, name.value_or(slug));
}

Result<storage::Project> rename_project(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"name"}));
  TT_ASSIGN(project.name, body.text("name"));
  TT_TRY(check_project_name(project.name));
  TT_TRY(services.records.projects().update(project));
  return project;
}

Result<std::vector<storage::DsnKey>> list_keys(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::read));
  return services.records.dsn_keys().list(project.id);
}

Result<storage::DsnKey> create_key(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  return services.accounts.create_dsn_key(project.id);
}

Result<storage::DsnKey> switch_key(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto project, project_of(services, request, Scope::admin));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"enabled"}));
  TT_ASSIGN(const bool enabled, body.boolean("enabled"));
  TT_ASSIGN(auto key, services.records.dsn_keys().get(request.path_params.find("key")->second));
  if (key.project != project.id) return fail(ErrorKind::not_found, "no such DSN key");
  TT_TRY(services.accounts.set_dsn_key_enabled(key.public_key, enabled));
  key.enabled = enabled;
  return key;
}

void add_key_routes(net::Router& router, const Services& services) {
  const auto write_with = [&services](const net::HttpRequest& request) {
    return [base = base_url(services, request)](JsonWriter& w, const storage::DsnKey& key) {
      write_dsn_key(w, base, key);
    };
  };
  router.add("GET", "/api/telltale/v1/projects/{id}/keys",
             [&services, write_with](const net::HttpRequest& r, WorkContext&) {
               using List = std::vector<storage::DsnKey>;
               return answer<List>(list_keys(services, r), [&](JsonWriter& w, const List& keys) {
                 w.key("keys").begin_array();
                 for (const auto& key : keys) write_with(r)(w, key);
                 w.end_array();
               });
             });
  router.add(
      "POST", "/api/telltale/v1/projects/{id}/keys",
      [&services, write_with](const net::HttpRequest& r, WorkContext&) {
        return one(create_key(services, r), "key", 201, write_with(r));
      },
      account_route());
  router.add(
      "PUT", "/api/telltale/v1/projects/{id}/keys/{key}",
      [&services, write_with](const net::HttpRequest& r, WorkContext&) {
        return one(switch_key(services, r), "key", 200, write_with(r));
      },
      account_route());
}

}  // namespace

Result<storage::Project> project_of(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  const std::string& text = request.path_params.find("id")->second;
  std::uint32_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool number = problem == std::errc() && end == text.data() + text.size();
  if (!number || (who.project.value != 0 && who.project.value != id)) {
    return fail(ErrorKind::not_found, "project " + text + ": not found");
  }
  return services.records.projects().get(ProjectId{id});
}

void add_project_routes(net::Router& router, const Services& services) {
  router.add("GET", "/api/telltale/v1/projects", [&services](const net::HttpRequest& r, WorkContext&) {
    using List = std::vector<storage::Project>;
    return answer<List>(list_projects(services, r), [](JsonWriter& w, const List& projects) {
      w.key("projects").begin_array();
      for (const auto& project : projects) write_project(w, project);
      w.end_array();
    });
  });
  router.add(
      "POST", "/api/telltale/v1/projects",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return one(create_project(services, r), "project", 201, write_project);
      },
      account_route());
  router.add(
      "PUT", "/api/telltale/v1/projects/{id}",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return one(rename_project(services, r), "project", 200, write_project);
      },
      account_route());
  add_key_routes(router, services);
  add_redaction_routes(router, services);
  add_intake_routes(router, services);
  add_person_routes(router, services);
  add_deletion_routes(router, services);
}

}  // namespace telltale::api
