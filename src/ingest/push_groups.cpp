// A group is kept as text, in the format it came in: a comment with the time of the push, a series named
// kGroupSeries with the group's labels, then what was pushed, families as comments in front of theirs.
#include "ingest/push_groups.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"
#include "ingest/text_numbers.hpp"

namespace telltale::ingest {
namespace {

constexpr std::string_view kGroupSetting = "push_group/";
constexpr std::string_view kGroupSeries = "push_group";
constexpr std::string_view kFamilyLabel = "__family__";
constexpr std::string_view kPushTime = "push_time_seconds";
constexpr Millis kWriteAgain = std::chrono::seconds(60);

/// Label names of a path, as Pushgateway takes them.
bool is_label_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9') || name.starts_with("__")) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void add_sample(wire::MetricWrite& out, wire::LabelPacker& packer, const Labels& labels, double value,
                UnixMillis time) {
  packer.clear();
  for (const Label& l : labels) packer.add(l.name, l.value);
  out.begin(packer, out.series.size());
  Sample sample;
  sample.time = time;
  sample.value = value;
  out.add(sample);
  out.end_series();
}

}  // namespace

Result<Labels> group_from_path(std::string_view path) {
  constexpr std::string_view kBase64 = "@base64";
  std::vector<Label> labels;
  std::set<std::string, std::less<>> names;
  const auto next = [&path] {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    return part;
  };
  while (!path.empty()) {
    std::string name(next());
    const bool encoded = name.size() > kBase64.size() && name.ends_with(kBase64);
    if (encoded) name.resize(name.size() - kBase64.size());
    const bool has_value = !path.empty();
    std::string value(next());
    if (!has_value) return fail(ErrorKind::invalid_argument, "path: label " + name + " has no value");
    if (encoded) {
      const auto decoded = value == "=" ? std::string() : from_base64(value);
      if (!decoded) return fail(ErrorKind::invalid_argument, "path: label " + name + " is not base64");
      value = *decoded;
    }
    if (!is_label_name(name))
      return fail(ErrorKind::invalid_argument, "path: \"" + name + "\" names no label");
    if (!names.insert(name).second)
      return fail(ErrorKind::invalid_argument, "path: label " + name + " stands twice");
    labels.push_back({std::move(name), std::move(value)});
  }
  if (labels.empty() || labels.front().name != "job" || labels.front().value.empty())
    return fail(ErrorKind::invalid_argument, "path: expected /metrics/job/<job>{/<label>/<value>}");
  return Labels(std::move(labels));
}

std::string PushGroups::setting_of(const Key& key) {
  return fmt::format("{}{}/{}", kGroupSetting, key.first.value, hash128(key.second.to_string()).hex());
}

std::string PushGroups::text_of(const Key& key, const Group& group) {
  Labels name = key.second;
  name.set(kMetricName, kGroupSeries);
  std::string out = fmt::format("{} {}\n", name.to_string(), group.pushed.ms);
  for (const Number& n : group.numbers) {
    Labels labels = n.labels;
    labels.set(kFamilyLabel, n.family);
    out += fmt::format("{} {}\n", labels.to_string(), n.value);
  }
  return out;
}

Result<std::pair<PushGroups::Key, PushGroups::Group>> PushGroups::group_of(ProjectId project,
                                                                           std::string_view text) {
  TT_ASSIGN(const auto read, wire::prometheus::parse_text(text, wire::prometheus::TextFormat::prometheus));
  std::pair<Key, Group> out;
  out.first.first = project;
  for (const auto& sample : read.samples) {
    Labels labels = sample.labels;
    if (labels.get(kMetricName) == kGroupSeries) {
      labels.erase(kMetricName);
      out.first.second = labels;
      out.second.pushed.ms = static_cast<std::int64_t>(sample.value);
      continue;
    }
    std::string family(labels.get(kFamilyLabel));
    labels.erase(kFamilyLabel);
    out.second.numbers.push_back({std::move(labels), std::move(family), sample.value});
  }
  if (out.first.second.empty()) return fail(ErrorKind::corruption, "a kept group without labels");
  return out;
}

Result<std::unique_ptr<PushGroups>> PushGroups::open(storage::RecordStore& records, Ingest& ingest,
                                                     const Clock& clock, const Logger& log) {
  std::unique_ptr<PushGroups> out(new PushGroups(records, ingest, clock, log));
  TT_ASSIGN(const auto kept, records.settings().list(kGroupSetting));
  const MutexLock lock(out->mutex_);
  for (const auto& setting : kept) {
    std::uint32_t project = 0;
    const std::string_view rest = std::string_view(setting.key).substr(kGroupSetting.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), project);
    auto group = group_of(ProjectId{project}, setting.value);
    if (group) {
      out->groups_.insert(*std::move(group));
    } else {
      log.warn("a pushed group was not read", {{"key", setting.key}, {"reason", group.error().message()}});
    }
  }
  return out;
}

Result<> PushGroups::write(const Key& key, const Group& group, const std::vector<Labels>& gone,
                           UnixMillis now) {
  wire::MetricWrite out;
  wire::LabelPacker packer;
  for (const Number& n : group.numbers) add_sample(out, packer, n.labels, n.value, now);
  if (!group.numbers.empty()) {
    Labels about = key.second;
    about.set(kMetricName, kPushTime);
    add_sample(out, packer, about, static_cast<double>(group.pushed.ms) / 1000, now);
  }
  for (const Labels& labels : gone) add_sample(out, packer, labels, stale_nan(), now);
  TT_ASSIGN(const auto outcome, ingest_.write_numbers(key.first, std::move(out)));
  if (outcome.rejected.empty()) return {};
  return fail(ErrorKind::invalid_argument, outcome.rejected.front().reason);
}

// What is kept is masked, too: a group is found again by its masked labels.
Result<> PushGroups::push(ProjectId project, const Labels& sent_labels, std::string_view body,
                          wire::prometheus::TextFormat format, bool replace) {
  TT_ASSIGN(const auto text, wire::prometheus::parse_text(body, format));
  const UnixMillis now = clock_.now().to_millis();
  const Labels labels = ingest_.mask_labels(project, sent_labels);
  Group next;
  next.pushed = next.written = now;
  std::set<std::string> families;
  for (const auto& sample : text.samples) {
    if (sample.time)
      return fail(ErrorKind::invalid_argument, "pushed samples must not have a time of their own");
    Labels own = ingest_.mask_labels(project, sample.labels);
    for (const Label& l : labels) own.set(l.name, l.value);
    std::string family = family_of_series(text, own.get(kMetricName));
    families.insert(family);
    next.numbers.push_back({std::move(own), std::move(family), sample.value});
  }
  const MutexLock lock(mutex_);
  const Key key{project, labels};
  const auto before = groups_.find(key);
  const auto of_project =
      std::count_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.first.first == project; });
  if (before == groups_.end() && static_cast<std::size_t>(of_project) >= limits::kMaxPushGroups) {
    return fail(ErrorKind::resource_exhausted,
                fmt::format("over the limit of {} groups; delete some", limits::kMaxPushGroups));
  }
  std::vector<Labels> gone;
  std::set<Labels> kept;
  for (const Number& n : next.numbers) kept.insert(n.labels);
  if (before != groups_.end()) {
    for (const Number& n : before->second.numbers) {
      if (!replace && families.count(n.family) == 0) {
        next.numbers.push_back(n);
      } else if (kept.count(n.labels) == 0) {
        gone.push_back(n.labels);
      }
    }
  }
  if (next.numbers.size() > limits::kMaxPushGroupSeries) {
    return fail(ErrorKind::too_large, fmt::format("{} series are over the limit of {} for one group",
                                                  next.numbers.size(), limits::kMaxPushGroupSeries));
  }
  TT_TRY(write(key, next, gone, now));
  TT_TRY(records_.settings().put(setting_of(key), text_of(key, next)));
  groups_[key] = std::move(next);
  return {};
}

Result<> PushGroups::remove(ProjectId project, const Labels& sent_labels) {
  const Labels labels = ingest_.mask_labels(project, sent_labels);
  const MutexLock lock(mutex_);
  const Key key{project, labels};
  const auto found = groups_.find(key);
  if (found == groups_.end()) return {};
  std::vector<Labels> gone;
  for (const Number& n : found->second.numbers) gone.push_back(n.labels);
  Labels about = labels;
  about.set(kMetricName, kPushTime);
  gone.push_back(about);
  TT_TRY(write(key, {}, gone, clock_.now().to_millis()));
  TT_TRY(records_.settings().remove(setting_of(key)));
  groups_.erase(found);
  return {};
}

void PushGroups::tick() {
  const UnixMillis now = clock_.now().to_millis();
  const MutexLock lock(mutex_);
  for (auto& [key, group] : groups_) {
    if (now - group.written < kWriteAgain) continue;
    if (const auto done = write(key, group, {}, now); !done) {
      log_.warn("a pushed group was not written again",
                {{"group", key.second.to_string()}, {"reason", done.error().message()}});
      continue;
    }
    group.written = now;
  }
}

std::size_t PushGroups::size() const {
  const MutexLock lock(mutex_);
  return groups_.size();
}

}  // namespace telltale::ingest
