#include "storage/event_fields.hpp"

#include <algorithm>

namespace telltale::storage {

EventCounter::EventCounter(const EventCountQuery& query)
    : bucket_ns_(query.bucket.count()),
      from_ns_(query.range.from.ns),
      max_groups_(query.max_groups),
      group_by_(query.group_by) {}

UnixNanos EventCounter::bucket_of(UnixNanos time) const {
  if (bucket_ns_ <= 0) return {from_ns_};
  std::int64_t past = time.ns % bucket_ns_;
  if (past < 0) past += bucket_ns_;
  if (time.ns < INT64_MIN + past) return {INT64_MIN};
  return {time.ns - past};
}

Result<> EventCounter::add(UnixNanos time, std::string_view group, std::uint64_t rows) {
  auto found = groups_.find(group);
  if (found == groups_.end()) {
    if (groups_.size() >= max_groups_)
      return fail(ErrorKind::resource_exhausted,
                  "count by " + group_by_ + ": more than " + std::to_string(max_groups_) + " groups");
    found = groups_.emplace(std::string(group), groups_.size()).first;
  }
  counts_[{bucket_of(time).ns, found->second}] += rows;
  return {};
}

std::vector<EventCount> EventCounter::take() {
  std::vector<std::string> names(groups_.size());
  for (const auto& [name, index] : groups_) names[index] = name;
  std::vector<EventCount> out;
  out.reserve(counts_.size());
  for (const auto& [key, rows] : counts_) out.push_back({{key.first}, names[key.second], rows});
  std::sort(out.begin(), out.end(), [](const EventCount& a, const EventCount& b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.group < b.group;
  });
  return out;
}

bool has_fixed_field(const EventRow& row, std::size_t i) {
  const EventIds& ids = row.ids;
  switch (i) {
    case 0:
      return !row.message.empty();
    case 1:
      return ids.level != Level::unknown;
    case 2:
      return !ids.environment.empty();
    case 3:
      return !ids.release.empty();
    case 4:
      return !ids.service.empty();
    case 5:
      return !ids.host.empty();
    case 6:
      return ids.trace_id.present();
    case 7:
      return ids.span_id.present();
    case 8:
      return !ids.request_id.empty();
    case 9:
      return !ids.user_id.empty();
    case 10:
      return !ids.transaction.empty();
    default:
      return false;
  }
}

FieldSet::FieldSet(const std::vector<std::string>& fields) : all_(fields.empty()) {
  for (const std::string& field : fields) {
    const auto known = std::find(std::begin(kFixedFields), std::end(kFixedFields), field);
    if (known == std::end(kFixedFields)) {
      attributes_.insert(field);
    } else {
      fixed_[static_cast<std::size_t>(known - std::begin(kFixedFields))] = true;
    }
  }
}

void FieldSet::copy(const EventRow& from, EventRow& to) const {
  if (all_) {
    to = from;
    to.payload.clear();
    return;
  }
  to = EventRow{};
  to.project = from.project;
  to.time = from.time;
  const auto take = [this](std::size_t i, const auto& value, auto& into) {
    if (fixed_[i]) into = value;
  };
  take(0, from.message, to.message);
  take(1, from.ids.level, to.ids.level);
  take(2, from.ids.environment, to.ids.environment);
  take(3, from.ids.release, to.ids.release);
  take(4, from.ids.service, to.ids.service);
  take(5, from.ids.host, to.ids.host);
  take(6, from.ids.trace_id, to.ids.trace_id);
  take(7, from.ids.span_id, to.ids.span_id);
  take(8, from.ids.request_id, to.ids.request_id);
  take(9, from.ids.user_id, to.ids.user_id);
  take(10, from.ids.transaction, to.ids.transaction);
  for (const Attr& a : from.attributes)
    if (attributes_.contains(a.name)) to.attributes.push_back(a);
}

void FieldCounter::add(const EventRow& row) {
  for (std::size_t i = 0; !kind_ && i < kFixedFieldCount; ++i) fixed_[i] += has_fixed_field(row, i) ? 1 : 0;
  for (const Attr& a : row.attributes)
    if (!kind_ || a.kind == *kind_) ++named_[a.name];
}

void FieldCounter::add(std::string_view field, std::uint64_t rows) { named_[std::string(field)] += rows; }

std::vector<std::pair<std::string, std::uint64_t>> FieldCounter::take(std::size_t limit) {
  for (std::size_t i = 0; i < kFixedFieldCount; ++i)
    if (fixed_[i] != 0) named_[std::string(kFixedFields[i])] += fixed_[i];
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (auto& [name, rows] : named_)
    if (rows != 0) out.emplace_back(name, rows);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace telltale::storage
