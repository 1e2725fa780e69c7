#include "quota/filters.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "base/quota_limits.hpp"

namespace telltale::quota {
namespace {

using List = std::vector<std::string> FilterSettings::*;
using Switch = bool FilterSettings::*;

constexpr std::pair<std::string_view, List> kLists[] = {
    {"releases", &FilterSettings::releases},
    {"error_messages", &FilterSettings::error_messages},
    {"expected_types", &FilterSettings::expected_types},
    {"expected_statuses", &FilterSettings::expected_statuses},
    {"transactions", &FilterSettings::transactions},
    {"addresses", &FilterSettings::addresses},
};
constexpr std::pair<std::string_view, Switch> kSwitches[] = {
    {"health_checks", &FilterSettings::health_checks},
    {"browser_extensions", &FilterSettings::browser_extensions},
    {"localhost", &FilterSettings::localhost},
    {"legacy_browsers", &FilterSettings::legacy_browsers},
    {"web_crawlers", &FilterSettings::web_crawlers},
};

Result<std::vector<std::string>> patterns_of(std::string_view name, simdjson::dom::element value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() > limits::kMaxFilterPatterns)
    return fail(ErrorKind::invalid_argument, fmt::format("filters.{}: wants a list of at most {} texts", name,
                                                         limits::kMaxFilterPatterns));
  std::vector<std::string> out;
  for (const auto entry : list) {
    std::string_view text;
    if (entry.get(text) != simdjson::SUCCESS || text.empty() || text.size() > limits::kMaxFilterPatternBytes)
      return fail(ErrorKind::invalid_argument, fmt::format("filters.{}[{}]: wants a text of 1 to {} bytes",
                                                           name, out.size(), limits::kMaxFilterPatternBytes));
    out.emplace_back(text);
  }
  return out;
}

Result<std::vector<errors::Glob>> globs_of(std::string_view name, const std::vector<std::string>& patterns) {
  std::vector<errors::Glob> out;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    auto glob = errors::Glob::parse(patterns[i], errors::Glob::Kind::words);
    if (!glob)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("filters.{}[{}]: {}", name, i, glob.error().message()));
    out.push_back(*std::move(glob));
  }
  return out;
}

bool any_matches(const std::vector<errors::Glob>& globs, std::string_view text) {
  return std::any_of(globs.begin(), globs.end(), [&](const errors::Glob& g) { return g.matches(text); });
}

bool message_matches(const std::vector<errors::Glob>& globs, const FilterFacts& facts) {
  if (globs.empty()) return false;
  if (!facts.message.empty() && any_matches(globs, facts.message)) return true;
  return std::any_of(facts.exceptions.begin(), facts.exceptions.end(),
                     [&](const FilterFacts::Thrown& thrown) {
                       return any_matches(globs, thrown.type) || any_matches(globs, thrown.value) ||
                              any_matches(globs, fmt::format("{}: {}", thrown.type, thrown.value));
                     });
}

bool of_extension(const FilterFacts& facts) {
  return std::any_of(facts.sources.begin(), facts.sources.end(), is_browser_extension) ||
         std::any_of(facts.exceptions.begin(), facts.exceptions.end(), [](const FilterFacts::Thrown& thrown) {
           return is_extension_message(thrown.value) || is_browser_extension(thrown.value);
         });
}

}  // namespace

Result<FilterSettings> parse_filter_settings(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "filters: wants an object");
  FilterSettings out;
  for (const auto field : object) {
    const auto named = [&](const auto& row) { return row.first == field.key; };
    const auto* list = std::find_if(std::begin(kLists), std::end(kLists), named);
    const auto* on = std::find_if(std::begin(kSwitches), std::end(kSwitches), named);
    if (list != std::end(kLists)) {
      TT_ASSIGN(out.*list->second, patterns_of(field.key, field.value));
    } else if (on != std::end(kSwitches)) {
      if (field.value.get(out.*on->second) != simdjson::SUCCESS)
        return fail(ErrorKind::invalid_argument, fmt::format("filters.{}: wants true or false", field.key));
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("filters.{}: unknown field", field.key));
    }
  }
  TT_ASSIGN(const auto compiled, Filters::compile(out));
  (void)compiled;
  return out;
}

std::string filter_settings_json(const FilterSettings& settings) {
  JsonWriter w;
  w.begin_object();
  for (const auto& [name, list] : kLists) {
    w.key(name).begin_array();
    for (const std::string& text : settings.*list) w.string(text);
    w.end_array();
  }
  for (const auto& [name, on] : kSwitches) w.field(name, settings.*on);
  w.end_object();
  return w.take();
}

Result<Filters> Filters::compile(FilterSettings settings) {
  Filters out;
  TT_ASSIGN(out.releases_, globs_of("releases", settings.releases));
  TT_ASSIGN(out.messages_, globs_of("error_messages", settings.error_messages));
  TT_ASSIGN(out.types_, globs_of("expected_types", settings.expected_types));
  TT_ASSIGN(out.statuses_, globs_of("expected_statuses", settings.expected_statuses));
  TT_ASSIGN(out.transactions_, globs_of("transactions", settings.transactions));
  TT_ASSIGN(out.addresses_, parse_cidrs(settings.addresses, "filters.addresses"));
  out.settings_ = std::move(settings);
  return out;
}

std::string_view Filters::strikes(const FilterFacts& facts) const {
  if (!releases_.empty() && any_matches(releases_, facts.release)) return "release";
  for (const std::string_view text : {facts.user_address, facts.sender_address}) {
    const auto address = addresses_.empty() || text.empty() ? std::nullopt : IpAddress::parse(text);
    if (address && any_contains(addresses_, *address)) return "ip_address";
  }
  if (settings_.localhost &&
      (is_local_host(facts.url) || (!facts.user_address.empty() && is_local_host(facts.user_address))))
    return "localhost";
  if (settings_.web_crawlers && is_web_crawler(facts.user_agent)) return "web_crawler";
  if (settings_.legacy_browsers && is_legacy_browser(facts.user_agent)) return "legacy_browser";
  if (facts.transaction) {
    if ((settings_.health_checks && is_health_check(facts.name)) || any_matches(transactions_, facts.name))
      return "health_check";
    return {};
  }
  if (message_matches(messages_, facts)) return "error_message";
  // The outermost exception is the one that was not caught: the last.
  if (!types_.empty() && !facts.exceptions.empty() && any_matches(types_, facts.exceptions.back().type))
    return "expected_error";
  if (!facts.status.empty() && any_matches(statuses_, facts.status)) return "expected_error";
  if (settings_.browser_extensions && of_extension(facts)) return "browser_extension";
  return {};
}

}  // namespace telltale::quota
