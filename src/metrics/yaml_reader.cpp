#include "metrics/yaml_reader.ipp"

#include "base/text.hpp"

namespace telltale::metrics {

std::string line_of(const YAML::Node& n) {
  const YAML::Mark mark = n.Mark();
  return mark.is_null() ? std::string() : " (line " + std::to_string(mark.line + 1) + ")";
}

void bad_field(const YAML::Node& n, std::string_view field, const std::string& why) {
  throw ConfigFault{std::string(field) + line_of(n) + ": " + why};
}

std::string as_text(const YAML::Node& n, std::string_view field) {
  if (n.IsNull()) return {};
  if (!n.IsScalar()) bad_field(n, field, "must be a text");
  return n.Scalar();
}

bool as_bool(const YAML::Node& n, std::string_view field) {
  bool v = false;
  if (!YAML::convert<bool>::decode(n, v)) bad_field(n, field, "must be true or false");
  return v;
}

Nanos as_duration(const YAML::Node& n, std::string_view field) {
  const auto d = parse_duration(as_text(n, field));
  if (!d) bad_field(n, field, d.error().message());
  if (*d <= Nanos(0)) bad_field(n, field, "must be above zero");
  return *d;
}

std::uint64_t as_count(const YAML::Node& n, std::string_view field) {
  std::uint64_t v = 0;
  if (as_text(n, field).starts_with('-') || !YAML::convert<std::uint64_t>::decode(n, v)) {
    bad_field(n, field, "must be a whole number, zero or more");
  }
  return v;
}

std::size_t as_size(const YAML::Node& n, std::string_view field) {
  const std::string text = as_text(n, field);
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  static constexpr std::pair<std::string_view, int> kUnits[] = {
      {"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
      {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};
  const std::string unit = to_lower(std::string_view(text).substr(digits));
  for (const auto& [name, shift] : kUnits) {
    if (unit == name && digits > 0 && digits < 10) return std::stoull(text.substr(0, digits)) << shift;
  }
  bad_field(n, field, "must be a size such as 10MB");
}

std::vector<std::string> as_texts(const YAML::Node& n, std::string_view field) {
  std::vector<std::string> out;
  if (n.IsNull()) return out;
  if (!n.IsSequence()) bad_field(n, field, "must be a list");
  for (const auto& item : n) out.push_back(as_text(item, field));
  return out;
}

Labels as_labels(const YAML::Node& n, std::string_view field) {
  std::vector<Label> out;
  if (n.IsNull()) return {};
  if (!n.IsMap()) bad_field(n, field, "must be a mapping");
  for (const auto& kv : n) out.push_back({kv.first.Scalar(), as_text(kv.second, field)});
  return Labels(std::move(out));
}

const YAML::Node& as_map(const YAML::Node& n, std::string_view field) {
  if (!n.IsMap() && !n.IsNull()) bad_field(n, field, "must be a mapping");
  return n;
}

const YAML::Node& as_list(const YAML::Node& n, std::string_view field) {
  if (!n.IsSequence() && !n.IsNull()) bad_field(n, field, "must be a list");
  return n;
}

}  // namespace telltale::metrics
