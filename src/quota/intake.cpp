#include "quota/intake.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"

namespace telltale::quota {

Result<IntakeSettings> parse_intake_settings(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  IntakeSettings out;
  for (const auto field : object) {
    const std::string value = simdjson::minify(field.value);
    if (field.key == "filters") {
      TT_ASSIGN(out.filters, parse_filter_settings(value));
    } else if (field.key == "bodies") {
      TT_ASSIGN(out.bodies, parse_body_settings(value));
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
    }
  }
  return out;
}

std::string intake_settings_json(const IntakeSettings& settings) {
  JsonWriter w;
  w.begin_object().key("filters").raw(filter_settings_json(settings.filters));
  w.key("bodies").raw(body_settings_json(settings.bodies)).end_object();
  return w.take();
}

Result<> Intake::load(storage::RecordStore& records) {
  TT_ASSIGN(const auto projects, records.settings().list(kIntakeSetting));
  for (const auto& kept : projects) {
    TT_ASSIGN(const auto settings, parse_intake_settings(kept.value));
    const std::string id = kept.key.substr(kIntakeSetting.size());
    TT_TRY(set(ProjectId{static_cast<std::uint32_t>(std::stoul(id))}, settings));
  }
  TT_ASSIGN(const auto keys, records.settings().list(kLimitsSetting));
  for (const auto& kept : keys) {
    const auto key = Id128::parse(kept.key.substr(kLimitsSetting.size()));
    if (!key) return fail(ErrorKind::corruption, kept.key + ": not a DSN key");
    TT_ASSIGN(auto limits, parse_key_limits(kept.value));
    limiter_.set(*key, std::move(limits));
  }
  return {};
}

Result<> Intake::set(ProjectId project, const IntakeSettings& settings) {
  TT_ASSIGN(auto compiled, Filters::compile(settings.filters));
  bodies_.set(project, settings.bodies);
  const MutexLock lock(mutex_);
  filters_[project] = std::make_shared<const Filters>(std::move(compiled));
  return {};
}

std::shared_ptr<const Filters> Intake::filters(ProjectId project) const {
  const MutexLock lock(mutex_);
  const auto found = filters_.find(project);
  if (found == filters_.end() || found->second->empty()) return nullptr;
  return found->second;
}

IntakeSettings Intake::settings(ProjectId project) const {
  IntakeSettings out;
  out.bodies = bodies_.settings(project);
  const MutexLock lock(mutex_);
  if (const auto found = filters_.find(project); found != filters_.end())
    out.filters = found->second->settings();
  return out;
}

Result<> Intake::change(storage::RecordStore& records, ProjectId project, const IntakeSettings& settings) {
  const MutexLock lock(changing_);
  TT_TRY(records.settings().put(fmt::format("{}{}", kIntakeSetting, project.value),
                                intake_settings_json(settings)));
  return set(project, settings);
}

Result<> Intake::change_limits(storage::RecordStore& records, Id128 key, const KeyLimits& limits) {
  const MutexLock lock(changing_);
  const std::string setting = std::string(kLimitsSetting) + key.hex();
  if (limits.empty()) {
    TT_TRY(records.settings().remove(setting));
  } else {
    TT_TRY(records.settings().put(setting, fmt::format("{{\"limits\":{}}}", key_limits_json(limits))));
  }
  limiter_.set(key, limits);
  return {};
}

}  // namespace telltale::quota
