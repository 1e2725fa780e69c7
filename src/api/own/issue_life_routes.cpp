// Issues beyond their fields: merging them and taking them apart, what was done and said, and whom they
// interest.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/issue_body.hpp"
#include "api/own/params.hpp"
#include "api/sign_in.hpp"
#include "base/limits.hpp"
#include "errors/issue_views.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

Result<simdjson::dom::object> object_body(simdjson::dom::parser& parser, const net::HttpRequest& request,
                                          std::initializer_list<std::string_view> known) {
  simdjson::dom::object body;
  if (parser.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  for (const auto field : body)
    if (std::find(known.begin(), known.end(), field.key) == known.end())
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
  return body;
}

Result<std::int64_t> id_member(simdjson::dom::object body, std::string_view name) {
  std::int64_t id = 0;
  const auto found = body.at_key(name);
  if (found.error() != simdjson::SUCCESS) return 0;
  if (found.get(id) != simdjson::SUCCESS || id <= 0)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: not the number of an issue", name));
  return id;
}

// ---- Merging
// ------------------------------------------------------------------------------------------------

Result<storage::Issue> merge(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto actor, actor_of(services, request, Scope::write));
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, object_body(parser, request, {"ids", "into"}));
  TT_ASSIGN(const auto ids, body_issue_ids(request.body));
  TT_ASSIGN(const auto into, id_member(body, "into"));
  auto touched = ids;
  if (into != 0) touched.push_back({into});
  TT_TRY(require_issues(services, request, Scope::write, touched));
  return errors::merge_issues(services.records, services.clock, actor, ids, {into});
}

struct Unmerged {
  storage::Issue freed;
  storage::Issue from;
};

/// What the issue of these hashes is called, as far as events of them are kept.
Result<storage::Issue> seed_of(const Services& services, const storage::Issue& from,
                               const std::vector<std::string>& hashes, WorkContext& context) {
  storage::Issue seed = from;
  const TimeRange range{from.first_seen, from.last_seen + Nanos(1)};
  TT_ASSIGN(const auto newest, errors::event_of_hashes(services.events, from.project, range, hashes,
                                                       storage::Order::newest_first, context));
  TT_ASSIGN(const auto oldest, errors::event_of_hashes(services.events, from.project, range, hashes,
                                                       storage::Order::oldest_first, context));
  if (!newest || !oldest) return seed;
  const auto text = [&](std::string_view name) {
    const AttrValue* value = newest->find(name);
    return value == nullptr ? std::string() : to_string(*value);
  };
  seed.title = newest->message;
  seed.culprit = text(attr::kCulprit);
  seed.type = text(attr::kErrorType);
  seed.platform = text(attr::kPlatform);
  seed.level = newest->ids.level;
  seed.first_seen = oldest->time;
  seed.last_seen = newest->time;
  seed.first_release = oldest->ids.release;
  seed.last_release = newest->ids.release;
  seed.last_event = Id128::parse(text(attr::kEventId)).value_or(Id128{});
  return seed;
}

Result<std::vector<std::string>> hashes_member(simdjson::dom::object body) {
  std::vector<std::string> out;
  const auto found = body.at_key("hashes");
  if (found.error() != simdjson::SUCCESS) return out;
  simdjson::dom::array array;
  if (found.get(array) != simdjson::SUCCESS) return fail(ErrorKind::invalid_argument, "hashes: not an array");
  for (const auto item : array) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) return fail(ErrorKind::invalid_argument, "hashes: not a string");
    out.emplace_back(text);
  }
  if (out.empty()) return fail(ErrorKind::invalid_argument, "hashes: empty");
  return out;
}

Result<Unmerged> unmerge(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::write));
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, object_body(parser, request, {"part", "hashes"}));
  TT_ASSIGN(const auto part, id_member(body, "part"));
  TT_ASSIGN(const auto hashes, hashes_member(body));
  if ((part != 0) == !hashes.empty())
    return fail(ErrorKind::invalid_argument, "part: either part or hashes says what to take out");
  TT_ASSIGN(const auto actor, actor_of(services, request, Scope::write));
  Unmerged out;
  if (part != 0) {
    const auto of = services.records.issues().get({part});
    if (!of || of->id != issue.id)
      return fail(ErrorKind::not_found, fmt::format("part: {} is not a part of the issue", part));
    TT_ASSIGN(out.freed, errors::unmerge_part(services.records, services.clock, actor, {part}));
  } else {
    TT_TRY(errors::check_split(services.records, issue, hashes));  // before events are read for it
    TT_ASSIGN(auto seed, seed_of(services, issue, hashes, context));
    TT_ASSIGN(out.freed, errors::split_hashes(services.records, services.clock, actor, issue.id, hashes,
                                              std::move(seed)));
  }
  TT_ASSIGN(out.from, services.records.issues().get(issue.id));
  return out;
}

void write_unmerged(JsonWriter& w, const Unmerged& out) {
  w.key("issue");
  write_issue(w, out.freed);
  w.key("from");
  write_issue(w, out.from);
}

struct ShownPart {
  storage::Issue part;
  struct Hash {
    std::string hash;
    std::optional<EventRow> newest;
  };
  std::vector<Hash> hashes;
};

Result<std::vector<ShownPart>> parts_of(const Services& services, const net::HttpRequest& request,
                                        WorkContext& context) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::read));
  TT_ASSIGN(const auto parts, services.records.issues().parts(issue.id));
  TT_ASSIGN(const auto hashes, services.records.issues().part_hashes(issue.id));
  const TimeRange range{issue.first_seen, issue.last_seen + Nanos(1)};
  std::size_t shown = 0;
  std::vector<ShownPart> out;
  for (const storage::Issue& part : parts) {
    ShownPart one{part, {}};
    for (const auto& bound : hashes) {
      if (bound.part != part.id) continue;
      ShownPart::Hash hash{bound.hash, std::nullopt};
      if (++shown <= limits::kMaxShownHashes) {
        TT_ASSIGN(hash.newest, errors::event_of_hashes(services.events, issue.project, range, {bound.hash},
                                                       storage::Order::newest_first, context));
      }
      one.hashes.push_back(std::move(hash));
    }
    out.push_back(std::move(one));
  }
  return out;
}

void write_parts(JsonWriter& w, const std::vector<ShownPart>& parts) {
  w.key("parts").begin_array();
  for (const ShownPart& p : parts) {
    w.begin_object().field("id", p.part.id.value).field("short_id", p.part.short_id);
    w.field("title", p.part.title).field("culprit", p.part.culprit);
    w.field("event_count", p.part.event_count).field("user_count", p.part.user_count);
    w.field("first_seen", format_rfc3339(p.part.first_seen));
    w.field("last_seen", format_rfc3339(p.part.last_seen)).key("hashes").begin_array();
    for (const auto& hash : p.hashes) {
      w.begin_object().field("hash", hash.hash);
      if (hash.newest) {
        const AttrValue* id = hash.newest->find(attr::kEventId);
        w.field("title", hash.newest->message).field("last_seen", format_rfc3339(hash.newest->time));
        w.field("event_id", id == nullptr ? std::string() : to_string(*id));
      }
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array();
}

// ---- Activity
// -----------------------------------------------------------------------------------------------

struct ActivityList {
  std::vector<storage::IssueActivity> entries;
  errors::IssueActor reader;
  bool more = false;
};

bool wrote(const errors::IssueActor& who, const storage::IssueActivity& a) {
  return a.action == storage::IssueAction::comment && a.user == who.user && (a.user != 0 || a.who == who.who);
}

void write_activity(JsonWriter& w, const storage::IssueActivity& a, const errors::IssueActor& reader) {
  w.begin_object()
      .field("id", a.id)
      .field("time", format_rfc3339(a.time))
      .field("action", to_string(a.action));
  w.field("who", a.who).field("detail", a.detail).field("text", a.text).field("mine", wrote(reader, a));
  if (a.edited) w.field("edited", format_rfc3339(*a.edited));
  w.end_object();
}

Result<ActivityList> activity_of(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::read));
  TT_ASSIGN(const auto limit, number_param(request, "limit", 50, 1, limits::kMaxActivity));
  TT_ASSIGN(const auto before, number_param(request, "before", 0, 0, INT64_MAX));
  ActivityList out;
  TT_ASSIGN(out.reader, actor_of(services, request, Scope::read));
  TT_ASSIGN(out.entries,
            services.records.issue_activity().list(issue.id, static_cast<std::int64_t>(before), limit + 1));
  out.more = out.entries.size() > limit;
  if (out.more) out.entries.pop_back();
  return out;
}

Result<std::string> comment_text(const net::HttpRequest& request) {
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, object_body(parser, request, {"text"}));
  std::string_view text;
  if (body.at_key("text").get(text) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "text: missing or not a string");
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(ErrorKind::invalid_argument, "text: empty");
  if (text.size() > limits::kMaxCommentBytes)
    return fail(ErrorKind::invalid_argument,
                fmt::format("text: more than {} bytes", limits::kMaxCommentBytes));
  return std::string(text);
}

struct OneActivity {
  storage::IssueActivity activity;
  errors::IssueActor reader;
};

Result<OneActivity> add_comment(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::write));
  OneActivity out;
  TT_ASSIGN(out.reader, actor_of(services, request, Scope::write));
  TT_ASSIGN(out.activity.text, comment_text(request));
  out.activity.issue = issue.id;
  out.activity.time = services.clock.now();
  out.activity.user = out.reader.user;
  out.activity.who = out.reader.who;
  TT_ASSIGN(out.activity.id, services.records.issue_activity().add(out.activity));
  return out;
}

/// The comment of the path, which must be the caller's own.
Result<OneActivity> own_comment(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto issue, issue_of(services, request, Scope::write));
  const std::string& text = request.path_params.find("comment")->second;
  std::int64_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  OneActivity out;
  TT_ASSIGN(out.reader, actor_of(services, request, Scope::write));
  auto found = services.records.issue_activity().get(id);
  if (found) {
    TT_ASSIGN(const auto of, services.records.issues().get(found->issue));
    if (of.id == issue.id && found->action == storage::IssueAction::comment) {
      if (!wrote(out.reader, *found))
        return fail(ErrorKind::permission_denied, "comment: only who wrote it may change it");
      out.activity = *std::move(found);
      return out;
    }
  }
  return fail(ErrorKind::not_found, fmt::format("comment {}: not found", text));
}

Result<OneActivity> edit_comment(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto out, own_comment(services, request));
  TT_ASSIGN(out.activity.text, comment_text(request));
  out.activity.edited = services.clock.now();
  TT_TRY(services.records.issue_activity().update(out.activity));
  return out;
}

Result<OneActivity> remove_comment(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(auto out, own_comment(services, request));
  TT_TRY(services.records.issue_activity().remove(out.activity.id));
  return out;
}

// ---- Marks
// --------------------------------------------------------------------------------------------------

Result<std::vector<storage::IssueMark>> set_marks(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise_session(services, request));
  simdjson::dom::parser parser;
  TT_ASSIGN(const auto body, object_body(parser, request, {"ids", "bookmarked", "seen"}));
  TT_ASSIGN(const auto ids, body_issue_ids(request.body));
  std::optional<bool> bookmarked;
  std::optional<bool> seen;
  for (const auto field : body) {
    if (field.key == "ids") continue;
    bool value = false;
    if (field.value.get(value) != simdjson::SUCCESS)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: not true or false", field.key));
    (field.key == "seen" ? seen : bookmarked) = value;
  }
  TT_TRY(require_issues(services, request, Scope::read, ids));
  std::vector<storage::IssueMark> out;
  auto& marks = services.records.issue_activity();
  auto done = services.records.transaction([&]() -> Result<> {
    for (const auto id : ids) {
      TT_ASSIGN(const auto issue, services.records.issues().get(id));
      TT_ASSIGN(auto mark, marks.mark(who.user, issue.id));
      if (bookmarked) mark.bookmarked = *bookmarked;
      if (seen) mark.seen = *seen ? std::optional(services.clock.now()) : std::nullopt;
      TT_TRY(marks.put_mark(who.user, mark));
      out.push_back(mark);
    }
    return {};
  });
  TT_TRY(std::move(done));
  return out;
}

void write_marks(JsonWriter& w, const std::vector<storage::IssueMark>& marks) {
  w.key("marks").begin_array();
  for (const auto& mark : marks) {
    w.begin_object().field("issue", mark.issue.value).field("bookmarked", mark.bookmarked);
    w.field("seen", mark.seen.has_value()).end_object();
  }
  w.end_array();
}

void add_activity_routes(net::Router& router, const Services& services) {
  const std::string path = "/api/telltale/v1/issues/{id}";
  const auto write_one = [](JsonWriter& w, const OneActivity& one) {
    w.key("activity");
    write_activity(w, one.activity, one.reader);
  };
  router.add("GET", path + "/activity", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<ActivityList>(activity_of(services, r), [](JsonWriter& w, const ActivityList& list) {
      w.key("activity").begin_array();
      for (const auto& entry : list.entries) write_activity(w, entry, list.reader);
      w.end_array().field("more", list.more);
    });
  });
  router.add("POST", path + "/comments", [&services, write_one](const net::HttpRequest& r, WorkContext&) {
    return answer<OneActivity>(add_comment(services, r), write_one);
  });
  router.add("PUT", path + "/comments/{comment}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<OneActivity>(edit_comment(services, r), write_one);
             });
  router.add("DELETE", path + "/comments/{comment}",
             [&services, write_one](const net::HttpRequest& r, WorkContext&) {
               return answer<OneActivity>(remove_comment(services, r), write_one);
             });
}

}  // namespace

void add_issue_life_routes(net::Router& router, const Services& services) {
  const std::string path = "/api/telltale/v1/issues";
  router.add("POST", path + "/merge", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<storage::Issue>(merge(services, r), [](JsonWriter& w, const storage::Issue& issue) {
      w.key("issue");
      write_issue(w, issue);
    });
  });
  router.add("PUT", path + "/marks", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<storage::IssueMark>>(set_marks(services, r), write_marks);
  });
  router.add(
      "POST", path + "/{id}/unmerge",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Unmerged>(unmerge(services, r, c), write_unmerged);
      },
      query_route(services));
  router.add(
      "GET", path + "/{id}/parts",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<std::vector<ShownPart>>(parts_of(services, r, c), write_parts);
      },
      query_route(services));
  add_activity_routes(router, services);
}

}  // namespace telltale::api
