#include "api/own/account_routes.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/answer.hpp"
#include "base/json.hpp"

namespace telltale::api {
namespace {

void write_token(JsonWriter& w, const storage::ApiToken& token) {
  w.begin_object().field("id", token.id).field("name", token.name).field("role", to_string(token.role));
  if (token.project.value != 0) w.field("project", std::uint64_t{token.project.value});
  w.field("created", format_rfc3339(token.created));
  if (token.expires) w.field("expires", format_rfc3339(*token.expires));
  if (token.last_used) w.field("last_used", format_rfc3339(*token.last_used));
  w.end_object();
}

net::HttpResponse created_response(const accounts::CreatedToken& created) {
  JsonWriter w;
  w.begin_object().key("token");
  write_token(w, created.token);
  w.field("secret", created.secret).end_object();
  auto response = net::HttpResponse::json(w.take(), 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// Documents of these routes: flat, of few known fields.
Result<simdjson::dom::object> body_object(simdjson::dom::parser& parser, const net::HttpRequest& request) {
  simdjson::dom::object body;
  if (parser.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  return body;
}

Result<std::string> text_member(std::string_view name, simdjson::dom::element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: not a string", name));
  }
  return std::string(text);
}

Result<ProjectId> project_member(simdjson::dom::element value) {
  std::uint64_t id = 0;
  if (value.get(id) != simdjson::SUCCESS || id == 0 || id > UINT32_MAX) {
    return fail(ErrorKind::invalid_argument, "project: not a project id");
  }
  return ProjectId{static_cast<std::uint32_t>(id)};
}

Result<accounts::NewToken> token_body(const net::HttpRequest& request) {
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, body_object(parser, request));
  accounts::NewToken wanted;
  bool has_role = false;
  for (const auto field : body) {
    if (field.key == "name") {
      TT_ASSIGN(wanted.name, text_member(field.key, field.value));
    } else if (field.key == "role") {
      TT_ASSIGN(const auto name, text_member(field.key, field.value));
      const auto role = storage::role_from(name);
      if (!role) return fail(ErrorKind::invalid_argument, "role: ingest, viewer, editor or admin");
      wanted.role = *role;
      has_role = true;
    } else if (field.key == "project") {
      TT_ASSIGN(wanted.project, project_member(field.value));
    } else if (field.key == "expires") {
      TT_ASSIGN(const auto text, text_member(field.key, field.value));
      TT_ASSIGN(wanted.expires, parse_time_param("expires", text));
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
    }
  }
  if (!has_role) return fail(ErrorKind::invalid_argument, "role: missing");
  return wanted;
}

// An admin of one project sees, makes and revokes tokens of that project only.
Result<accounts::CreatedToken> create_token(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::admin));
  TT_ASSIGN(auto wanted, token_body(request));
  if (wanted.project.value == 0) wanted.project = principal.project;
  if (wanted.project.value != 0) TT_TRY(principal.require(accounts::Scope::admin, wanted.project));
  return services.accounts.create_token(wanted);
}

Result<std::vector<storage::ApiToken>> list_tokens(const Services& services,
                                                   const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::admin));
  TT_ASSIGN(auto tokens, services.accounts.tokens());
  if (principal.project.value != 0) {
    std::erase_if(tokens, [&](const auto& token) { return token.project != principal.project; });
  }
  return tokens;
}

Result<> revoke_token(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto tokens, list_tokens(services, request));
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool known =
      problem == std::errc() && end == text.data() + text.size() &&
      std::any_of(tokens.begin(), tokens.end(), [id](const auto& token) { return token.id == id; });
  if (!known) return fail(ErrorKind::not_found, "token " + text + ": not found");
  return services.accounts.revoke_token(id);
}

Result<accounts::CreatedToken> redeem_setup(const Services& services, const net::HttpRequest& request) {
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, body_object(parser, request));
  simdjson::dom::element member;
  if (body["setup_token"].get(member) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "setup_token: missing");
  }
  TT_ASSIGN(const auto secret, text_member("setup_token", member));
  return services.accounts.redeem_setup_token(secret, request.remote_address);
}

}  // namespace

void add_account_routes(net::Router& router, const Services& services) {
  router.add(
      "POST", "/api/telltale/v1/setup",
      [&services](const net::HttpRequest& r, WorkContext&) {
        const auto created = redeem_setup(services, r);
        return created ? created_response(*created) : error_response(created.error());
      },
      account_route());
  router.add("GET", "/api/telltale/v1/tokens", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto tokens = list_tokens(services, r);
    if (!tokens) return error_response(tokens.error());
    JsonWriter w;
    w.begin_object().key("tokens").begin_array();
    for (const auto& token : *tokens) write_token(w, token);
    w.end_array().end_object();
    return net::HttpResponse::json(w.take());
  });
  router.add(
      "POST", "/api/telltale/v1/tokens",
      [&services](const net::HttpRequest& r, WorkContext&) {
        const auto created = create_token(services, r);
        return created ? created_response(*created) : error_response(created.error());
      },
      account_route());
  router.add("DELETE", "/api/telltale/v1/tokens/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto done = revoke_token(services, r);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
}

}  // namespace telltale::api
