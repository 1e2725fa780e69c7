// GET suggest: what can stand next in a search field. Without `key` the keys of the language and the tags or
// attributes that rows have; with one its values, most frequent first.
#include <algorithm>
#include <map>
#include <set>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "errors/event_body.hpp"
#include "search/catalogue.hpp"
#include "search/facets.hpp"

namespace telltale::api {
namespace {

using search::FieldSource;
using search::KnownField;
using search::Subject;

constexpr std::size_t kSuggestedTags = 100;
constexpr std::size_t kSuggestedBodies =
    200;  // events whose JSON is read for names of functions and the like

struct SuggestedKey {
  std::string key;
  std::string hint;
};
struct Suggestions {
  std::vector<SuggestedKey> keys;
  std::vector<search::FacetValue> values;  // count 0: not counted
};

struct Ask {
  Subject subject = Subject::issues;
  storage::EventQuery rows;
  std::string key;
  std::string text;  // in lower case
  std::size_t limit = 0;
  bool may_assign = false;
};

Result<Ask> ask_params(const Services& services, const net::HttpRequest& request) {
  Ask ask;
  TT_ASSIGN(ask.rows.projects, query_projects(services, request));
  const auto subject = request.param("for").value_or("");
  if (subject != "issues" && subject != "traces")
    return fail(ErrorKind::invalid_argument, "for: issues or traces");
  ask.subject = subject == "issues" ? Subject::issues : Subject::traces;
  ask.rows.table = ask.subject == Subject::issues ? Table::errors : Table::spans;
  TT_ASSIGN(ask.rows.range, window_params(services, request));
  TT_ASSIGN(ask.limit, number_param(request, "limit", 20, 1, limits::kMaxFacetAnswers));
  ask.may_assign = query_projects(services, request, accounts::Scope::write).has_value();
  ask.key = std::string(request.param("key").value_or(""));
  ask.text = to_lower(request.param("text").value_or(""));
  return ask;
}

/// Names that are ours and not a source's, or that a key of the language reads.
bool is_tag(Subject subject, std::string_view name) {
  static constexpr std::string_view kOurs[] = {"duration_ns",    "group_hashes", "group_hashes_before",
                                               "is_transaction", "level",        "handled",
                                               "message",        "payload"};
  if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) return false;
  for (const KnownField& field : search::known_fields(subject))
    if (field.name == name || field.reads == name) return false;
  return true;
}

Result<Suggestions> suggest_keys(const Services& services, const Ask& ask, WorkContext& context) {
  Suggestions out;
  const auto add = [&](std::string_view key, std::string_view hint) {
    if (to_lower(key).find(ask.text) != std::string::npos)
      out.keys.push_back({std::string(key), std::string(hint)});
  };
  for (const KnownField& field : search::known_fields(ask.subject)) add(field.name, field.hint);
  add("has", "the key has a value");
  storage::EventQuery rows = ask.rows;
  rows.limit = kSuggestedTags;
  TT_ASSIGN(const auto names, services.events.fields(rows, context));
  for (const auto& [name, count] : names)
    if (is_tag(ask.subject, name)) add(name, ask.subject == Subject::issues ? "tag" : "attribute");
  return out;
}

/// The column of events that has what a record's field has.
std::string column_of(const KnownField& field) {
  if (field.source == FieldSource::event) return std::string(field.reads.substr(0, field.reads.find(' ')));
  if (field.reads == "type") return "error.type";
  if (field.reads == "platform" || field.reads == "culprit") return std::string(field.reads);
  return field.reads == "first_release" || field.reads == "last_release" ? "release" : "";
}

Result<std::vector<search::FacetValue>> values_of_bodies(const Services& services, const Ask& ask,
                                                         std::string_view part, WorkContext& context) {
  storage::EventQuery rows = ask.rows;
  rows.limit = kSuggestedBodies;
  rows.fields = {"level"};
  rows.with_payload = true;
  TT_ASSIGN(const auto events, storage::collect(services.events, rows, context));
  std::map<std::string, std::uint64_t> counts;
  errors::EventBodyReader reader;
  for (const auto& event : events) {
    const auto& body = reader.read(event.payload);
    const auto& texts = part == "function"   ? body.functions
                        : part == "module"   ? body.modules
                        : part == "filename" ? body.filenames
                        : part == "abs_path" ? body.abs_paths
                        : part == "package"  ? body.packages
                                             : body.vars;
    for (const auto text : std::set<std::string_view>(texts.begin(), texts.end()))
      if (text.size() <= limits::kMaxFacetValueBytes) ++counts[std::string(text)];
  }
  std::vector<search::FacetValue> out;
  for (const auto& [value, count] : counts) out.push_back({value, count});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

Result<std::vector<search::FacetValue>> values_of_column(const Services& services, const Ask& ask,
                                                         std::string column, WorkContext& context) {
  TT_ASSIGN(const auto found, search::facets(services.events, ask.rows, {std::move(column)},
                                             limits::kMaxFacetAnswers, context));
  return found.facets.empty() ? std::vector<search::FacetValue>() : found.facets.front().values;
}

Result<Suggestions> suggest_values(const Services& services, const Ask& ask, WorkContext& context) {
  std::vector<search::FacetValue> all;
  const KnownField* field = search::find_field(ask.subject, ask.key);
  if (field != nullptr) {
    for (std::size_t at = 0; at < field->values.size();) {
      const std::size_t end = std::min(field->values.find(' ', at), field->values.size());
      all.push_back({std::string(field->values.substr(at, end - at)), 0});
      at = end + 1;
    }
  }
  if (ask.key == "has") {
    TT_ASSIGN(const auto keys, suggest_keys(services, ask, context));
    for (const auto& key : keys.keys)
      if (key.key != "is" && key.key != "has") all.push_back({key.key, 0});
  } else if (field != nullptr && field->kind == search::FieldKind::person) {
    // Addresses are shown to those who may assign.
    if (ask.may_assign) {
      TT_ASSIGN(const auto users, services.records.users().list());
      for (const auto& user : users)
        if (!user.disabled) all.push_back({user.email, 0});
    }
  } else if (field != nullptr && field->source == FieldSource::body) {
    TT_ASSIGN(all, values_of_bodies(services, ask, field->reads, context));
  } else if (all.empty()) {
    std::string column = field == nullptr ? ask.key : column_of(*field);
    if (!column.empty()) {
      TT_ASSIGN(all, values_of_column(services, ask, std::move(column), context));
    }
  }
  Suggestions out;
  for (auto& value : all) {
    if (out.values.size() == ask.limit) break;
    if (to_lower(value.value).find(ask.text) != std::string::npos) out.values.push_back(std::move(value));
  }
  return out;
}

void write_suggestions(JsonWriter& w, const Suggestions& found) {
  w.key("keys").begin_array();
  for (const auto& key : found.keys)
    w.begin_object().field("key", key.key).field("hint", key.hint).end_object();
  w.end_array().key("values").begin_array();
  for (const auto& value : found.values) {
    w.begin_object().field("value", value.value);
    if (value.count > 0) w.field("count", value.count);
    w.end_object();
  }
  w.end_array();
}

}  // namespace

void add_suggest_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/suggest",
      [&services](const net::HttpRequest& r, WorkContext& c) -> net::HttpResponse {
        const auto suggestions = [&]() -> Result<Suggestions> {
          TT_ASSIGN(const auto ask, ask_params(services, r));
          return ask.key.empty() ? suggest_keys(services, ask, c) : suggest_values(services, ask, c);
        };
        return answer<Suggestions>(suggestions(), write_suggestions);
      },
      query_route(services));
}

}  // namespace telltale::api
