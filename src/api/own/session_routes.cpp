// Signing in and out, one's own sessions and password, and the users.
#include <charconv>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/body.hpp"
#include "api/sign_in.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

Result<std::int64_t> path_number(const net::HttpRequest& request, std::string_view what) {
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem == std::errc() && end == text.data() + text.size()) return id;
  return fail(ErrorKind::not_found, std::string(what) + " " + text + ": not found");
}

void write_me(JsonWriter& w, const storage::User& user) {
  w.key("user").begin_object().field("id", user.id).field("email", user.email).field("name", user.name);
  w.field("role", to_string(user.role)).end_object();
}

void write_user(JsonWriter& w, const storage::User& user) {
  w.begin_object().field("id", user.id).field("email", user.email).field("name", user.name);
  w.field("role", to_string(user.role)).field("disabled", user.disabled);
  w.field("created", format_rfc3339(user.created));
  if (user.last_login) w.field("last_login", format_rfc3339(*user.last_login));
  w.end_object();
}

net::HttpResponse done_or_error(const Result<>& done) {
  return done ? net::HttpResponse::empty(204) : error_response(done.error());
}

/// A failed sign-in says how long to wait.
net::HttpResponse sign_in_error(const Error& error) {
  auto response = error_response(error);
  for (auto& [name, value] : response.headers) {
    if (name != "Retry-After") continue;
    value = std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(accounts::Sessions::retry_after()).count());
  }
  return response;
}

net::HttpResponse signed_in(const Services& services, const net::HttpRequest& request,
                            const Result<accounts::SignedIn>& made) {
  if (!made) return sign_in_error(made.error());
  JsonWriter w;
  w.begin_object();
  write_me(w, made->user);
  w.field("expires", format_rfc3339(made->session.expires)).end_object();
  auto response = net::HttpResponse::json(w.take());
  const Nanos lasts(made->session.expires.ns - made->session.created.ns);
  response.headers.emplace_back("Set-Cookie", session_cookie(services, request, made->token, lasts));
  return response;
}

net::HttpResponse signed_out(const Services& services, const net::HttpRequest& request,
                             const Result<>& done) {
  auto response = done_or_error(done);
  if (done) response.headers.emplace_back("Set-Cookie", session_cookie(services, request, "", Nanos{0}));
  return response;
}

Result<accounts::SignedIn> log_in(const Services& services, const net::HttpRequest& request) {
  TT_TRY(require_own_origin(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"email", "password"}));
  TT_ASSIGN(const auto email, body.text("email"));
  TT_ASSIGN(const auto password, body.text("password"));
  TT_ASSIGN(auto made, services.sessions.login(email, password, caller_of(request)));
  // A browser that signs in again leaves its old session behind.
  if (const auto old = session_token(services, request)) {
    const auto before = services.sessions.authenticate(*old);
    if (before) (void)services.sessions.logout(*before, caller_of(request));
  }
  return made;
}

Result<accounts::SignedIn> set_up(const Services& services, const net::HttpRequest& request) {
  TT_TRY(require_own_origin(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"setup_token", "email", "name", "password"}));
  accounts::NewUser admin;
  TT_ASSIGN(const auto token, body.text("setup_token"));
  TT_ASSIGN(admin.email, body.text("email"));
  TT_ASSIGN(admin.name, body.text("name"));
  TT_ASSIGN(admin.password, body.text("password"));
  return services.sessions.set_up(token, admin, caller_of(request));
}

net::HttpResponse current_session(const Services& services, const net::HttpRequest& request) {
  auto session = session_json(services, request);
  if (session) return net::HttpResponse::json(*std::move(session));
  const Error& error = session.error();
  if (error.kind() != ErrorKind::unauthenticated) return error_response(error);
  JsonWriter w;
  w.begin_object().key("error").begin_object().field("kind", to_string(error.kind()));
  w.field("message", error.message()).end_object();
  w.field("setup_needed", services.accounts.setup_needed()).end_object();
  auto response = net::HttpResponse::json(w.take(), 401);
  add_error_headers(response);
  return response;
}

Result<> change_password(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_session(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"current", "new"}));
  TT_ASSIGN(const auto current, body.text("current"));
  TT_ASSIGN(const auto wanted, body.text("new"));
  return services.sessions.change_password(who, current, wanted, caller_of(request));
}

net::HttpResponse list_sessions(const Services& services, const net::HttpRequest& request) {
  const auto who = authorise_session(services, request);
  if (!who) return error_response(who.error());
  using List = std::vector<storage::Session>;
  return answer<List>(services.sessions.list(who->user), [&](JsonWriter& w, const List& sessions) {
    w.key("sessions").begin_array();
    for (const auto& session : sessions) {
      w.begin_object().field("id", session.id).field("created", format_rfc3339(session.created));
      w.field("last_seen", format_rfc3339(session.last_seen))
          .field("expires", format_rfc3339(session.expires));
      w.field("address", session.address).field("user_agent", session.user_agent);
      w.field("current", session.id == who->session).end_object();
    }
    w.end_array();
  });
}

template <class Work>
Result<> with_session(const Services& services, const net::HttpRequest& request, Work work) {
  TT_ASSIGN(const auto who, authorise_session(services, request));
  return work(who);
}

Result<storage::Role> user_role(std::string_view name) {
  const auto role = storage::role_from(name);
  if (role && *role != storage::Role::ingest) return *role;
  return fail(ErrorKind::invalid_argument, "role: viewer, editor or admin");
}

Result<storage::User> create_user(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_server_admin(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"email", "name", "role", "password"}));
  accounts::NewUser wanted;
  TT_ASSIGN(wanted.email, body.text("email"));
  TT_ASSIGN(wanted.name, body.text("name"));
  TT_ASSIGN(const auto role, body.text("role"));
  TT_ASSIGN(wanted.role, user_role(role));
  TT_ASSIGN(wanted.password, body.text("password"));
  return services.sessions.create_user(wanted, who, caller_of(request));
}

Result<storage::User> update_user(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_server_admin(services, request));
  TT_ASSIGN(const auto id, path_number(request, "user"));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"name", "role", "disabled", "password"}));
  accounts::UserChange change;
  TT_ASSIGN(change.name, body.maybe_text("name"));
  TT_ASSIGN(const auto role, body.maybe_text("role"));
  if (role) {
    TT_ASSIGN(change.role, user_role(*role));
  }
  TT_ASSIGN(change.disabled, body.maybe_boolean("disabled"));
  TT_ASSIGN(change.password, body.maybe_text("password"));
  return services.sessions.update_user(id, change, who, caller_of(request));
}

Result<> remove_user(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_server_admin(services, request));
  TT_ASSIGN(const auto id, path_number(request, "user"));
  TT_TRY(services.sessions.remove_user(id, who, caller_of(request)));
  return remove_saved_searches_of(services, id);
}

net::HttpResponse list_users(const Services& services, const net::HttpRequest& request) {
  const auto who = authorise_server_admin(services, request);
  if (!who) return error_response(who.error());
  using List = std::vector<storage::User>;
  return answer<List>(services.sessions.users(), [](JsonWriter& w, const List& users) {
    w.key("users").begin_array();
    for (const auto& user : users) write_user(w, user);
    w.end_array();
  });
}

net::HttpResponse user_answer(const Result<storage::User>& user, int status) {
  if (!user) return error_response(user.error());
  JsonWriter w;
  w.begin_object().key("user");
  write_user(w, *user);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

void add_user_routes(net::Router& router, const Services& services) {
  router.add("GET", "/api/telltale/v1/users",
             [&services](const net::HttpRequest& r, WorkContext&) { return list_users(services, r); });
  router.add(
      "POST", "/api/telltale/v1/users",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return user_answer(create_user(services, r), 201);
      },
      account_route());
  router.add(
      "PUT", "/api/telltale/v1/users/{id}",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return user_answer(update_user(services, r), 200);
      },
      account_route());
  router.add("DELETE", "/api/telltale/v1/users/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    return done_or_error(remove_user(services, r));
  });
}

}  // namespace

Result<std::string> session_json(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise(services, request, Scope::read));
  storage::User user;
  if (who.user != 0) {
    TT_ASSIGN(user, services.sessions.user(who.user));
  } else {
    user.name = who.name;
    user.role = who.role;
  }
  const bool local = request.remote_address.starts_with("127.") || request.remote_address == "::1";
  JsonWriter w;
  w.begin_object();
  write_me(w, user);
  w.field("csrf_header", "X-Telltale").field("insecure", !request.tls && !local);
  w.field("setup_needed", services.accounts.setup_needed()).end_object();
  return w.take();
}

void add_session_routes(net::Router& router, const Services& services) {
  const auto add = [&](const char* methods, const char* path, auto handler) {
    router.add(
        methods, path,
        [&services, handler](const net::HttpRequest& r, WorkContext&) { return handler(services, r); },
        account_route());
  };
  using S = const Services&;
  using R = const net::HttpRequest&;
  add("POST", "/api/telltale/v1/auth/login", [](S s, R r) { return signed_in(s, r, log_in(s, r)); });
  add("POST", "/api/telltale/v1/auth/setup", [](S s, R r) { return signed_in(s, r, set_up(s, r)); });
  add("POST", "/api/telltale/v1/auth/logout", [](S s, R r) {
    return signed_out(
        s, r, with_session(s, r, [&](const auto& who) { return s.sessions.logout(who, caller_of(r)); }));
  });
  add("POST", "/api/telltale/v1/auth/logout-everywhere", [](S s, R r) {
    return signed_out(s, r, with_session(s, r, [&](const auto& who) {
                        return s.sessions.logout_everywhere(who, caller_of(r));
                      }));
  });
  add("GET", "/api/telltale/v1/auth/session", [](S s, R r) { return current_session(s, r); });
  add("POST", "/api/telltale/v1/auth/password", [](S s, R r) {
    const auto done = change_password(s, r);
    return done ? net::HttpResponse::empty(204) : sign_in_error(done.error());
  });
  add("GET", "/api/telltale/v1/auth/sessions", [](S s, R r) { return list_sessions(s, r); });
  add("DELETE", "/api/telltale/v1/auth/sessions/{id}", [](S s, R r) {
    return done_or_error(with_session(s, r, [&](const auto& who) -> Result<> {
      TT_ASSIGN(const auto id, path_number(r, "session"));
      return s.sessions.end(who, id, caller_of(r));
    }));
  });
  add_user_routes(router, services);
}

}  // namespace telltale::api
