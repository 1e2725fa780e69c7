// Order matters and is Loki's: what the sender said beats what the line seems to say.
#include "wire/loki/discover.hpp"

#include "base/text.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::loki {
namespace {

constexpr std::string_view kServiceLabels[] = {"service",
                                               "app",
                                               "application",
                                               "app_name",
                                               "name",
                                               "app_kubernetes_io_name",
                                               "container",
                                               "container_name",
                                               "k8s_container_name",
                                               "component",
                                               "workload",
                                               "job",
                                               "k8s_job_name"};

constexpr std::string_view kLevelNames[] = {"level",    "log.level",     "log_level",
                                            "severity", "severity_text", "severitytext",
                                            "lvl",      "loglevel",      "detected_level"};

bool names_level(std::string_view key) {
  for (const auto name : kLevelNames)
    if (equal_ignore_case(key, name)) return true;
  return false;
}

Level level_in_object(json::Value value, int depth) {
  json::Object object;
  if (value.get(object) != simdjson::SUCCESS) return Level::unknown;
  for (const auto& [key, v] : object) {
    std::string_view text;
    if (names_level(key) && v.get(text) == simdjson::SUCCESS)
      if (const Level level = level_from(text); level != Level::unknown) return level;
  }
  if (depth >= 2) return Level::unknown;
  for (const auto& [key, v] : object)
    if (const Level level = level_in_object(v, depth + 1); level != Level::unknown) return level;
  return Level::unknown;
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/// `level=warn` or `level="warn"` anywhere in the line.
Level level_in_logfmt(std::string_view line) {
  for (std::size_t eq = line.find('='); eq != std::string_view::npos; eq = line.find('=', eq + 1)) {
    std::size_t start = eq;
    while (start > 0 && is_word_char(line[start - 1])) --start;
    if (!names_level(line.substr(start, eq - start))) continue;
    std::string_view value = line.substr(eq + 1);
    if (value.starts_with('"')) value.remove_prefix(1);
    std::size_t end = 0;
    while (end < value.size() && is_word_char(value[end])) ++end;
    if (const Level level = level_from(value.substr(0, end)); level != Level::unknown) return level;
  }
  return Level::unknown;
}

Level level_in_words(std::string_view line) {
  constexpr std::size_t kWordScanBytes = 256;  // a level stands near the front
  line = line.substr(0, kWordScanBytes);
  for (std::size_t i = 0; i < line.size();) {
    if (!is_word_char(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && is_word_char(line[end])) ++end;
    const std::string word = to_lower(line.substr(i, end - i));
    for (const std::string_view known :
         {"trace", "debug", "info", "warn", "warning", "error", "err", "critical", "fatal", "panic"})
      if (word == known) return known == "panic" ? Level::fatal : level_from(known);
    i = end;
  }
  return Level::unknown;
}

}  // namespace

std::string discover_service_name(const Labels& labels) {
  if (labels.has("service_name")) return std::string(labels.get("service_name"));
  for (const auto name : kServiceLabels)
    if (labels.has(name)) return std::string(labels.get(name));
  return "unknown_service";
}

Level detect_level(const Labels& labels, const TextPairs& metadata, std::string_view line) {
  for (const auto& [key, value] : metadata)
    if (names_level(key))
      if (const Level level = level_from(value); level != Level::unknown) return level;
  for (const Label& label : labels)
    if (names_level(label.name))
      if (const Level level = level_from(label.value); level != Level::unknown) return level;
  const std::size_t first = line.find_first_not_of(" \t");
  if (first != std::string_view::npos && line[first] == '{') {
    if (const auto doc = json::Document::parse(line)) return level_in_object(doc->root(), 1);
  }
  if (const Level level = level_in_logfmt(line); level != Level::unknown) return level;
  return level_in_words(line);
}

std::string_view detected_level_name(Level level) {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warn";
    case Level::error:
      return "error";
    case Level::fatal:
      return "fatal";
    case Level::unknown:
      break;
  }
  return "unknown";
}

}  // namespace telltale::wire::loki
