#include "quota/body_sampler.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/quota_limits.hpp"

namespace telltale::quota {
namespace {

constexpr std::string_view kModeNames[] = {"all", "automatic", "fixed"};
constexpr std::int64_t kMinuteNs = 60'000'000'000;

}  // namespace

std::string_view to_string(BodyMode mode) { return kModeNames[static_cast<std::size_t>(mode)]; }

Result<BodySettings> parse_body_settings(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "bodies: wants an object");
  BodySettings out;
  for (const auto field : object) {
    if (field.key == "mode") {
      std::string_view text;
      const auto* found = field.value.get(text) == simdjson::SUCCESS
                              ? std::find(std::begin(kModeNames), std::end(kModeNames), text)
                              : std::end(kModeNames);
      if (found == std::end(kModeNames))
        return fail(ErrorKind::invalid_argument, "bodies.mode: wants all, automatic or fixed");
      out.mode = static_cast<BodyMode>(found - std::begin(kModeNames));
    } else if (field.key == "per_minute") {
      if (field.value.get(out.per_minute) != simdjson::SUCCESS ||
          out.per_minute > limits::kMaxBodiesPerMinute)
        return fail(ErrorKind::invalid_argument, fmt::format("bodies.per_minute: wants a number from 0 to {}",
                                                             limits::kMaxBodiesPerMinute));
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("bodies.{}: unknown field", field.key));
    }
  }
  return out;
}

std::string body_settings_json(const BodySettings& settings) {
  JsonWriter w;
  w.begin_object()
      .field("mode", to_string(settings.mode))
      .field("per_minute", settings.per_minute)
      .end_object();
  return w.take();
}

std::uint64_t BodySampler::Minute::budget() const {
  switch (settings.mode) {
    case BodyMode::all:
      return UINT64_MAX;
    case BodyMode::fixed:
      return settings.per_minute;
    case BodyMode::automatic:
      return std::max(limits::kLeastSpikeBodies, usual * limits::kSpikeFactor);
  }
  return UINT64_MAX;
}

void BodySampler::set(ProjectId project, const BodySettings& settings) {
  const MutexLock lock(mutex_);
  projects_[project].settings = settings;
}

BodySettings BodySampler::settings(ProjectId project) const {
  const MutexLock lock(mutex_);
  const auto found = projects_.find(project);
  return found == projects_.end() ? BodySettings() : found->second.settings;
}

void BodySampler::set_usual(ProjectId project, std::uint64_t errors_per_minute) {
  const MutexLock lock(mutex_);
  projects_[project].usual = errors_per_minute;
}

std::uint64_t BodySampler::budget(ProjectId project) const {
  const MutexLock lock(mutex_);
  const auto found = projects_.find(project);
  return found == projects_.end() ? UINT64_MAX : found->second.budget();
}

bool BodySampler::keeps(ProjectId project, std::string_view group, UnixNanos now) {
  const MutexLock lock(mutex_);
  const auto found = projects_.find(project);
  if (found == projects_.end() || found->second.settings.mode == BodyMode::all) return true;
  Minute& minute = found->second;
  if (const std::int64_t number = now.ns / kMinuteNs; number > minute.number) {
    minute.number = number;
    minute.events = minute.sampled = 0;
    minute.groups.clear();
  }
  const bool within = minute.events++ < minute.budget();
  // Groups are counted before the budget is spent, too: what has bodies already needs none of the first few.
  const std::uint64_t hash = hash64(group, project.value);
  if (minute.groups.size() < limits::kMaxSpikeGroups || minute.groups.contains(hash)) {
    if (minute.groups[hash]++ < limits::kSpikeGroupBodies) return true;
  }
  return within || minute.sampled++ % limits::kSpikeSampleEvery == 0;
}

}  // namespace telltale::quota
