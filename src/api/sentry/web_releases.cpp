// Releases, as a build makes them with Sentry's command line. There a release belongs to an organization and
// has projects; here each project has its own, so that one of theirs is all of ours of that name.
#include <algorithm>

#include <fmt/format.h>

#include "api/own/json_body.ipp"
#include "api/sentry/web_api.hpp"
#include "base/health_limits.hpp"
#include "base/text.hpp"
#include "errors/commit_resolution.hpp"

namespace telltale::api::web_api {
namespace {

using accounts::Scope;
using storage::Project;
using storage::Release;

constexpr std::size_t kMaxMessageBytes = 8 * 1024;  // of a commit; the rest is cut off
constexpr std::size_t kMaxReadBytes = 1024 * 1024;  // of a text that is cut
constexpr std::size_t kMaxReadFiles = 1'000'000;    // of a commit; kMaxCommitFiles are kept
constexpr std::size_t kMaxProjects = 1'000;         // that a body names
constexpr std::string_view kArchivedIsNotKnown = "status: releases cannot be archived here";

/// One name, in one or several projects.
struct Named {
  std::string version;
  std::vector<Release> releases;  // not empty
  std::vector<Project> projects;  // theirs
};

struct ReleaseBody {
  Release release;  // released, ref, url
  bool says_released = false;
  std::optional<std::vector<std::string>> projects;
  std::optional<std::vector<storage::Commit>> commits;
};

std::string cut(std::optional<std::string> text, std::size_t bytes) {
  return text ? std::string(truncate_utf8(*text, bytes)) : std::string();
}

Result<storage::Commit> read_commit(JsonMembers& item) {
  storage::Commit commit;
  TT_ASSIGN(const auto sha, item.text("id", 64));
  if (!sha || sha->empty()) return fail(ErrorKind::invalid_argument, "commits: id: missing");
  commit.sha = *sha;
  for (const auto& [name, into, most] : {std::tuple{"message", &commit.message, kMaxMessageBytes},
                                         {"author_name", &commit.author_name, kMaxTextBytes},
                                         {"author_email", &commit.author_email, kMaxTextBytes},
                                         {"repository", &commit.repository, kMaxTextBytes}}) {
    TT_ASSIGN(auto text, item.text(name, kMaxReadBytes));
    *into = cut(std::move(text), most);
  }
  TT_ASSIGN(commit.time, item.time("timestamp"));
  TT_ASSIGN(auto files, item.objects("patch_set", kMaxReadFiles));
  if (!files) return commit;
  for (auto& file : *files) {
    if (commit.files.size() == limits::kMaxCommitFiles) break;
    TT_ASSIGN(const auto path, file.text("path", kMaxReadBytes));
    TT_ASSIGN(const auto type, file.text("type", 1));
    const char letter = type && !type->empty() ? type->front() : 'M';
    // Renames and the like changed the file, too.
    if (path && !path->empty() && path->size() <= kMaxTextBytes && path->find('\n') == std::string::npos)
      commit.files.push_back({*path, letter == 'A' || letter == 'D' ? letter : 'M'});
  }
  return commit;
}

/// A commit that is only named: of `refs`.
Result<storage::Commit> read_ref(JsonMembers& item) {
  storage::Commit commit;
  TT_ASSIGN(const auto sha, item.text("commit", 64));
  if (!sha || sha->empty()) return fail(ErrorKind::invalid_argument, "refs: commit: missing");
  commit.sha = *sha;
  TT_ASSIGN(auto repository, item.text("repository", kMaxReadBytes));
  commit.repository = cut(std::move(repository), kMaxTextBytes);
  return commit;
}

Result<ReleaseBody> read_body(JsonMembers& members) {
  ReleaseBody out;
  out.says_released = members.has("dateReleased");
  TT_ASSIGN(out.release.released, members.time("dateReleased"));
  TT_ASSIGN(auto ref, members.text("ref", kMaxTextBytes));
  TT_ASSIGN(auto url, members.text("url", kMaxTextBytes));
  out.release.ref = ref.value_or("");
  out.release.url = url.value_or("");
  if (!out.release.url.empty() && !out.release.url.starts_with("https://") &&
      !out.release.url.starts_with("http://"))
    return fail(ErrorKind::invalid_argument, "url: begins with http:// or https://");
  TT_ASSIGN(const auto status, members.text("status", kMaxTextBytes));
  if (status && *status != "open") return fail(ErrorKind::invalid_argument, std::string(kArchivedIsNotKnown));
  TT_ASSIGN(out.projects, members.texts("projects", kMaxProjects, kMaxTextBytes));
  TT_ASSIGN(auto commits, members.objects("commits", limits::kMaxCommits));
  TT_ASSIGN(auto refs, members.objects("refs", limits::kMaxCommits));
  if (commits || refs) out.commits.emplace();
  if (commits) {
    for (auto& item : *commits) {
      TT_ASSIGN(out.commits->emplace_back(), read_commit(item));
    }
  }
  if (refs) {
    for (auto& item : *refs) {
      TT_ASSIGN(out.commits->emplace_back(), read_ref(item));
    }
  }
  return out;
}

/// Those of the body, which must all be the caller's, else those of `otherwise`.
Result<std::vector<Project>> chosen(const std::vector<Project>& all, const ReleaseBody& body,
                                    std::vector<Project> otherwise) {
  if (!body.projects || body.projects->empty()) return otherwise;
  std::vector<Project> out;
  for (const auto& name : *body.projects) {
    TT_ASSIGN(out.emplace_back(), find_project(all, name));
  }
  return out;
}

Result<Named> find_named(const Services& services, const std::vector<Project>& projects,
                         const std::string& version) {
  Named out{version, {}, {}};
  for (const auto& project : projects) {
    auto found = services.records.releases().get(project.id, version);
    if (!found && found.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(found.error());
    if (!found) continue;
    out.releases.push_back(*std::move(found));
    out.projects.push_back(project);
  }
  if (out.releases.empty()) return fail(ErrorKind::not_found, "release " + version + ": not found");
  return out;
}

/// Of the path.
Result<Named> named_release(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto projects, projects_of(services, request, scope));
  return find_named(services, projects, request.path_params.find("version")->second);
}

/// Makes the release in each project, or tells more of it; true when one was made.
Result<bool> keep(const Services& services, const std::vector<Project>& projects, const std::string& version,
                  const ReleaseBody& body) {
  bool made = false;
  auto done = services.records.transaction([&]() -> Result<> {
    auto& releases = services.records.releases();
    for (const auto& project : projects) {
      auto known = releases.get(project.id, version);
      if (!known && known.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(known.error());
      Release release = known ? *known : body.release;
      if (known) {
        if (body.says_released) release.released = body.release.released;
        if (!body.release.ref.empty()) release.ref = body.release.ref;
        if (!body.release.url.empty()) release.url = body.release.url;
        TT_TRY(releases.update(release));
      } else {
        release.project = project.id;
        release.version = version;
        release.created = services.clock.now();
        TT_ASSIGN(release.id, releases.add(release));
        made = true;
      }
      if (body.commits)
        TT_TRY(errors::set_release_commits(services.records, services.clock, release, *body.commits));
    }
    return {};
  });
  TT_TRY(std::move(done));
  return made;
}

void write_named(JsonWriter& w, const Named& named, const std::optional<storage::Commit>& last) {
  const Release& first = named.releases.front();
  std::uint64_t new_issues = 0;
  std::optional<UnixNanos> first_seen, last_seen;
  for (const auto& r : named.releases) {
    new_issues += r.new_issues;
    if (r.first_seen && (!first_seen || *r.first_seen < *first_seen)) first_seen = r.first_seen;
    if (r.last_seen && (!last_seen || *r.last_seen > *last_seen)) last_seen = r.last_seen;
  }
  w.begin_object().field("id", first.id).field("version", named.version);
  w.field("shortVersion", named.version).field("status", "open");
  write_when(w, "dateCreated", first.created);
  write_when(w, "dateReleased", first.released);
  write_when(w, "firstEvent", first_seen);
  write_when(w, "lastEvent", last_seen);
  w.key("ref");
  first.ref.empty() ? w.null() : w.string(first.ref);
  w.key("url");
  first.url.empty() ? w.null() : w.string(first.url);
  w.field("newGroups", new_issues).field("commitCount", first.commits).field("deployCount", first.deploys);
  w.key("owner").null().key("data").begin_object().end_object().key("authors").begin_array().end_array();
  w.key("lastCommit");
  last ? w.begin_object().field("id", last->sha).end_object() : w.null();
  w.key("projects").begin_array();
  for (const auto& project : named.projects) write_project(w, project);
  w.end_array().end_object();
}

net::HttpResponse one_release(const Services& services, const Result<Named>& named, int status = 200) {
  if (!named) return detail(named.error());
  std::optional<storage::Commit> last;
  if (named->releases.front().commits > 0) {
    const auto commits = services.records.releases().commits(named->releases.front().id);
    if (!commits) return detail(commits.error());
    if (!commits->empty()) last = commits->front();
  }
  JsonWriter w;
  write_named(w, *named, last);
  return net::HttpResponse::json(w.take(), status);
}

net::HttpResponse make_release(const Services& services, const net::HttpRequest& request) {
  bool fresh = false;
  const auto made = [&]() -> Result<Named> {
    TT_ASSIGN(const auto who, authorise(services, request, Scope::write));
    TT_ASSIGN(const auto all, projects_of(services, request, Scope::write));
    TT_ASSIGN(auto body, JsonBody::parse(request.body));
    TT_ASSIGN(const auto version, body.members().text("version", limits::kMaxReleaseBytes));
    if (!version || version->empty()) return fail(ErrorKind::invalid_argument, "version: missing");
    TT_ASSIGN(const auto said, read_body(body.members()));
    // Nobody named: where there is one already, else the credential's own.
    std::vector<Project> otherwise;
    if (auto known = find_named(services, all, *version)) {
      otherwise = std::move(known->projects);
    } else if (all.size() == 1) {
      otherwise = all;
    } else {
      TT_ASSIGN(const auto own, find_project(all, fmt::format("{}", who.default_project().value)));
      otherwise = {own};
    }
    TT_ASSIGN(const auto projects, chosen(all, said, std::move(otherwise)));
    TT_ASSIGN(fresh, keep(services, projects, *version, said));
    return find_named(services, all, *version);
  }();
  return one_release(services, made, fresh ? 201 : 208);
}

net::HttpResponse change_release(const Services& services, const net::HttpRequest& request) {
  const auto changed = [&]() -> Result<Named> {
    TT_ASSIGN(const auto all, projects_of(services, request, Scope::write));
    TT_ASSIGN(auto body, JsonBody::parse(request.body));
    TT_ASSIGN(const auto said, read_body(body.members()));
    const std::string& version = request.path_params.find("version")->second;
    if (version.size() > limits::kMaxReleaseBytes)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("version: over {} bytes", limits::kMaxReleaseBytes));
    TT_ASSIGN(const auto named, find_named(services, all, version));
    TT_ASSIGN(const auto projects, chosen(all, said, named.projects));
    TT_TRY(keep(services, projects, version, said));
    return find_named(services, all, version);
  }();
  return one_release(services, changed);
}

net::HttpResponse remove_release(const Services& services, const net::HttpRequest& request) {
  const auto named = named_release(services, request, Scope::write);
  if (!named) return detail(named.error());
  for (const auto& release : named->releases) {
    if (const auto done = services.records.releases().remove(release.id); !done) return detail(done.error());
  }
  return net::HttpResponse::empty(204);
}

net::HttpResponse list_releases(const Services& services, const net::HttpRequest& request) {
  const auto projects = projects_of(services, request, Scope::read);
  if (!projects) return detail(projects.error());
  const auto offset = offset_param(request);
  if (!offset) return detail(offset.error());
  storage::ReleaseQuery query;
  for (const auto& project : *projects) query.projects.push_back(project.id);
  query.text = std::string(request.param("query").value_or(""));
  query.limit = kPage + 1;
  query.offset = *offset;
  const auto releases = services.records.releases().list(query);
  if (!releases) return detail(releases.error());
  std::vector<Named> page;
  for (std::size_t i = 0; i < std::min(releases->size(), kPage); ++i) {
    const Release& release = (*releases)[i];
    const auto project = find_project(*projects, fmt::format("{}", release.project.value));
    const auto same =
        std::find_if(page.begin(), page.end(), [&](const Named& n) { return n.version == release.version; });
    Named& named = same == page.end() ? page.emplace_back(Named{release.version, {}, {}}) : *same;
    named.releases.push_back(release);
    if (project) named.projects.push_back(*project);
  }
  JsonWriter w;
  w.begin_array();
  for (const auto& named : page) write_named(w, named, {});
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, *offset, releases->size() > kPage);
  return response;
}

net::HttpResponse list_commits(const Services& services, const net::HttpRequest& request) {
  const auto named = named_release(services, request, Scope::read);
  if (!named) return detail(named.error());
  const auto commits = services.records.releases().commits(named->releases.front().id);
  if (!commits) return detail(commits.error());
  JsonWriter w;
  w.begin_array();
  for (const auto& c : *commits) {
    w.begin_object().field("id", c.sha).field("message", c.message);
    write_when(w, "dateCreated", c.time);
    w.key("author").begin_object().field("name", c.author_name).field("email", c.author_email).end_object();
    w.key("repository").begin_object().field("name", c.repository).end_object().end_object();
  }
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, 0, false);
  return response;
}

/// The newest release before this one that has commits, so that a build knows where its own begin; `{}` when
/// there is none.
net::HttpResponse previous(const Services& services, const net::HttpRequest& request) {
  const auto named = named_release(services, request, Scope::read);
  if (!named) return detail(named.error());
  storage::ReleaseQuery query;
  for (const auto& project : named->projects) query.projects.push_back(project.id);
  const auto releases = services.records.releases().list(query);
  if (!releases) return detail(releases.error());
  const UnixNanos own = named->releases.front().created;
  for (const auto& release : *releases) {
    if (release.version == named->version || release.commits == 0 || release.created > own) continue;
    return one_release(services, find_named(services, named->projects, release.version));
  }
  return net::HttpResponse::json("{}");
}

void write_deploy(JsonWriter& w, const storage::Deploy& d) {
  w.begin_object().field("id", fmt::format("{}", d.id)).field("environment", d.environment).key("name");
  d.name.empty() ? w.null() : w.string(d.name);
  w.key("url");
  d.url.empty() ? w.null() : w.string(d.url);
  write_when(w, "dateStarted", d.started);
  write_when(w, "dateFinished", d.finished);
  w.end_object();
}

net::HttpResponse make_deploy(const Services& services, const net::HttpRequest& request) {
  storage::Deploy deploy;
  const auto made = [&]() -> Result<> {
    TT_ASSIGN(const auto named, named_release(services, request, Scope::write));
    TT_ASSIGN(auto body, JsonBody::parse(request.body));
    auto& members = body.members();
    TT_ASSIGN(const auto environment, members.text("environment", limits::kMaxEnvironmentBytes));
    if (!environment || environment->empty())
      return fail(ErrorKind::invalid_argument, "environment: missing");
    TT_ASSIGN(const auto name, members.text("name", kMaxTextBytes));
    TT_ASSIGN(const auto url, members.text("url", kMaxTextBytes));
    if (url && !url->empty() && !url->starts_with("https://") && !url->starts_with("http://"))
      return fail(ErrorKind::invalid_argument, "url: begins with http:// or https://");
    TT_ASSIGN(deploy.started, members.time("dateStarted"));
    TT_ASSIGN(const auto finished, members.time("dateFinished"));
    deploy.environment = *environment;
    deploy.name = name.value_or("");
    deploy.url = url.value_or("");
    deploy.finished = finished.value_or(services.clock.now());
    for (const auto& release : named.releases) {
      if (release.deploys >= limits::kMaxDeploys)
        return fail(ErrorKind::resource_exhausted,
                    fmt::format("there are {} deploys of this release (kMaxDeploys)", release.deploys));
      deploy.release = release.id;
      TT_ASSIGN(deploy.id, services.records.releases().add_deploy(deploy));
    }
    return {};
  }();
  if (!made) return detail(made.error());
  JsonWriter w;
  write_deploy(w, deploy);
  return net::HttpResponse::json(w.take(), 201);
}

net::HttpResponse list_deploys(const Services& services, const net::HttpRequest& request) {
  const auto named = named_release(services, request, Scope::read);
  if (!named) return detail(named.error());
  const auto deploys = services.records.releases().deploys(named->releases.front().id);
  if (!deploys) return detail(deploys.error());
  JsonWriter w;
  w.begin_array();
  for (const auto& deploy : *deploys) write_deploy(w, deploy);
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, 0, false);
  return response;
}

}  // namespace

void add_release_routes(net::Router& router, const Services& services) {
  const auto add = [&](const char* method, const std::string& path, auto handler) {
    router.add(method, path, [&services, handler](const net::HttpRequest& r, WorkContext&) {
      return handler(services, r);
    });
  };
  for (const std::string all :
       {"/api/0/organizations/{org}/releases", "/api/0/projects/{org}/{project}/releases"}) {
    const std::string single = all + "/{version}";
    add("GET", all, list_releases);
    add("POST", all, make_release);
    add("GET", single, [](const Services& s, const net::HttpRequest& r) {
      return one_release(s, named_release(s, r, Scope::read));
    });
    add("PUT", single, change_release);
    add("DELETE", single, remove_release);
    add("GET", single + "/commits", list_commits);
    add("GET", single + "/previous-with-commits", previous);
    add("GET", single + "/deploys", list_deploys);
    add("POST", single + "/deploys", make_deploy);
  }
}

}  // namespace telltale::api::web_api
