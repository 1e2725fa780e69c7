#include "wire/sentry/multipart.hpp"

#include <map>

#include "base/attachment_limits.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::sentry {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

/// The value of a parameter (`; name=value`, `; name="va\"lue"`) of a header; empty without it.
std::string header_param(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(';'); at != std::string_view::npos;) {
    ++at;
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return {};
    const bool wanted = equal_ignore_case(trimmed(header.substr(at, equals - at)), name);
    std::string value;
    std::size_t i = equals + 1;
    if (i < header.size() && header[i] == '"') {
      for (++i; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size() && (header[i + 1] == '"' || header[i + 1] == '\\'))
          ++i;
        value.push_back(header[i]);
      }
      at = header.find(';', i);
    } else {
      at = header.find(';', i);
      value = trimmed(header.substr(i, at == std::string_view::npos ? at : at - i));
    }
    if (wanted) return value;
  }
  return {};
}

/// Reads the headers of a part, up to the empty line, off the front of `rest`.
Result<FormPart> take_head(std::string_view& rest) {
  FormPart part;
  std::size_t taken = 0;
  while (true) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos || taken + end > limits::kMaxMultipartHeadBytes)
      return fail(end == std::string_view::npos ? ErrorKind::invalid_argument : ErrorKind::too_large,
                  "multipart: a part without the end of its headers");
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    taken += end + 1;
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    if (equal_ignore_case(name, "content-disposition")) {
      part.name = header_param(line, "name");
      part.filename = header_param(line, "filename");
    } else if (equal_ignore_case(name, "content-type")) {
      part.content_type = trimmed(line.substr(colon + 1));
    }
  }
  if (part.name.empty()) return fail(ErrorKind::invalid_argument, "multipart: a part without a name");
  return part;
}

/// `sentry[tags][name]` as {tags, name}; empty when it is nothing of the kind.
std::vector<std::string> member_path(std::string_view name) {
  std::vector<std::string> out;
  if (!name.starts_with(kMinidumpEvent)) return out;
  name.remove_prefix(kMinidumpEvent.size());
  while (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string_view::npos) return {};
    out.emplace_back(name.substr(1, end - 1));
    name.remove_prefix(end + 1);
  }
  if (!name.empty() || out.size() > 2) return {};
  return out;
}

using Texts = std::map<std::string, std::string>;

void write_texts(JsonWriter& w, const Texts& texts) {
  w.begin_object();
  for (const auto& [name, value] : texts) w.field(name, value);
  w.end_object();
}

struct MinidumpFields {
  std::optional<json::Document> event;
  Texts members;                       // sentry[a]
  std::map<std::string, Texts> below;  // sentry[a][b]
  Texts extra;
};

Result<MinidumpFields> read_fields(const std::vector<FormPart>& parts) {
  MinidumpFields out;
  std::size_t taken = 0;
  for (const auto& part : parts) {
    if (!part.filename.empty() || part.body.size() > limits::kMaxMinidumpFieldBytes) continue;
    if (part.name == kMinidumpEvent) {
      auto doc = json::Document::parse(part.body);
      if (!doc || !doc->root().is_object())
        return fail(ErrorKind::invalid_argument, "sentry: not a JSON object");
      out.event = *std::move(doc);
      continue;
    }
    if (++taken > limits::kMaxMinidumpTags) continue;
    const auto path = member_path(part.name);
    std::string value = repair_utf8(part.body);
    if (path.size() == 1) {
      out.members[path[0]] = std::move(value);
    } else if (path.size() == 2) {
      out.below[path[0]][path[1]] = std::move(value);
    } else {
      out.extra[repair_utf8(part.name)] = std::move(value);
    }
  }
  return out;
}

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body) {
  const std::string boundary = header_param(content_type, "boundary");
  if (boundary.empty())
    return fail(ErrorKind::invalid_argument, "content-type: multipart without a boundary");
  const std::string mark = "--" + boundary;
  std::vector<FormPart> out;
  std::size_t at = body.starts_with(mark) ? 0 : body.find("\n" + mark);
  if (at == std::string_view::npos) return fail(ErrorKind::invalid_argument, "multipart: no boundary");
  if (body[at] == '\n') ++at;
  std::string_view rest = body.substr(at + mark.size());
  while (!rest.starts_with("--")) {
    const std::size_t line = rest.find('\n');
    if (line == std::string_view::npos || !trimmed(rest.substr(0, line)).empty())
      return fail(ErrorKind::invalid_argument, "multipart: a broken boundary");
    rest.remove_prefix(line + 1);
    if (out.size() == limits::kMaxMultipartParts)
      return fail(ErrorKind::too_large,
                  "multipart: over " + std::to_string(limits::kMaxMultipartParts) + " parts");
    TT_ASSIGN(auto part, take_head(rest));
    // An empty body stands directly before its boundary.
    const std::size_t end = rest.starts_with(mark) ? 0 : rest.find("\n" + mark);
    if (end == std::string_view::npos)
      return fail(ErrorKind::invalid_argument, "multipart: it ends within part " + part.name);
    part.body = rest.substr(0, end);
    if (part.body.ends_with('\r')) part.body.remove_suffix(1);
    rest.remove_prefix(end + (rest.starts_with(mark) ? 0 : 1) + mark.size());
    out.push_back(std::move(part));
  }
  return out;
}

Result<MinidumpEvent> minidump_event(const std::vector<FormPart>& parts, Id128 otherwise, UnixNanos now) {
  TT_ASSIGN(const auto fields, read_fields(parts));
  MinidumpEvent out;
  out.event_id = otherwise;
  std::map<std::string, std::string> members;  // JSON
  const auto put = [&](const std::string& name, auto write) {
    JsonWriter w;
    write(w);
    members[name] = w.take();
  };
  put("timestamp", [&](JsonWriter& w) { w.string(format_rfc3339(now)); });
  put("platform", [](JsonWriter& w) { w.string("native"); });
  put("level", [](JsonWriter& w) { w.string("fatal"); });
  put("exception", [](JsonWriter& w) {
    w.begin_object().key("values").begin_array().begin_object().field("type", "Minidump");
    w.field("value", "The application crashed").key("mechanism").begin_object().field("type", "minidump");
    w.field("handled", false).field("synthetic", true).end_object().end_object().end_array().end_object();
  });
  if (!fields.extra.empty()) put("extra", [&](JsonWriter& w) { write_texts(w, fields.extra); });
  for (const auto& [name, value] : fields.members) put(name, [&](JsonWriter& w) { w.string(value); });
  for (const auto& [name, texts] : fields.below) put(name, [&](JsonWriter& w) { write_texts(w, texts); });
  if (fields.event) {
    const json::Object event = fields.event->root().get_object().value();
    for (const auto member : event) members[std::string(member.key)] = simdjson::minify(member.value);
    if (const auto id = json::get_string(fields.event->root(), "event_id"))
      out.event_id = Id128::parse(*id).value_or(otherwise);
  }
  put("event_id", [&](JsonWriter& w) { w.string(out.event_id.hex()); });
  JsonWriter w;
  w.begin_object();
  for (const auto& [name, value] : members) w.key(name).raw(value);
  out.json = w.end_object().take();
  return out;
}

Result<ProfileIds> parse_profile_ids(std::string_view text) {
  TT_ASSIGN(const auto doc, json::Document::parse(text));
  const json::Value root = doc.root();
  if (!root.is_object()) return fail(ErrorKind::invalid_argument, "profile: expected a JSON object");
  ProfileIds out;
  const auto id = [](json::Value of, std::string_view name) {
    const auto found = json::get_string(of, name);
    return found ? Id128::parse(*found).value_or(Id128{}) : Id128{};
  };
  out.platform = json::get_text(root, "platform");
  out.event_id = id(root, "profiler_id");
  std::optional<json::Value> transaction = json::get(root, "transaction");
  if (!transaction) {
    // Android's and the oldest form have a list of one.
    if (const auto list = json::get_array(root, "transactions"); list && list->size() > 0)
      transaction = list->at(0).value();
  }
  if (!transaction || !transaction->is_object()) return out;
  if (const Id128 own = id(*transaction, "id"); own.present()) out.event_id = own;
  out.trace_id = id(*transaction, "trace_id");
  return out;
}

}  // namespace telltale::wire::sentry
