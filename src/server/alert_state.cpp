#include "server/alert_state.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"

namespace telltale::server {
namespace {

// Rule keys already name the project; the column of its own is for stores that list by project.
constexpr ProjectId kAnyProject{0};

void write_pairs(JsonWriter& w, std::string_view name, const Labels& labels) {
  w.key(name).begin_object();
  for (const auto& label : labels) w.field(label.name, label.value);
  w.end_object();
}

std::string alert_json(const alerting::SavedAlert& saved) {
  JsonWriter w;
  w.begin_object();
  write_pairs(w, "key", saved.labels);
  write_pairs(w, "labels", saved.alert.labels);
  write_pairs(w, "annotations", saved.alert.annotations);
  w.field("state", static_cast<int>(saved.alert.state));
  w.field("keep_firing_since_ms", saved.alert.keep_firing_since.ms);
  w.field("last_sent_ms", saved.alert.last_sent.ms).field("valid_until_ms", saved.alert.valid_until.ms);
  w.end_object();
  return w.take();
}

Labels read_pairs(simdjson::dom::element document, std::string_view name) {
  std::vector<Label> labels;
  simdjson::dom::object object;
  if (document[name].get(object) != simdjson::SUCCESS) return Labels();
  for (const auto field : object) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS)
      labels.push_back({std::string(field.key), std::string(value)});
  }
  return Labels(std::move(labels));
}

std::int64_t read_int(simdjson::dom::element document, std::string_view name) {
  std::int64_t value = 0;
  return document[name].get(value) == simdjson::SUCCESS ? value : 0;
}

}  // namespace

Result<std::vector<alerting::SavedAlert>> RecordedAlertState::load() {
  TT_ASSIGN(const auto states, records_.rule_states().list());
  std::vector<alerting::SavedAlert> alerts;
  simdjson::dom::parser parser;
  for (const auto& state : states) {
    simdjson::dom::element document;
    if (parser.parse(state.labels).get(document) != simdjson::SUCCESS) {
      return fail(ErrorKind::corruption, "alert state of rule " + state.rule + ": not JSON");
    }
    alerting::SavedAlert saved;
    saved.rule_key = state.rule;
    saved.labels = read_pairs(document, "key");
    saved.alert.labels = read_pairs(document, "labels");
    saved.alert.annotations = read_pairs(document, "annotations");
    saved.alert.state = static_cast<alerting::AlertState>(read_int(document, "state"));
    saved.alert.keep_firing_since = {read_int(document, "keep_firing_since_ms")};
    saved.alert.last_sent = {read_int(document, "last_sent_ms")};
    saved.alert.valid_until = {read_int(document, "valid_until_ms")};
    saved.alert.value = state.value;
    saved.alert.active_at = state.active_at.to_millis();
    if (state.fired_at) saved.alert.fired_at = state.fired_at->to_millis();
    if (state.resolved_at) saved.alert.resolved_at = state.resolved_at->to_millis();
    alerts.push_back(std::move(saved));
  }
  return alerts;
}

Result<> RecordedAlertState::save(const std::string& rule_key,
                                  const std::vector<alerting::SavedAlert>& alerts) {
  std::vector<storage::RuleState> states;
  for (const auto& saved : alerts) {
    storage::RuleState state;
    state.project = kAnyProject;
    state.rule = rule_key;
    state.fingerprint = fmt::format("{:016x}", saved.labels.hash());
    state.labels = alert_json(saved);
    state.active_at = UnixNanos::from_millis(saved.alert.active_at);
    if (saved.alert.fired_at.ms != 0) state.fired_at = UnixNanos::from_millis(saved.alert.fired_at);
    if (saved.alert.resolved_at.ms != 0) state.resolved_at = UnixNanos::from_millis(saved.alert.resolved_at);
    state.value = saved.alert.value;
    states.push_back(std::move(state));
  }
  return records_.rule_states().replace(kAnyProject, rule_key, states);
}

}  // namespace telltale::server
