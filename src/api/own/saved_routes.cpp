// Searches that people keep: a name for what an address of the UI shows. One's own, or shared with everybody
// who may read the project it is for. Records among the settings, `saved-search/` and a rising number each.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/body.hpp"
#include "api/sign_in.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

constexpr std::size_t kMaxSavedNameBytes = 120;
constexpr std::size_t kMaxSavedParamBytes = 8 * 1024;
constexpr std::size_t kMaxSavedPerUser = 200;
constexpr std::string_view kSavedPrefix = "saved-search/";
constexpr std::string_view kSavedPages[] = {"/issues", "/logs", "/traces", "/metrics"};

struct SavedSearch {
  std::int64_t id = 0;
  std::string name;
  std::string page;
  std::string params;         // of the address, without the question mark
  std::uint32_t project = 0;  // 0: not of one project
  bool shared = false;
  std::int64_t owner = 0;
  std::string owner_name;
  UnixNanos created;
};

std::string saved_key(std::int64_t id) { return fmt::format("{}{:012}", kSavedPrefix, id); }

std::string encode_saved(const SavedSearch& s) {
  return fmt::format("name={}&page={}&params={}&project={}&shared={}&owner={}&owner_name={}&created={}",
                     net::percent_encode(s.name), net::percent_encode(s.page), net::percent_encode(s.params),
                     s.project, s.shared ? 1 : 0, s.owner, net::percent_encode(s.owner_name), s.created.ns);
}

template <class Number>
void read_saved_number(std::string_view text, Number& into) {
  (void)std::from_chars(text.data(), text.data() + text.size(), into);
}

SavedSearch decode_saved(const storage::Setting& setting) {
  SavedSearch s;
  read_saved_number(std::string_view(setting.key).substr(kSavedPrefix.size()), s.id);
  const auto fields = net::parse_query(setting.value);
  const auto field = [&fields](std::string_view name) -> std::string {
    for (const auto& [known, value] : fields)
      if (known == name) return value;
    return {};
  };
  s.name = field("name");
  s.page = field("page");
  s.params = field("params");
  s.owner_name = field("owner_name");
  s.shared = field("shared") == "1";
  read_saved_number(field("project"), s.project);
  read_saved_number(field("owner"), s.owner);
  read_saved_number(field("created"), s.created.ns);
  return s;
}

Result<std::vector<SavedSearch>> all_saved(const Services& services) {
  TT_ASSIGN(const auto settings, services.records.settings().list(kSavedPrefix));
  std::vector<SavedSearch> out;
  out.reserve(settings.size());
  for (const auto& setting : settings) out.push_back(decode_saved(setting));
  return out;
}

bool may_see(const accounts::Principal& who, const SavedSearch& s) {
  if (s.owner == who.user) return true;
  return s.shared && (s.project == 0 || who.require(Scope::read, ProjectId{s.project}).has_value());
}

void write_saved(JsonWriter& w, const SavedSearch& s, const accounts::Principal& who) {
  w.begin_object().field("id", s.id).field("name", s.name).field("page", s.page).field("params", s.params);
  w.key("project");
  if (s.project == 0) {
    w.null();
  } else {
    w.unsigned_integer(s.project);
  }
  w.field("shared", s.shared).field("owner", s.owner_name).field("mine", s.owner == who.user);
  w.field("created", format_rfc3339(s.created)).end_object();
}

Result<> check_saved(const accounts::Principal& who, const SavedSearch& s) {
  if (s.name.empty() || s.name.size() > kMaxSavedNameBytes) {
    return fail(ErrorKind::invalid_argument, fmt::format("name: 1 to {} bytes", kMaxSavedNameBytes));
  }
  if (std::find(std::begin(kSavedPages), std::end(kSavedPages), s.page) == std::end(kSavedPages)) {
    return fail(ErrorKind::invalid_argument, fmt::format("page: one of {}", fmt::join(kSavedPages, ", ")));
  }
  if (s.params.size() > kMaxSavedParamBytes) {
    return fail(ErrorKind::invalid_argument, fmt::format("params: at most {} bytes", kMaxSavedParamBytes));
  }
  // What everybody sees in their menus is made by those who may change things.
  return s.shared ? who.require(Scope::write, ProjectId{s.project}) : Result<>();
}

/// The project that the search itself names.
std::uint32_t saved_project(const SavedSearch& s) {
  std::uint32_t project = 0;
  for (const auto& [name, value] : net::parse_query(s.params)) {
    if (name == "project") read_saved_number(value, project);
  }
  return project;
}

struct SavedAnswer {
  accounts::Principal who;
  std::vector<SavedSearch> searches;
};

Result<SavedAnswer> list_saved(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto who, authorise_session(services, request));
  TT_ASSIGN(auto searches, all_saved(services));
  std::erase_if(searches, [&who](const SavedSearch& s) { return !may_see(who, s); });
  return SavedAnswer{std::move(who), std::move(searches)};
}

Result<SavedAnswer> save_search(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto who, authorise_session(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"name", "page", "params", "shared"}));
  SavedSearch s;
  TT_ASSIGN(s.name, body.text("name"));
  TT_ASSIGN(s.page, body.text("page"));
  TT_ASSIGN(s.params, body.text("params"));
  TT_ASSIGN(const auto shared, body.maybe_boolean("shared"));
  TT_ASSIGN(const auto user, services.sessions.user(who.user));
  s.shared = shared.value_or(false);
  s.project = saved_project(s);
  s.owner = who.user;
  s.owner_name = user.name.empty() ? user.email : user.name;
  s.created = services.clock.now();
  TT_TRY(check_saved(who, s));
  auto done = services.records.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto known, all_saved(services));
    std::size_t own = 0;
    for (const auto& other : known) {
      own += other.owner == who.user ? 1 : 0;
      s.id = std::max(s.id, other.id);
    }
    if (own >= kMaxSavedPerUser) {
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("{} searches are saved already", kMaxSavedPerUser));
    }
    ++s.id;
    return services.records.settings().put(saved_key(s.id), encode_saved(s));
  });
  TT_TRY(std::move(done));
  return SavedAnswer{std::move(who), {std::move(s)}};
}

/// The search that the path names, when the caller may change it: their own, or a shared one of whoever
/// administers its project. not_found for what they may not even see.
Result<SavedSearch> changeable(const Services& services, const net::HttpRequest& request,
                               const accounts::Principal& who) {
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  read_saved_number(text, id);
  TT_ASSIGN(const auto value, services.records.settings().get(saved_key(id)));
  const auto missing = [&] { return fail(ErrorKind::not_found, "saved search " + text + ": not found"); };
  if (!value || std::to_string(id) != text) return missing();
  SavedSearch s = decode_saved({saved_key(id), *value});
  if (!may_see(who, s)) return missing();
  if (s.owner != who.user) TT_TRY(who.require(Scope::admin, ProjectId{s.project}));
  return s;
}

Result<SavedAnswer> change_saved(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto who, authorise_session(services, request));
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"name", "params", "shared"}));
  SavedSearch s;
  auto done = services.records.transaction([&]() -> Result<> {
    TT_ASSIGN(s, changeable(services, request, who));
    TT_ASSIGN(auto name, body.maybe_text("name"));
    TT_ASSIGN(auto params, body.maybe_text("params"));
    TT_ASSIGN(const auto shared, body.maybe_boolean("shared"));
    if (name) s.name = *std::move(name);
    if (params) s.params = *std::move(params);
    if (shared) s.shared = *shared;
    s.project = saved_project(s);
    TT_TRY(check_saved(who, s));
    return services.records.settings().put(saved_key(s.id), encode_saved(s));
  });
  TT_TRY(std::move(done));
  return SavedAnswer{std::move(who), {std::move(s)}};
}

Result<> remove_saved(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_session(services, request));
  TT_ASSIGN(const auto s, changeable(services, request, who));
  return services.records.settings().remove(saved_key(s.id));
}

net::HttpResponse one_saved(const Result<SavedAnswer>& found, int status) {
  if (!found) return error_response(found.error());
  JsonWriter w;
  w.begin_object().key("search");
  write_saved(w, found->searches.front(), found->who);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

}  // namespace

Result<> remove_saved_searches_of(const Services& services, std::int64_t user) {
  return services.records.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto known, all_saved(services));
    for (const auto& s : known) {
      if (s.owner == user && !s.shared) TT_TRY(services.records.settings().remove(saved_key(s.id)));
    }
    return {};
  });
}

void add_saved_routes(net::Router& router, const Services& services) {
  router.add("GET", "/api/telltale/v1/saved-searches", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<SavedAnswer>(list_saved(services, r), [](JsonWriter& w, const SavedAnswer& found) {
      w.key("searches").begin_array();
      for (const auto& s : found.searches) write_saved(w, s, found.who);
      w.end_array();
    });
  });
  router.add("POST", "/api/telltale/v1/saved-searches", [&services](const net::HttpRequest& r, WorkContext&) {
    return one_saved(save_search(services, r), 201);
  });
  router.add("PUT", "/api/telltale/v1/saved-searches/{id}",
             [&services](const net::HttpRequest& r, WorkContext&) {
               return one_saved(change_saved(services, r), 200);
             });
  router.add("DELETE", "/api/telltale/v1/saved-searches/{id}",
             [&services](const net::HttpRequest& r, WorkContext&) {
               const auto done = remove_saved(services, r);
               return done ? net::HttpResponse::empty(204) : error_response(done.error());
             });
}

}  // namespace telltale::api
