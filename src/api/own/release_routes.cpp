// Releases: which there are, how they do, and what a build says of them (commits, deploys).
#include <algorithm>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/json_body.ipp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"
#include "base/health_limits.hpp"
#include "errors/commit_resolution.hpp"
#include "errors/releases.hpp"
#include "health/release_views.hpp"

namespace telltale::api {
namespace {

void write_time(JsonWriter& w, std::string_view name, const std::optional<UnixNanos>& time);

}  // namespace

void write_commit(JsonWriter& w, const storage::Commit& c) {
  w.begin_object().field("id", c.sha).field("message", c.message).field("author_name", c.author_name);
  w.field("author_email", c.author_email).field("repository", c.repository);
  write_time(w, "timestamp", c.time);
  w.key("files").begin_array();
  for (const auto& file : c.files)
    w.begin_object().field("path", file.path).field("type", std::string(1, file.type)).end_object();
  w.end_array().end_object();
}

namespace {

using accounts::Scope;
using storage::Release;

constexpr std::size_t kMaxReleaseTextBytes = 1024;
constexpr std::size_t kMaxCommitMessageBytes = 8 * 1024;
constexpr std::size_t kMaxHealthPoints = 2000;
constexpr std::size_t kOlderReleases = 100;  // looked through for the one before

void write_time(JsonWriter& w, std::string_view name, const std::optional<UnixNanos>& time) {
  w.key(name);
  if (time) {
    w.string(format_rfc3339(*time));
  } else {
    w.null();
  }
}

void write_share(JsonWriter& w, std::string_view name, const std::optional<double>& share) {
  w.key(name);
  if (share) {
    w.number(*share);
  } else {
    w.null();
  }
}

void write_summary(JsonWriter& w, const health::HealthSummary& s) {
  w.key("sessions").begin_object().field("started", s.counts.started).field("exited", s.counts.exited);
  w.field("errored", s.counts.errored).field("abnormal", s.counts.abnormal);
  w.field("crashed", s.counts.crashed).end_object();
  w.field("users", s.users).field("crashed_users", s.crashed_users);
  write_share(w, "crash_free_sessions", s.crash_free_sessions());
  write_share(w, "crash_free_users", s.crash_free_users());
}

void write_health(JsonWriter& w, const health::ProjectHealth& health, const std::string& version) {
  const auto found = health.releases.find(version);
  w.key("health").begin_object();
  write_summary(w, found == health.releases.end() ? health::HealthSummary() : found->second);
  write_share(w, "adoption", health.adoption(version));
  write_share(w, "user_adoption", health.user_adoption(version));
  w.end_object();
}

void write_release_members(JsonWriter& w, const Release& r) {
  w.field("project", std::uint64_t{r.project.value}).field("version", r.version);
  w.field("created", format_rfc3339(r.created));
  write_time(w, "released", r.released);
  write_time(w, "first_seen", r.first_seen);
  write_time(w, "last_seen", r.last_seen);
  w.field("ref", r.ref).field("url", r.url).field("new_issues", r.new_issues);
  w.field("regressed_issues", r.regressed_issues).field("commit_count", r.commits);
  w.field("deploy_count", r.deploys);
}

void write_deploy(JsonWriter& w, const storage::Deploy& d) {
  w.begin_object().field("id", d.id).field("environment", d.environment).field("name", d.name);
  w.field("url", d.url);
  write_time(w, "started", d.started);
  w.field("finished", format_rfc3339(d.finished)).end_object();
}

/// Sessions of the asked time (the last 24 hours unless said) by project and release.
Result<std::map<ProjectId, health::ProjectHealth>> health_of(const Services& services,
                                                             const net::HttpRequest& request,
                                                             const std::vector<ProjectId>& projects) {
  storage::SessionQuery query;
  query.projects = projects;
  query.environment = std::string(request.param("environment").value_or(""));
  query.with_users = true;
  TT_ASSIGN(query.hours, range_params(request));
  if (query.hours.from.ns == INT64_MIN) query.hours.from = services.clock.now() - std::chrono::hours(24);
  TT_ASSIGN(const auto hours, services.release_health->hours(query));
  return health::health_by_release(hours);
}

struct ReleaseList {
  std::vector<Release> releases;
  std::map<ProjectId, health::ProjectHealth> health;
  std::uint64_t total = 0;
};

Result<ReleaseList> list_releases(const Services& services, const net::HttpRequest& request) {
  storage::ReleaseQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.offset, number_param(request, "offset", 0, 0, 1'000'000));
  query.text = std::string(request.param("query").value_or(""));
  query.environment = std::string(request.param("environment").value_or(""));
  ReleaseList out;
  TT_ASSIGN(out.releases, services.records.releases().list(query));
  TT_ASSIGN(out.total, services.records.releases().count(query));
  TT_ASSIGN(out.health, health_of(services, request, query.projects));
  return out;
}

void write_releases(JsonWriter& w, const ReleaseList& list) {
  w.key("releases").begin_array();
  for (const auto& release : list.releases) {
    w.begin_object();
    write_release_members(w, release);
    const auto health = list.health.find(release.project);
    write_health(w, health == list.health.end() ? health::ProjectHealth() : health->second, release.version);
    w.end_object();
  }
  w.end_array().field("total", list.total);
}

/// The release of the path's {version} in the first project of the caller's that has it.
Result<Release> release_of(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto projects, query_projects(services, request, scope));
  const std::string& version = request.path_params.find("version")->second;
  for (const ProjectId project : projects) {
    auto found = services.records.releases().get(project, version);
    if (found || found.error().kind() != ErrorKind::not_found) return found;
  }
  return fail(ErrorKind::not_found, "release " + version + ": not found");
}

struct ReleaseView {
  Release release;
  std::map<ProjectId, health::ProjectHealth> health;
  std::string previous;  // empty: none is known
  std::vector<storage::Deploy> deploys;
};

/// The newest of those that are older, by their versions, else by when they came.
Result<std::string> release_before(const Services& services, const Release& release) {
  storage::ReleaseQuery query;
  query.projects = {release.project};
  query.limit = kOlderReleases;
  TT_ASSIGN(const auto all, services.records.releases().list(query));
  const auto came = [](const Release& r) { return r.released.value_or(r.created); };
  const Release* best = nullptr;
  for (const auto& other : all) {
    if (other.version == release.version) continue;
    const auto order = errors::compare_releases(other.version, release.version);
    if (order ? *order >= 0 : came(other) >= came(release)) continue;
    if (best == nullptr) {
      best = &other;
      continue;
    }
    const auto newer = errors::compare_releases(other.version, best->version);
    if (newer ? *newer > 0 : came(other) > came(*best)) best = &other;
  }
  return best == nullptr ? std::string() : best->version;
}

Result<ReleaseView> view_release(const Services& services, const net::HttpRequest& request,
                                 Result<Release> release) {
  ReleaseView out;
  TT_ASSIGN(out.release, std::move(release));
  TT_ASSIGN(out.health, health_of(services, request, {out.release.project}));
  TT_ASSIGN(out.previous, release_before(services, out.release));
  TT_ASSIGN(out.deploys, services.records.releases().deploys(out.release.id));
  return out;
}

void write_release_view(JsonWriter& w, const ReleaseView& view) {
  w.key("release").begin_object();
  write_release_members(w, view.release);
  const auto health = view.health.find(view.release.project);
  write_health(w, health == view.health.end() ? health::ProjectHealth() : health->second,
               view.release.version);
  w.field("previous", view.previous).key("deploys").begin_array();
  for (const auto& deploy : view.deploys) write_deploy(w, deploy);
  w.end_array().end_object();
}

Result<std::vector<storage::Commit>> read_commits(std::vector<JsonMembers>& list) {
  std::vector<storage::Commit> out;
  for (auto& item : list) {
    storage::Commit commit;
    TT_ASSIGN(const auto sha, item.text("id", 64));
    if (!sha || sha->empty()) return fail(ErrorKind::invalid_argument, "commits: id: missing");
    commit.sha = *sha;
    for (const auto& [name, into, most] : {std::tuple{"message", &commit.message, kMaxCommitMessageBytes},
                                           {"author_name", &commit.author_name, kMaxReleaseTextBytes},
                                           {"author_email", &commit.author_email, kMaxReleaseTextBytes},
                                           {"repository", &commit.repository, kMaxReleaseTextBytes}}) {
      TT_ASSIGN(auto text, item.text(name, most));
      if (text) *into = *std::move(text);
    }
    TT_ASSIGN(commit.time, item.time("timestamp"));
    TT_ASSIGN(auto files, item.objects("files", limits::kMaxCommitFiles));
    if (files) {
      for (auto& file : *files) {
        TT_ASSIGN(const auto path, file.text("path", kMaxReleaseTextBytes));
        TT_ASSIGN(const auto type, file.text("type", 1));
        const char letter = type && !type->empty() ? type->front() : 'M';
        if (!path || path->empty() || path->find('\n') != std::string::npos)
          return fail(ErrorKind::invalid_argument, "commits: files: path: missing, or of several lines");
        if (letter != 'A' && letter != 'M' && letter != 'D')
          return fail(ErrorKind::invalid_argument, "commits: files: type: A, M or D");
        TT_TRY(file.finish());
        commit.files.push_back({*path, letter});
      }
    }
    TT_TRY(item.finish());
    out.push_back(std::move(commit));
  }
  return out;
}

/// What a body may say of a release; `commits` when it says them.
Result<std::optional<std::vector<storage::Commit>>> read_release(JsonMembers& body, Release& release) {
  if (body.has("released")) {
    TT_ASSIGN(release.released, body.time("released"));
  }
  TT_ASSIGN(const auto ref, body.text("ref", kMaxReleaseTextBytes));
  TT_ASSIGN(const auto url, body.text("url", kMaxReleaseTextBytes));
  if (ref) release.ref = *ref;
  if (url) {
    if (!url->empty() && !url->starts_with("https://") && !url->starts_with("http://"))
      return fail(ErrorKind::invalid_argument, "url: begins with http:// or https://");
    release.url = *url;
  }
  TT_ASSIGN(auto list, body.objects("commits", limits::kMaxCommits));
  if (!list) return std::optional<std::vector<storage::Commit>>();
  TT_ASSIGN(auto commits, read_commits(*list));
  return std::optional(std::move(commits));
}

Result<Release> make_release(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto asked, project_body(services, request, Scope::write));
  TT_ASSIGN(auto body, JsonBody::parse(asked.rest));
  Release release;
  TT_ASSIGN(const auto version, body.members().text("version", limits::kMaxReleaseBytes));
  if (!version || version->empty()) return fail(ErrorKind::invalid_argument, "version: missing");
  release.version = *version;
  release.created = services.clock.now();
  TT_ASSIGN(const auto commits, read_release(body.members(), release));
  TT_TRY(body.members().finish());
  release.project = asked.project;
  auto done = services.records.transaction([&]() -> Result<> {
    // One that events made already gets what the body says.
    auto known = services.records.releases().get(asked.project, release.version);
    if (known) {
      release.id = known->id;
      TT_TRY(services.records.releases().update(release));
    } else {
      TT_ASSIGN(release.id, services.records.releases().add(release));
    }
    return commits ? errors::set_release_commits(services.records, services.clock, release, *commits)
                   : Result<>();
  });
  TT_TRY(std::move(done));
  return services.records.releases().get(asked.project, release.version);
}

Result<Release> change_release(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto release, release_of(services, request, Scope::write));
  TT_ASSIGN(auto body, JsonBody::parse(request.body));
  TT_ASSIGN(const auto commits, read_release(body.members(), release));
  TT_TRY(body.members().finish());
  auto done = services.records.transaction([&]() -> Result<> {
    TT_TRY(services.records.releases().update(release));
    return commits ? errors::set_release_commits(services.records, services.clock, release, *commits)
                   : Result<>();
  });
  TT_TRY(std::move(done));
  return services.records.releases().get(release.project, release.version);
}

Result<storage::Deploy> make_deploy(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto release, release_of(services, request, Scope::write));
  TT_ASSIGN(auto body, JsonBody::parse(request.body));
  auto& members = body.members();
  storage::Deploy deploy;
  deploy.release = release.id;
  TT_ASSIGN(const auto environment, members.text("environment", limits::kMaxEnvironmentBytes));
  if (!environment || environment->empty()) return fail(ErrorKind::invalid_argument, "environment: missing");
  TT_ASSIGN(const auto name, members.text("name", kMaxReleaseTextBytes));
  TT_ASSIGN(const auto url, members.text("url", kMaxReleaseTextBytes));
  TT_ASSIGN(deploy.started, members.time("started"));
  TT_ASSIGN(const auto finished, members.time("finished"));
  TT_TRY(members.finish());
  if (url && !url->empty() && !url->starts_with("https://") && !url->starts_with("http://"))
    return fail(ErrorKind::invalid_argument, "url: begins with http:// or https://");
  deploy.environment = *environment;
  deploy.name = name.value_or("");
  deploy.url = url.value_or("");
  deploy.finished = finished.value_or(services.clock.now());
  if (release.deploys >= limits::kMaxDeploys)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("there are {} deploys of this release (kMaxDeploys)", release.deploys));
  TT_ASSIGN(deploy.id, services.records.releases().add_deploy(deploy));
  return deploy;
}

struct HealthSeries {
  std::vector<health::HealthPoint> points;
  std::vector<std::string> environments;
};

Result<HealthSeries> health_series(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto release, release_of(services, request, Scope::read));
  storage::SessionQuery query;
  query.projects = {release.project};
  query.release = release.version;
  query.environment = std::string(request.param("environment").value_or(""));
  query.with_users = true;
  TT_ASSIGN(query.hours, range_params(request));
  const UnixNanos now = services.clock.now();
  if (query.hours.to.ns == INT64_MAX) query.hours.to = now;
  if (query.hours.from.ns == INT64_MIN) query.hours.from = query.hours.to - std::chrono::hours(24);
  TT_ASSIGN(const auto step_s, number_param(request, "step", 3600, 3600, 86'400 * 7));
  const Nanos step = std::chrono::seconds(step_s);
  if (query.hours.from >= query.hours.to ||
      (query.hours.to - query.hours.from) / step > static_cast<std::int64_t>(kMaxHealthPoints))
    return fail(ErrorKind::invalid_argument,
                fmt::format("start, end and step: 1 to {} points", kMaxHealthPoints));
  // An hour that has begun before the range belongs to it.
  query.hours.from = query.hours.from - Nanos(query.hours.from.ns % Nanos(std::chrono::hours(1)).count());
  TT_ASSIGN(const auto hours, services.release_health->hours(query));
  HealthSeries out;
  TT_ASSIGN(out.points, health::health_over_time(hours, query.hours, step));
  for (const auto& hour : hours) {
    if (std::find(out.environments.begin(), out.environments.end(), hour.environment) ==
        out.environments.end())
      out.environments.push_back(hour.environment);
  }
  std::sort(out.environments.begin(), out.environments.end());
  return out;
}

void write_health_series(JsonWriter& w, const HealthSeries& series) {
  w.key("points").begin_array();
  for (const auto& point : series.points) {
    w.begin_object().field("time", format_rfc3339(point.time));
    write_summary(w, point.summary);
    w.end_object();
  }
  w.end_array().key("environments").begin_array();
  for (const auto& name : series.environments) w.string(name);
  w.end_array();
}

struct Comparison {
  ReleaseView release;
  ReleaseView with;
  std::optional<std::strong_ordering> order;
};

Result<Comparison> compare(const Services& services, const net::HttpRequest& request) {
  Comparison out;
  TT_ASSIGN(out.release, view_release(services, request, release_of(services, request, Scope::read)));
  const std::string with(request.param("with").value_or(""));
  if (with.empty()) return fail(ErrorKind::invalid_argument, "with: missing");
  TT_ASSIGN(out.with, view_release(services, request,
                                   services.records.releases().get(out.release.release.project, with)));
  out.order = errors::compare_releases(out.release.release.version, with);
  return out;
}

void write_comparison(JsonWriter& w, const Comparison& c) {
  write_release_view(w, c.release);
  w.key("with").begin_object();
  write_release_view(w, c.with);
  w.end_object().key("order");
  if (!c.order) {
    w.null();
  } else {
    w.string(*c.order < 0 ? "older" : *c.order > 0 ? "newer" : "equal");
  }
}

net::HttpResponse one_release(const Services& services, const net::HttpRequest& request,
                              Result<Release> release, int status) {
  const auto view = view_release(services, request, std::move(release));
  if (!view) return error_response(view.error());
  JsonWriter w;
  w.begin_object();
  write_release_view(w, *view);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

}  // namespace

void add_release_routes(net::Router& router, const Services& services) {
  if (services.release_health == nullptr) return;
  const std::string all = "/api/telltale/v1/releases";
  const std::string one = all + "/{version}";
  const auto options = query_route(services);
  router.add(
      "GET", all,
      [&services](const net::HttpRequest& r, WorkContext&) {
        return answer<ReleaseList>(list_releases(services, r), write_releases);
      },
      options);
  router.add("POST", all, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_release(services, r, make_release(services, r), 201);
  });
  router.add("GET", one, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_release(services, r, release_of(services, r, Scope::read), 200);
  });
  router.add("PUT", one, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_release(services, r, change_release(services, r), 200);
  });
  router.add("DELETE", one, [&services](const net::HttpRequest& r, WorkContext&) {
    const auto release = release_of(services, r, Scope::write);
    if (!release) return error_response(release.error());
    const auto done = services.records.releases().remove(release->id);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
  router.add(
      "GET", one + "/health",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return answer<HealthSeries>(health_series(services, r), write_health_series);
      },
      options);
  router.add("GET", one + "/comparison", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<Comparison>(compare(services, r), write_comparison);
  });
  router.add("GET", one + "/commits", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto release = release_of(services, r, Scope::read);
    if (!release) return error_response(release.error());
    return answer<std::vector<storage::Commit>>(services.records.releases().commits(release->id),
                                                [](JsonWriter& w, const auto& commits) {
                                                  w.key("commits").begin_array();
                                                  for (const auto& commit : commits) write_commit(w, commit);
                                                  w.end_array();
                                                });
  });
  router.add("POST", one + "/deploys", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto deploy = make_deploy(services, r);
    if (!deploy) return error_response(deploy.error());
    JsonWriter w;
    w.begin_object().key("deploy");
    write_deploy(w, *deploy);
    w.end_object();
    return net::HttpResponse::json(w.take(), 201);
  });
}

}  // namespace telltale::api
