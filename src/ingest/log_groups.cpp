// One setting a group and one a stream; their keys sort as their names do.
#include "ingest/log_groups.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace telltale::ingest {
namespace {

std::string group_key(ProjectId project, std::string_view group) {
  return fmt::format("cloudwatch/group/{}/{}", project.value, group);
}
// A group's name has no colon.
std::string stream_key(ProjectId project, std::string_view group, std::string_view stream) {
  return fmt::format("cloudwatch/stream/{}/{}:{}", project.value, group, stream);
}

std::string encode_group(const LogGroup& group) {
  JsonWriter w;
  w.begin_object().field("created", group.created.ns);
  if (group.retention_days) w.field("retention_days", *group.retention_days);
  w.key("tags").begin_object();
  for (const auto& [key, value] : group.tags) w.field(key, value);
  w.end_object().end_object();
  return w.take();
}

LogGroup decode_group(std::string name, std::string_view text) {
  LogGroup out;
  out.name = std::move(name);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return out;
  std::int64_t number = 0;
  if (root["created"].get(number) == simdjson::SUCCESS) out.created = {number};
  if (root["retention_days"].get(number) == simdjson::SUCCESS) out.retention_days = number;
  simdjson::dom::object tags;
  if (root["tags"].get(tags) != simdjson::SUCCESS) return out;
  for (const auto tag : tags) {
    std::string_view value;
    if (tag.value.get(value) == simdjson::SUCCESS)
      out.tags.emplace_back(std::string(tag.key), std::string(value));
  }
  return out;
}

UnixNanos decode_created(std::string_view text) {
  std::int64_t ns = 0;
  std::from_chars(text.data(), text.data() + text.size(), ns);
  return {ns};
}

tl::unexpected<Error> no_group() {
  return fail(ErrorKind::not_found, "The specified log group does not exist.");
}
tl::unexpected<Error> no_stream() {
  return fail(ErrorKind::not_found, "The specified log stream does not exist.");
}

}  // namespace

Result<> LogGroups::put(ProjectId project, const LogGroup& group) {
  return records_.settings().put(group_key(project, group.name), encode_group(group));
}

Result<> LogGroups::create_group(ProjectId project, std::string_view group, const wire::TextPairs& tags) {
  return records_.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto known, records_.settings().get(group_key(project, group)));
    if (known) return fail(ErrorKind::conflict, "The specified log group already exists");
    TT_ASSIGN(const auto all, records_.settings().list(group_key(project, "")));
    if (all.size() >= limits::kMaxLogGroups)
      return fail(ErrorKind::resource_exhausted, fmt::format("over {} log groups", limits::kMaxLogGroups));
    return put(project, {std::string(group), clock_.now(), std::nullopt, tags});
  });
}

Result<> LogGroups::create_stream(ProjectId project, std::string_view group, std::string_view stream) {
  return records_.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto known, records_.settings().get(group_key(project, group)));
    if (!known) return no_group();
    const std::string key = stream_key(project, group, stream);
    TT_ASSIGN(const auto there, records_.settings().get(key));
    if (there) return fail(ErrorKind::conflict, "The specified log stream already exists");
    TT_TRY(forget_oldest_stream(project));
    return records_.settings().put(key, std::to_string(clock_.now().ns));
  });
}

Result<> LogGroups::forget_oldest_stream(ProjectId project) {
  TT_ASSIGN(const auto all, records_.settings().list(fmt::format("cloudwatch/stream/{}/", project.value)));
  if (all.size() < limits::kMaxLogStreams) return {};
  const auto oldest = std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return decode_created(a.value) < decode_created(b.value);
  });
  return records_.settings().remove(oldest->key);
}

Result<> LogGroups::require_stream(ProjectId project, std::string_view group, std::string_view stream) {
  TT_ASSIGN(const auto there, records_.settings().get(stream_key(project, group, stream)));
  if (there) return {};
  TT_ASSIGN(const auto known, records_.settings().get(group_key(project, group)));
  if (!known) return no_group();
  return no_stream();
}

Result<LogGroup> LogGroups::group(ProjectId project, std::string_view group) {
  TT_ASSIGN(const auto known, records_.settings().get(group_key(project, group)));
  if (!known) return no_group();
  return decode_group(std::string(group), *known);
}

Result<> LogGroups::set_retention(ProjectId project, std::string_view name,
                                  std::optional<std::int64_t> days) {
  return records_.transaction([&]() -> Result<> {
    TT_ASSIGN(LogGroup known, group(project, name));
    known.retention_days = days;
    return put(project, known);
  });
}

Result<> LogGroups::change_tags(ProjectId project, std::string_view name, const wire::TextPairs& tags,
                                const std::vector<std::string>& keys) {
  return records_.transaction([&]() -> Result<> {
    TT_ASSIGN(LogGroup known, group(project, name));
    const auto named = [](const std::string& key) {
      return [&key](const auto& tag) { return tag.first == key; };
    };
    for (const auto& key : keys) std::erase_if(known.tags, named(key));
    for (const auto& tag : tags) {
      std::erase_if(known.tags, named(tag.first));
      known.tags.push_back(tag);
    }
    if (known.tags.size() > limits::kMaxCloudWatchTags)
      return fail(ErrorKind::resource_exhausted, fmt::format("over {} tags", limits::kMaxCloudWatchTags));
    return put(project, known);
  });
}

Result<> LogGroups::forget_group(ProjectId project, std::string_view name) {
  return records_.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto known, records_.settings().get(group_key(project, name)));
    if (!known) return no_group();
    TT_ASSIGN(const auto its_streams, records_.settings().list(stream_key(project, name, "")));
    for (const auto& stream : its_streams) TT_TRY(records_.settings().remove(stream.key));
    return records_.settings().remove(group_key(project, name));
  });
}

Result<> LogGroups::forget_stream(ProjectId project, std::string_view group, std::string_view stream) {
  return records_.transaction([&]() -> Result<> {
    TT_TRY(require_stream(project, group, stream));
    return records_.settings().remove(stream_key(project, group, stream));
  });
}

Result<std::vector<LogGroup>> LogGroups::groups(ProjectId project, std::string_view prefix) {
  const std::size_t before = group_key(project, "").size();
  TT_ASSIGN(const auto all, records_.settings().list(group_key(project, prefix)));
  std::vector<LogGroup> out;
  for (const auto& setting : all) out.push_back(decode_group(setting.key.substr(before), setting.value));
  return out;
}

Result<std::vector<LogStream>> LogGroups::streams(ProjectId project, std::string_view name,
                                                  std::string_view prefix) {
  TT_ASSIGN(const auto known, records_.settings().get(group_key(project, name)));
  if (!known) return no_group();
  const std::size_t before = stream_key(project, name, "").size();
  TT_ASSIGN(const auto all, records_.settings().list(stream_key(project, name, prefix)));
  std::vector<LogStream> out;
  for (const auto& setting : all) out.push_back({setting.key.substr(before), decode_created(setting.value)});
  return out;
}

}  // namespace telltale::ingest
