// One row on its way through a pipeline: its line, its labels by name, its error. Texts are views into the
// row, the line or the state's own arena; all end with the next start().
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/event_row.hpp"
#include "model/labels.hpp"

namespace telltale::logql {

inline constexpr std::string_view kErrorLabel = "__error__";
inline constexpr std::string_view kErrorDetailsLabel = "__error_details__";

namespace pipeline_error {
inline constexpr std::string_view kJson = "JSONParserErr";
inline constexpr std::string_view kLogfmt = "LogfmtParserErr";
inline constexpr std::string_view kSample = "SampleExtractionErr";
inline constexpr std::string_view kLabelFilter = "LabelFilterErr";
inline constexpr std::string_view kTemplate = "TemplateFormatErr";
}  // namespace pipeline_error

/// Where a label of the answer belongs.
enum class LabelHome : unsigned char { stream, metadata, parsed };

class RowState {
 public:
  struct Entry {
    std::string_view name;
    std::string_view value;
    LabelHome home;
  };

  /// The row must stay until the next start().
  void start(const EventRow& row);
  const EventRow& row() const { return *row_; }
  UnixNanos time() const { return row_->time; }
  std::string_view line() const { return line_; }
  void set_line(std::string_view line) { line_ = line; }

  /// The label; where there is none, the row's own field of that spelling, unless it was dropped. nullopt:
  /// absent.
  std::optional<std::string_view> get(std::string_view name);
  /// Name and value must outlive the row (copy()). Replaces a label of that name.
  void set(std::string_view name, std::string_view value, LabelHome home = LabelHome::parsed);
  /// Also hides a field of that spelling.
  void erase(std::string_view name);
  /// Whether the row came with a label of that name.
  bool base_has(std::string_view name) const;
  bool has_parsed(std::string_view name) const;
  /// What a parser does: sets `name`, or `name_extracted` where the row came with that label; a second value
  /// is dropped.
  void extract(std::string_view name, std::string_view value);

  const std::vector<Entry>& labels() const { return labels_; }
  /// Keeps the labels for which `keep` is true; hides every field that is not a label. Errors stay.
  template <class Keep>
  void keep_if(const Keep& keep) {
    std::erase_if(labels_, [&](const Entry& e) { return !keep(e); });
    hide_fields_ = true;
  }

  bool has_error() const { return !error_.empty(); }
  std::string_view error() const { return error_; }
  std::string_view error_details() const { return details_; }
  /// The kind must be one of pipeline_error; the details are copied.
  void set_error(std::string_view kind, std::string_view details);
  void clear_error() { error_ = {}; }
  void clear_error_details() { details_ = {}; }

  std::string_view copy(std::string_view text);
  std::string_view keep(std::string text);

 private:
  const Entry* find(std::string_view name) const;
  std::string_view sane_name(std::string_view name, bool& changed);

  const EventRow* row_ = nullptr;
  std::string_view line_;
  std::vector<Entry> labels_;
  std::vector<std::string_view> base_;  // names the row came with
  std::vector<std::string_view> hidden_;
  bool hide_fields_ = false;
  std::string_view error_;
  std::string_view details_;
  std::deque<std::string> texts_;
  std::size_t used_texts_ = 0;
  std::unordered_map<std::string, std::string> sane_names_;
};

/// A set of names that live as long as it does; what parsers name their labels by.
class NameTable {
 public:
  /// The same text, in the table; nullopt-like empty view once the table is full.
  std::string_view intern(std::string_view name);

 private:
  std::unordered_map<std::string_view, std::size_t> index_;
  std::deque<std::string> names_;
};

}  // namespace telltale::logql
