// JSON documents as rows: what Elasticsearch's clients index and what comes as JSON lines. Nested fields
// become attributes with dotted names; time and message are found under the names that shippers and logging
// libraries give them, or under those the caller names, and leave the attributes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/event_row.hpp"
#include "wire/item_error.hpp"
#include "wire/json/fields.hpp"

namespace telltale::ingest {

/// Which fields mean what. Empty lists: the usual names.
struct DocumentShape {
  std::vector<std::string> time_fields;     // the first that is there
  std::vector<std::string> message_fields;  // the first that is there and not empty
  std::vector<std::string> stream_fields;   // labels
  std::vector<std::string> ignore_fields;   // left out; `prefix*` for all that begin so
  std::vector<std::string> decolorize_fields;
  wire::TextPairs extra_fields;  // added, in place of those of the same name
};

struct Document {
  EventRow row;
  /// The document names no message, its own text stands for it: there is nothing more to be read out of it.
  bool message_is_source = false;
};

/// Keeps its buffers from document to document. Not thread-safe; `shape` outlives it.
class DocumentReader {
 public:
  /// `label_source`: the attributes that name service, host and level become labels, unless `shape` names
  /// the stream fields.
  explicit DocumentReader(const DocumentShape& shape, bool label_source = false)
      : shape_(shape), label_source_(label_source) {}

  /// invalid_argument, naming the field, when it is no JSON object or over limits::kMaxDocumentBytes, when a
  /// named time field or @timestamp is no time, and when the message is over limits::kMaxLogLineBytes. A row
  /// without a time gets none.
  Result<Document> read(std::string_view json, std::size_t readable_after);

 private:
  static Result<> set_time(EventRow& row, std::size_t index);
  static std::optional<std::size_t> set_message(Document& document, std::string_view json,
                                                std::optional<std::size_t> found,
                                                std::optional<std::size_t> like);
  void apply_shape(EventRow& row);

  const DocumentShape& shape_;
  const bool label_source_;
  wire::json::FieldReader reader_;
  std::size_t usual_fields_ = 24;
};

/// Removes ANSI escape sequences (colours, cursor) from `text`.
void decolorize(std::string& text);

}  // namespace telltale::ingest
