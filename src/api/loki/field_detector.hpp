// The fields of log lines, found by reading a sample of them: what came beside the lines, and what JSON or
// logfmt would extract from them, each with the type of its values and about how many there are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sketch.hpp"
#include "logql/pipeline.hpp"

namespace telltale::api::loki {

enum class FieldType : unsigned char { string_, integer, real, boolean, duration, bytes };
std::string_view to_string(FieldType type);
/// Of one value, in Loki's order: int, float, boolean, duration, bytes, string.
FieldType field_type(std::string_view value);

struct DetectedField {
  FieldType type = FieldType::string_;
  bool typed = false;
  std::vector<std::string> parsers;    // json, logfmt; none for what came beside the line
  std::vector<std::string> json_path;  // of a json field
  DistinctSketch values;
  std::vector<std::string> seen;  // the first different ones
};

/// Not thread-safe. At most limits::kMaxDetectedFields fields; stream labels are none.
class FieldDetector {
 public:
  /// `keep_values`: how many different values of a field to remember.
  static Result<FieldDetector> make(std::size_t keep_values);
  /// An entry, and the row it is made of.
  void add(const logql::LogEntry& entry, const EventRow& row);
  const std::map<std::string, DetectedField>& fields() const { return fields_; }

 private:
  FieldDetector(logql::Pipeline logfmt, std::size_t keep_values)
      : logfmt_(std::move(logfmt)), keep_values_(keep_values) {}
  DetectedField* field(const std::string& name, std::string_view parser);
  void add_value(DetectedField& field, std::string_view value);
  bool add_json(const logql::LogEntry& entry);
  void add_logfmt(const logql::LogEntry& entry, const EventRow& row);
  friend class JsonFields;

  logql::Pipeline logfmt_;
  std::size_t keep_values_;
  std::map<std::string, DetectedField> fields_;
};

}  // namespace telltale::api::loki
