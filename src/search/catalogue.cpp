#include "search/catalogue.hpp"

#include <algorithm>

namespace telltale::search {
namespace {

using K = FieldKind;
using S = FieldSource;

constexpr std::string_view kStateWords =
    "unresolved resolved ignored archived new ongoing regressed escalating assigned unassigned bookmarked";
constexpr std::string_view kPriorityWords = "high medium low";
constexpr std::string_view kLevelWords = "fatal error warning info debug trace";
constexpr std::string_view kTruthWords = "true false";

constexpr KnownField kIssueFields[] = {
    {"is", K::state, S::record, "is", "state of the issue", kStateWords},
    {"level", K::level, S::record, "level", "severity of the issue", kLevelWords},
    {"priority", K::state, S::record, "priority", "how urgent the issue is", kPriorityWords},
    {"release", K::word, S::event, "release", "release of an event", ""},
    {"environment", K::word, S::event, "environment", "environment of an event", ""},
    {"assigned", K::person, S::record, "assignee", "who it is assigned to", "me none"},
    {"bookmarked", K::state, S::record, "bookmarked", "who has bookmarked it", "me"},
    {"first_seen", K::time, S::record, "first_seen", "time of the first event", "-24h -7d"},
    {"last_seen", K::time, S::record, "last_seen", "time of the last event", "-1h -24h -7d"},
    {"times_seen", K::number, S::record, "event_count", "number of events", ">100"},
    {"users", K::number, S::record, "user_count", "number of people it hit", ">10"},
    {"error.type", K::word, S::event, "error.type", "class of the exception", ""},
    {"error.value", K::text, S::event, "error.value", "message of the exception", ""},
    {"error.unhandled", K::boolean, S::event, "handled", "nobody caught it", kTruthWords},
    {"stack.function", K::word, S::body, "function", "function of a frame", ""},
    {"stack.filename", K::word, S::body, "filename", "file of a frame", ""},
    {"stack.vars", K::text, S::body, "vars", "name or value of a local variable; part of an id: 0x7f*", ""},
    {"user.id", K::word, S::event, "user_id", "id of the person", ""},
    {"user.email", K::word, S::event, "user.email", "e-mail address of the person", ""},
    {"url", K::word, S::event, "url.full", "address of the request", ""},
    {"title", K::text, S::record, "title", "title of the issue", ""},
    {"culprit", K::text, S::record, "culprit", "where it was thrown", ""},
    {"type", K::word, S::record, "type", "class of the issue's exception", ""},
    {"platform", K::word, S::record, "platform", "language or platform", ""},
    {"issue", K::word, S::record, "short_id", "short id of the issue", ""},
    {"first_release", K::word, S::record, "first_release", "release it began in", ""},
    {"last_release", K::word, S::record, "last_release", "release it was last seen in", ""},
    {"message", K::text, S::event, "message", "title of an event", ""},
    {"stack.module", K::word, S::body, "module", "module of a frame", ""},
    {"stack.abs_path", K::word, S::body, "abs_path", "full path of a frame's file", ""},
    {"stack.package", K::word, S::body, "package", "package or library of a frame", ""},
    {"user.name", K::word, S::event, "user.name", "name of the person", ""},
    {"user", K::word, S::event, "user_id user.email user.name", "id, address or name of the person", ""},
    {"http.method", K::word, S::event, "http.request.method http.method", "method of the request",
     "GET POST PUT PATCH DELETE"},
    {"transaction", K::word, S::event, "transaction", "endpoint or job", ""},
    {"service", K::word, S::event, "service", "service of an event", ""},
    {"host", K::word, S::event, "host", "server of an event", ""},
    {"logger", K::word, S::event, "logger", "logger of an event", ""},
    {"sdk", K::word, S::event, "sdk", "SDK that sent the event", ""},
    {"trace_id", K::id, S::event, "trace_id", "trace the event is part of", ""},
    {"span_id", K::id, S::event, "span_id", "span the event happened in", ""},
    {"request_id", K::word, S::event, "request_id", "request the event happened in", ""},
    {"event_id", K::id, S::event, "event_id", "one event", ""},
    {"assignee", K::person, S::record, "assignee", "who it is assigned to", "me none"},
    {"age", K::time, S::record, "first_seen", "since when it is known", "-24h -7d +30d"},
    {"error.handled", K::boolean, S::event, "handled", "the program caught it", kTruthWords},
};

constexpr KnownField kSpanFields[] = {
    {"service", K::word, S::event, "service", "service of the span", ""},
    {"name", K::word, S::event, "message", "name of the span", ""},
    {"operation", K::word, S::event, "span.op", "kind of work: http.server, db, …", ""},
    {"duration", K::duration, S::event, "duration_ns", "how long the span took", ">100ms >1s >5s"},
    {"status", K::word, S::event, "span.status", "outcome of the span", "error ok unset"},
    {"kind", K::word, S::event, "span.kind", "side of the call", "server client internal producer consumer"},
    {"http.status_code", K::number, S::event, "http.response.status_code http.status_code", "HTTP status",
     ">=500 >=400 404"},
    {"http.method", K::word, S::event, "http.request.method http.method", "method of the request",
     "GET POST PUT PATCH DELETE"},
    {"http.route", K::word, S::event, "http.route", "route of the request", ""},
    {"url", K::word, S::event, "url.full http.url", "address of the request", ""},
    {"transaction", K::word, S::event, "transaction", "endpoint or job", ""},
    {"environment", K::word, S::event, "environment", "environment of the span", ""},
    {"release", K::word, S::event, "release", "release of the service", ""},
    {"host", K::word, S::event, "host", "server of the span", ""},
    {"user.id", K::word, S::event, "user_id", "id of the person", ""},
    {"request_id", K::word, S::event, "request_id", "request the span is part of", ""},
    {"trace_id", K::id, S::event, "trace_id", "one trace", ""},
    {"span_id", K::id, S::event, "span_id", "one span", ""},
    {"parent_span_id", K::id, S::event, "parent_span_id", "spans below this one", ""},
    {"error", K::boolean, S::event, "error", "the span has failed", kTruthWords},
};

}  // namespace

std::span<const KnownField> known_fields(Subject subject) {
  if (subject == Subject::issues) return kIssueFields;
  return kSpanFields;
}

const KnownField* find_field(Subject subject, std::string_view name) {
  const auto fields = known_fields(subject);
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace telltale::search
