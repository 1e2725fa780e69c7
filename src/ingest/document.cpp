#include "ingest/document.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/limits.hpp"

namespace telltale::ingest {
namespace {

// In the order of preference: what shippers add, then what libraries write.
constexpr std::string_view kTimeNames[] = {"@timestamp", "_time", "timestamp", "time",
                                           "ts",         "date",  "asctime",   "datetime"};
constexpr std::string_view kMessageNames[] = {"message",       "msg",     "_msg", "log",  "body",
                                              "short_message", "MESSAGE", "text", "event"};
// These say what happened, but are fields in their own right: they stay.
constexpr std::string_view kLikeMessages[] = {"event.original", "error.message", "exception.message"};

// What tells one stream of documents from another: service, host, level.
constexpr std::string_view kSourceNames[][5] = {
    {"service.name", "service", "service_name", "app", "application"},
    {"host.name", "host", "hostname", "host.hostname", "agent.hostname"},
    {"log.level", "level", "severity", "levelname", "loglevel"}};

/// The attribute with the best of the names, an index; `good` says which attributes count.
template <class Names, class Good>
std::optional<std::size_t> find_best(const std::vector<Attr>& attributes, const Names& names, Good good) {
  std::optional<std::size_t> best;
  std::size_t best_rank = std::size(names);
  for (std::size_t i = 0; i < attributes.size() && best_rank > 0; ++i) {
    for (std::size_t rank = 0; rank < best_rank; ++rank) {
      if (attributes[i].name != names[rank] || !good(attributes[i])) continue;
      best = i;
      best_rank = rank;
      break;
    }
  }
  return best;
}

bool says_now(const AttrValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->empty() || *text == "0";
  const auto* whole = std::get_if<std::int64_t>(&value);
  return whole != nullptr && *whole == 0;
}

bool has_text(const Attr& a) {
  const auto* text = std::get_if<std::string>(&a.value);
  return text == nullptr || !text->empty();
}

void drop(EventRow& row, std::size_t index) {
  row.attributes.erase(row.attributes.begin() + static_cast<std::ptrdiff_t>(index));
}

bool is_ignored(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) {
    return p.ends_with('*') ? name.starts_with(std::string_view(p).substr(0, p.size() - 1)) : name == p;
  });
}

}  // namespace

void decolorize(std::string& text) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\x1b' || i + 1 >= text.size() || text[i + 1] != '[') {
      text[out++] = text[i++];
      continue;
    }
    i += 2;
    while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;  // parameters, up to the final letter
    ++i;
  }
  text.resize(out);
}

Result<> DocumentReader::take_time(EventRow& row) {
  const auto any = [](const Attr&) { return true; };
  if (!shape_.time_fields.empty()) {
    const auto found = find_best(row.attributes, shape_.time_fields, any);
    if (!found) return {};
    const Attr& field = row.attributes[*found];
    const auto time = wire::json::log_time(field.value);
    if (!time && !says_now(field.value))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("[{}]: not a time: '{}'", field.name, to_string(field.value).substr(0, 64)));
    row.time = time.value_or(UnixNanos{});
    drop(row, *found);
    return {};
  }
  std::optional<UnixNanos> time;
  const auto found = find_best(row.attributes, kTimeNames, [&](const Attr& a) {
    const auto parsed = wire::json::log_time(a.value);
    if (parsed) time = parsed;
    return parsed.has_value();
  });
  if (found) {
    row.time = *time;
    drop(row, *found);
  }
  // The one name that means nothing but the time.
  const AttrValue* stamp = found ? nullptr : row.find("@timestamp");
  if (stamp == nullptr) return {};
  if (!says_now(*stamp))
    return fail(ErrorKind::invalid_argument,
                fmt::format("[@timestamp]: not a time: '{}'", to_string(*stamp).substr(0, 64)));
  std::erase_if(row.attributes, [](const Attr& a) { return a.name == "@timestamp"; });
  return {};
}

void DocumentReader::take_message(Document& document, std::string_view json) {
  EventRow& row = document.row;
  const auto found = shape_.message_fields.empty()
                         ? find_best(row.attributes, kMessageNames, has_text)
                         : find_best(row.attributes, shape_.message_fields, has_text);
  if (found) {
    auto& value = row.attributes[*found].value;
    auto* text = std::get_if<std::string>(&value);
    row.message = text != nullptr ? std::move(*text) : to_string(value);
    drop(row, *found);
  } else if (const auto like = find_best(row.attributes, kLikeMessages, has_text)) {
    row.message = to_string(row.attributes[*like].value);
  } else {
    row.message = json;
    document.message_is_source = true;
  }
  while (row.message.ends_with('\n') || row.message.ends_with('\r')) row.message.pop_back();
}

void DocumentReader::apply_shape(EventRow& row) {
  if (!shape_.ignore_fields.empty())
    std::erase_if(row.attributes, [&](const Attr& a) { return is_ignored(shape_.ignore_fields, a.name); });
  for (const auto& [name, value] : shape_.extra_fields) row.set(name, value);
  for (Attr& a : row.attributes) {
    if (is_ignored(shape_.stream_fields, a.name)) a.kind = AttrKind::label;
    if (shape_.decolorize_fields.empty()) continue;
    auto* text = std::get_if<std::string>(&a.value);
    if (text != nullptr && is_ignored(shape_.decolorize_fields, a.name)) decolorize(*text);
  }
}

void label_the_source(EventRow& row) {
  for (const auto& names : kSourceNames) {
    const auto named = find_best(row.attributes, names, has_text);
    if (named) row.attributes[*named].kind = AttrKind::label;
  }
}

Result<Document> DocumentReader::read(std::string_view json, std::size_t readable_after) {
  Document document;
  EventRow& row = document.row;
  row.attributes.reserve(24);
  TT_TRY(reader_.read(json, readable_after, row.attributes));
  apply_shape(row);
  TT_TRY(take_time(row));
  take_message(document, json);
  if (row.message.size() > limits::kMaxLogLineBytes) {
    return fail(ErrorKind::invalid_argument, fmt::format("message: {} bytes are over the limit of {}",
                                                         row.message.size(), limits::kMaxLogLineBytes));
  }
  return document;
}

}  // namespace telltale::ingest
