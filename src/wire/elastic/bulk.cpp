// Shippers write the same action line a thousand times: a line equal to the one before is not parsed again.
#include "wire/elastic/bulk.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::elastic {
namespace {

/// Lines of a body without their ends; the last needs no newline.
class BulkLines {
 public:
  explicit BulkLines(std::string_view body) : rest_(body) {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  std::uint32_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::uint32_t number_ = 0;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

std::optional<BulkAction> action_from(std::string_view name) {
  for (const auto action : {BulkAction::index, BulkAction::create, BulkAction::update, BulkAction::remove})
    if (to_string(action) == name) return action;
  return std::nullopt;
}

class BulkParser {
 public:
  BulkParser(std::string_view body, std::string_view default_index)
      : lines_(body), default_index_(default_index) {}

  Result<BulkRequest> run() {
    std::string_view line;
    while (lines_.next(line)) {
      if (is_blank(line)) continue;
      TT_ASSIGN(BulkItem item, action(line));
      item.line = lines_.number();
      if (out_.items.size() >= limits::kMaxRowsPerRequest) {
        return fail(ErrorKind::too_large,
                    fmt::format("over {} actions in one request", limits::kMaxRowsPerRequest));
      }
      if (item.action != BulkAction::remove && (!lines_.next(item.document) || is_blank(item.document)))
        item.error = fmt::format("line {}: the document is missing", item.line + 1);
      out_.items.push_back(std::move(item));
    }
    return std::move(out_);
  }

 private:
  Result<BulkItem> action(std::string_view line) {
    if (line == last_line_) return last_;
    auto item = parse_action(line);
    if (!item) {
      return fail(ErrorKind::invalid_argument, fmt::format("Malformed action/metadata line [{}]: {}",
                                                           lines_.number(), item.error().message()));
    }
    // An id is of one document: such a line never comes twice, and must not be taken for its successor.
    if (item->id.empty()) {
      last_line_ = line;
      last_ = *item;
    }
    return item;
  }

  Result<BulkItem> parse_action(std::string_view line) {
    const auto bad = [](std::string reason) { return fail(ErrorKind::invalid_argument, std::move(reason)); };
    json::Value root;
    if (const auto error = parser_.parse(line.data(), line.size(), true).get(root);
        error != simdjson::SUCCESS)
      return bad(std::string("not valid JSON: ") + simdjson::error_message(error));
    json::Object object;
    if (root.get(object) != simdjson::SUCCESS || object.size() != 1)
      return bad("expected an object with one of index, create, update, delete");
    const auto field = *object.begin();
    const auto action = action_from(field.key);
    if (!action) return bad(fmt::format("unknown action [{}]", field.key.substr(0, 64)));
    json::Object meta;
    if (field.value.get(meta) != simdjson::SUCCESS)
      return bad(fmt::format("[{}]: expected an object", field.key));
    BulkItem item;
    item.action = *action;
    std::string index(default_index_);
    if (auto name = json::get_text(field.value, "_index"); !name.empty()) index = std::move(name);
    item.id = json::get_text(field.value, "_id");
    if (index.empty()) {
      item.error = "_index: is missing";
    } else if (index.size() > limits::kMaxIndexNameBytes) {
      item.error = fmt::format("_index: over {} bytes", limits::kMaxIndexNameBytes);
    }
    if (item.id.size() > limits::kMaxDocumentIdBytes) {
      item.error = fmt::format("_id: over {} bytes", limits::kMaxDocumentIdBytes);
      item.id.clear();
    }
    if (item.error.empty()) {
      const auto number = number_of(std::move(index));
      if (!number)
        item.error = fmt::format("_index: over {} of them in one request", limits::kMaxBulkIndices);
      item.index = number.value_or(0);
    } else if (out_.indices.empty()) {
      item.index = *number_of("");
    }
    return item;
  }

  std::optional<std::uint32_t> number_of(std::string index) {
    for (std::size_t i = out_.indices.size(); i-- > 0;)
      if (out_.indices[i] == index) return static_cast<std::uint32_t>(i);
    if (out_.indices.size() >= limits::kMaxBulkIndices) return std::nullopt;
    out_.indices.push_back(std::move(index));
    return static_cast<std::uint32_t>(out_.indices.size() - 1);
  }

  BulkLines lines_;
  const std::string_view default_index_;
  simdjson::dom::parser parser_;
  std::string_view last_line_;
  BulkItem last_;
  BulkRequest out_;
};

}  // namespace

std::string_view to_string(BulkAction action) {
  switch (action) {
    case BulkAction::index:
      return "index";
    case BulkAction::create:
      return "create";
    case BulkAction::update:
      return "update";
    case BulkAction::remove:
      return "delete";
  }
  return "unknown";
}

Result<BulkRequest> parse_bulk(std::string_view body, std::string_view default_index) {
  return BulkParser(body, default_index).run();
}

}  // namespace telltale::wire::elastic
