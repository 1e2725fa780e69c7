#include "api/loki/field_detector.hpp"

#include <algorithm>
#include <charconv>

#include <simdjson.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "logql/units.hpp"

namespace telltale::api::loki {
namespace {

constexpr int kMaxJsonDepth = 32;
constexpr std::string_view kJson = "json";
constexpr std::string_view kLogfmt = "logfmt";

bool is_whole_number(std::string_view value) {
  if (value.starts_with('+')) value.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  return problem == std::errc() && end == value.data() + value.size();
}

bool is_truth(std::string_view value) {
  for (const std::string_view word :
       {"true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F"}) {
    if (value == word) return true;
  }
  return false;
}

bool is_named(const std::vector<Label>& labels, std::string_view name) {
  return std::any_of(labels.begin(), labels.end(), [name](const Label& l) { return l.name == name; });
}

/// What both are: whole numbers are real ones, everything is text.
FieldType common_type(FieldType a, FieldType b) {
  if (a == b) return a;
  const auto number = [](FieldType t) { return t == FieldType::integer || t == FieldType::real; };
  return number(a) && number(b) ? FieldType::real : FieldType::string_;
}

}  // namespace

std::string_view to_string(FieldType type) {
  switch (type) {
    case FieldType::integer:
      return "int";
    case FieldType::real:
      return "float";
    case FieldType::boolean:
      return "boolean";
    case FieldType::duration:
      return "duration";
    case FieldType::bytes:
      return "bytes";
    case FieldType::string_:
      break;
  }
  return "string";
}

FieldType field_type(std::string_view value) {
  if (is_whole_number(value)) return FieldType::integer;
  if (logql::parse_go_float(value)) return FieldType::real;
  if (is_truth(value)) return FieldType::boolean;
  if (logql::parse_go_duration(value)) return FieldType::duration;
  if (logql::parse_byte_size(value)) return FieldType::bytes;
  return FieldType::string_;
}

/// Walks one JSON line: nested names joined by `_`, arrays left out.
class JsonFields {
 public:
  JsonFields(FieldDetector& detector, const logql::LogEntry& entry) : detector_(detector), entry_(entry) {}

  void walk(simdjson::dom::object object, const std::string& prefix, int depth) {
    for (const auto member : object) {
      path_.emplace_back(member.key);
      std::string name = prefix;
      if (name.empty()) {
        name = sanitised_name(member.key);
      } else {
        name += '_';
        logql::append_sanitised(name, member.key);
      }
      simdjson::dom::object nested;
      if (member.value.get(nested) == simdjson::SUCCESS) {
        if (depth < kMaxJsonDepth) walk(nested, name, depth + 1);
      } else {
        value(name, member.value);
      }
      path_.pop_back();
    }
  }

 private:
  void value(std::string name, simdjson::dom::element element) {
    std::string text;
    std::string_view string;
    if (element.get(string) == simdjson::SUCCESS) {
      text = string;
    } else if (element.is_array() || element.is_null()) {
      return;
    } else {
      text = simdjson::minify(element);
    }
    if (is_named(entry_.stream, name) || is_named(entry_.metadata, name)) name += "_extracted";
    DetectedField* field = detector_.field(name, kJson);
    if (field == nullptr) return;
    if (field->json_path.empty()) field->json_path = path_;
    detector_.add_value(*field, text);
  }

  FieldDetector& detector_;
  const logql::LogEntry& entry_;
  std::vector<std::string> path_;
};

Result<FieldDetector> FieldDetector::make(std::size_t keep_values) {
  logql::LogQuery query;
  logql::Stage stage;
  stage.kind = logql::StageKind::logfmt;
  query.stages.push_back(std::move(stage));
  TT_ASSIGN(auto pipeline, logql::Pipeline::compile(query));
  return FieldDetector(std::move(pipeline), keep_values);
}

DetectedField* FieldDetector::field(const std::string& name, std::string_view parser) {
  auto found = fields_.find(name);
  if (found == fields_.end()) {
    if (fields_.size() >= limits::kMaxDetectedFields) return nullptr;
    found = fields_.emplace(name, DetectedField{}).first;
  }
  auto& parsers = found->second.parsers;
  if (!parser.empty() && std::find(parsers.begin(), parsers.end(), parser) == parsers.end()) {
    parsers.emplace_back(parser);
  }
  return &found->second;
}

void FieldDetector::add_value(DetectedField& field, std::string_view value) {
  if (value.empty()) return;
  const FieldType type = field_type(value);
  field.type = field.typed ? common_type(field.type, type) : type;
  field.typed = true;
  field.values.add_hash(hash64(value));
  if (field.seen.size() < keep_values_ &&
      std::find(field.seen.begin(), field.seen.end(), value) == field.seen.end()) {
    field.seen.emplace_back(value.substr(0, limits::kMaxFacetValueBytes));
  }
}

bool FieldDetector::add_json(const logql::LogEntry& entry) {
  if (entry.line.empty() || entry.line.front() != '{') return false;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(entry.line).get(object) != simdjson::SUCCESS) return false;
  JsonFields(*this, entry).walk(object, "", 0);
  return true;
}

void FieldDetector::add_logfmt(const logql::LogEntry& entry, const EventRow& row) {
  if (entry.line.find('=') == std::string::npos) return;
  EventRow shown = row;
  shown.message = entry.line;
  logql::LogEntry parsed;
  if (!logfmt_.process(shown, parsed)) return;
  for (const auto& label : parsed.parsed) {
    if (label.name.starts_with("__")) continue;
    if (DetectedField* found = field(label.name, kLogfmt)) add_value(*found, label.value);
  }
}

void FieldDetector::add(const logql::LogEntry& entry, const EventRow& row) {
  for (const auto& label : entry.metadata) {
    if (DetectedField* found = field(label.name, "")) add_value(*found, label.value);
  }
  if (!add_json(entry)) add_logfmt(entry, row);
  // What the query itself extracted by other means: pattern, regexp, label_format.
  for (const auto& label : entry.parsed) {
    if (label.name.starts_with("__") || fields_.contains(label.name)) continue;
    if (DetectedField* found = field(label.name, "")) add_value(*found, label.value);
  }
}

}  // namespace telltale::api::loki
