#include "metrics/target_group.hpp"

#include <simdjson.h>

#include "metrics/yaml_reader.ipp"

namespace telltale::metrics {
namespace {

using JsonElement = simdjson::dom::element;

Result<TargetGroup> json_group(const JsonElement& item) {
  TargetGroup group;
  simdjson::dom::object object;
  if (item.get_object().get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "must be a list of objects");
  for (const auto& field : object) {
    if (field.key == "targets") {
      simdjson::dom::array list;
      if (field.value.get_array().get(list) != simdjson::SUCCESS)
        return fail(ErrorKind::invalid_argument, "targets: must be a list");
      for (const JsonElement target : list) {
        std::string_view text;
        if (target.get_string().get(text) != simdjson::SUCCESS)
          return fail(ErrorKind::invalid_argument, "targets: must be a list of texts");
        group.targets.emplace_back(text);
      }
    } else if (field.key == "labels") {
      simdjson::dom::object labels;
      if (field.value.get_object().get(labels) != simdjson::SUCCESS)
        return fail(ErrorKind::invalid_argument, "labels: must be an object");
      std::vector<Label> out;
      for (const auto& label : labels) {
        std::string_view text;
        if (label.value.get_string().get(text) != simdjson::SUCCESS)
          return fail(ErrorKind::invalid_argument, "labels: values must be texts");
        out.push_back({std::string(label.key), std::string(text)});
      }
      group.labels = Labels(std::move(out));
    } else {
      return fail(ErrorKind::invalid_argument, "unknown key " + std::string(field.key));
    }
  }
  return group;
}

}  // namespace

std::vector<TargetGroup> as_groups(const YAML::Node& n, std::string_view field) {
  std::vector<TargetGroup> out;
  if (n.IsNull()) return out;
  if (!n.IsSequence()) bad_field(n, field, "must be a list");
  for (const auto& item : n) {
    TargetGroup group;
    if (!item.IsMap()) bad_field(item, field, "must be a list of mappings");
    for (const auto& kv : item) {
      const std::string key = kv.first.Scalar();
      if (key == "targets") {
        group.targets = as_texts(kv.second, "targets");
      } else if (key == "labels") {
        group.labels = as_labels(kv.second, "labels");
      } else {
        bad_field(kv.first, field, "unknown key " + key);
      }
    }
    out.push_back(std::move(group));
  }
  return out;
}

Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text, std::string_view where) {
  return guarded_yaml(text, where, [](const YAML::Node& n) { return as_groups(n, "target groups"); });
}

Result<std::vector<TargetGroup>> parse_json_target_groups(std::string_view text, std::string_view where) {
  const auto refuse = [where](std::string_view why) {
    return fail(ErrorKind::invalid_argument, std::string(where) + ": " + std::string(why));
  };
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  const simdjson::padded_string padded(text);
  if (parser.parse(padded).get_array().get(list) != simdjson::SUCCESS) return refuse("not a JSON list");
  std::vector<TargetGroup> out;
  for (const JsonElement item : list) {
    auto group = json_group(item);
    if (!group) return refuse(group.error().message());
    out.push_back(*std::move(group));
  }
  return out;
}

}  // namespace telltale::metrics
