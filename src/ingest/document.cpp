#include "ingest/document.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/document_limits.hpp"

namespace telltale::ingest {
namespace {

enum class FieldUse : std::uint8_t { none, time, message, like_message, service, host, level };
constexpr std::size_t kFieldUses = 7;

struct UseNames {
  FieldUse use;
  std::string_view names[10];  // the best first: what shippers add, then what libraries write
};

constexpr UseNames kUseNames[] = {
    {FieldUse::time, {"@timestamp", "_time", "timestamp", "time", "ts", "date", "asctime", "datetime"}},
    {FieldUse::message,
     {"message", "msg", "_msg", "log", "body", "short_message", "MESSAGE", "text", "event"}},
    // These say what happened, but are fields in their own right: they stay.
    {FieldUse::like_message, {"event.original", "error.message", "exception.message"}},
    // What tells one stream of documents from another.
    {FieldUse::service, {"service.name", "service", "service_name", "app", "application"}},
    {FieldUse::host, {"host.name", "host", "hostname", "host.hostname", "agent.hostname"}},
    {FieldUse::level, {"log.level", "level", "severity", "levelname", "loglevel"}}};

struct UseRank {
  FieldUse use = FieldUse::none;
  std::uint8_t rank = 0;
};

/// One look-up a field, whatever it may be used for: documents have many fields, and few that matter.
class UseTable {
 public:
  UseTable() {
    for (const auto& [use, names] : kUseNames) {
      std::uint8_t rank = 0;
      for (const auto name : names)
        if (!name.empty()) insert(name, {use, rank++});
    }
  }
  UseRank find(std::string_view name) const {
    for (std::size_t at = slot_of(name); !slots_[at].name.empty(); at = (at + 1) % kSlots)
      if (slots_[at].name == name) return slots_[at].use;
    return {};
  }

 private:
  static constexpr std::size_t kSlots = 256;
  struct Slot {
    std::string_view name;
    UseRank use;
  };
  static std::size_t slot_of(std::string_view name) {
    const auto at = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(name[i]));
    };
    return (name.size() * 67 + at(0) * 31 + at(name.size() - 1) * 7 + at(name.size() / 2)) % kSlots;
  }
  void insert(std::string_view name, UseRank use) {
    std::size_t at = slot_of(name);
    while (!slots_[at].name.empty()) at = (at + 1) % kSlots;
    slots_[at] = {name, use};
  }
  std::array<Slot, kSlots> slots_{};
};

/// The best field for each use, as indices.
struct BestFields {
  std::array<std::optional<std::size_t>, kFieldUses> at;
  std::array<std::uint8_t, kFieldUses> rank{};

  void offer(FieldUse use, std::uint8_t its_rank, std::size_t index) {
    const auto u = static_cast<std::size_t>(use);
    if (at[u] && rank[u] <= its_rank) return;
    at[u] = index;
    rank[u] = its_rank;
  }
  std::optional<std::size_t> of(FieldUse use) const { return at[static_cast<std::size_t>(use)]; }
};

/// The attribute with the best of the names, an index; `good` says which attributes count.
template <class Good>
std::optional<std::size_t> find_named(const std::vector<Attr>& attributes,
                                      const std::vector<std::string>& names, Good good) {
  for (const auto& name : names)
    for (std::size_t i = 0; i < attributes.size(); ++i)
      if (attributes[i].name == name && good(attributes[i])) return i;
  return std::nullopt;
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

BestFields best_fields(const EventRow& row) {
  static const UseTable kTable;
  BestFields best;
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    const Attr& a = row.attributes[i];
    const UseRank found = a.name.empty() ? UseRank{} : kTable.find(a.name);
    if (found.use == FieldUse::none) continue;
    if (found.use == FieldUse::time ? wire::json::log_time(a.value).has_value() : has_text(a))
      best.offer(found.use, found.rank, i);
  }
  return best;
}

/// In one pass over the attributes: moving them is what costs.
void drop(EventRow& row, std::optional<std::size_t> one, std::optional<std::size_t> other) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    if (one == i || other == i) continue;
    if (out != i) row.attributes[out] = std::move(row.attributes[i]);
    ++out;
  }
  row.attributes.resize(out);
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

Result<> DocumentReader::set_time(EventRow& row, std::size_t index) {
  const Attr& field = row.attributes[index];
  const auto time = wire::json::log_time(field.value);
  if (!time && !says_now(field.value)) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("[{}]: not a time: '{}'", field.name, to_string(field.value).substr(0, 64)));
  }
  row.time = time.value_or(UnixNanos{});
  return {};
}

/// Of the message that a document has; nullopt when its own text stands for it, or a field that stays.
std::optional<std::size_t> DocumentReader::set_message(Document& document, std::string_view json,
                                                       std::optional<std::size_t> found,
                                                       std::optional<std::size_t> like) {
  EventRow& row = document.row;
  if (found) {
    auto& value = row.attributes[*found].value;
    auto* text = std::get_if<std::string>(&value);
    row.message = text != nullptr ? std::move(*text) : to_string(value);
  } else if (like) {
    row.message = to_string(row.attributes[*like].value);
  } else {
    row.message = json;
    document.message_is_source = true;
  }
  while (row.message.ends_with('\n') || row.message.ends_with('\r')) row.message.pop_back();
  return found;
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

Result<Document> DocumentReader::read(std::string_view json, std::size_t readable_after) {
  if (json.size() > limits::kMaxDocumentBytes)
    return fail(ErrorKind::invalid_argument,
                fmt::format("document: over {} bytes", limits::kMaxDocumentBytes));
  Document document;
  EventRow& row = document.row;
  row.attributes.reserve(usual_fields_);
  TT_TRY(reader_.read(json, readable_after, row.attributes));
  usual_fields_ = row.attributes.size() + 3;
  apply_shape(row);
  const auto any = [](const Attr&) { return true; };
  const BestFields best = best_fields(row);
  auto time = shape_.time_fields.empty() ? best.of(FieldUse::time)
                                         : find_named(row.attributes, shape_.time_fields, any);
  // The one usual name that means nothing but the time must be one.
  if (!time && shape_.time_fields.empty()) time = find_named(row.attributes, {"@timestamp"}, any);
  if (time) TT_TRY(set_time(row, *time));
  if (label_source_ && shape_.stream_fields.empty()) {
    for (const auto use : {FieldUse::service, FieldUse::host, FieldUse::level})
      if (const auto at = best.of(use)) row.attributes[*at].kind = AttrKind::label;
  }
  const auto message = shape_.message_fields.empty()
                           ? best.of(FieldUse::message)
                           : find_named(row.attributes, shape_.message_fields, has_text);
  drop(row, time, set_message(document, json, message, best.of(FieldUse::like_message)));
  if (row.message.size() > limits::kMaxLogLineBytes) {
    return fail(ErrorKind::invalid_argument, fmt::format("message: {} bytes are over the limit of {}",
                                                         row.message.size(), limits::kMaxLogLineBytes));
  }
  return document;
}

}  // namespace telltale::ingest
