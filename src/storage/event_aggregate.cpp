#include "storage/event_aggregate.hpp"

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "storage/event_filter.hpp"

namespace telltale::storage {

namespace {

constexpr std::size_t kBytesPerCell = 96;  // of a map's node, beside its measures

bool takes_text(MeasureOp op) { return op == MeasureOp::count || op == MeasureOp::distinct; }

}  // namespace

Result<> check_aggregate(const EventAggregateQuery& query) {
  const auto bad = [](const std::string& what) {
    return fail(ErrorKind::invalid_argument, "aggregate: " + what);
  };
  if (query.group_by.size() > limits::kMaxGroupFields)
    return bad("more than " + std::to_string(limits::kMaxGroupFields) + " fields to group by");
  if (query.measures.size() > limits::kMaxMeasures)
    return bad("more than " + std::to_string(limits::kMaxMeasures) + " measures");
  if (query.bucket.count() < 0) return bad("a negative bucket");
  for (const std::string& field : query.group_by)
    if (field.empty()) return bad("a field to group by without a name");
  for (const Measure& m : query.measures) {
    if (m.field.empty() && m.op != MeasureOp::count) return bad("a measure without a field");
    if (m.op == MeasureOp::quantile && !(m.q >= 0 && m.q <= 1)) return bad("a quantile outside 0 to 1");
  }
  return {};
}

UnixNanos bucket_start(const EventAggregateQuery& query, UnixNanos time) {
  const std::int64_t size = query.bucket.count();
  if (size <= 0) return query.range.from;
  // In 128 bits: origin and time may be as far apart as there is time.
  const __int128 distance = static_cast<__int128>(time.ns) - query.origin.ns;
  __int128 past = distance % size;
  if (past < 0) past += size;
  const __int128 start = static_cast<__int128>(time.ns) - past;
  return {start < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(start)};
}

void MeasureState::add_text(MeasureOp op, std::string_view text) {
  if (text.empty()) return;
  ++count_;
  if (op == MeasureOp::distinct) sketches().distinct.add_hash(hash64(text));
}

void MeasureState::add_number(MeasureOp op, double value, UnixNanos time, std::uint64_t ordinal) {
  const bool is_first = count_++ == 0;
  const auto earlier = [&] { return time.ns != time_ ? time.ns < time_ : ordinal < ordinal_; };
  switch (op) {
    case MeasureOp::sum:
      value_ += value;
      break;
    case MeasureOp::min:
      if (is_first || value < value_) value_ = value;
      break;
    case MeasureOp::max:
      if (is_first || value > value_) value_ = value;
      break;
    case MeasureOp::first:
    case MeasureOp::last:
      if (is_first || earlier() == (op == MeasureOp::first)) {
        value_ = value;
        time_ = time.ns;
        ordinal_ = ordinal;
      }
      break;
    case MeasureOp::quantile:
      sketches().quantiles.add(value);
      break;
    default:
      break;
  }
}

void MeasureState::merge(MeasureOp op, const MeasureState& other) {
  if (other.count_ == 0) return;
  if (op == MeasureOp::quantile) {
    sketches().quantiles.merge(other.sketches_->quantiles);
  } else if (op == MeasureOp::distinct) {
    sketches().distinct.merge(other.sketches_->distinct);
  } else if (!takes_text(op)) {
    const std::uint64_t before = count_;
    add_number(op, other.value_, {other.time_}, other.ordinal_);
    count_ = before;
  }
  count_ += other.count_;
}

double MeasureState::result(const Measure& measure) const {
  switch (measure.op) {
    case MeasureOp::count:
      return static_cast<double>(count_);
    case MeasureOp::distinct:
      return sketches_ ? static_cast<double>(sketches_->distinct.estimate()) : 0;
    case MeasureOp::quantile:
      if (sketches_) return sketches_->quantiles.quantile(measure.q);
      break;
    default:
      if (count_ != 0) return value_;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::size_t MeasureState::memory_bytes() const {
  std::size_t bytes = sizeof *this;
  if (sketches_)
    bytes += sizeof(Sketches) + sketches_->quantiles.memory_bytes() + sketches_->distinct.memory_bytes();
  return bytes;
}

Error too_many_groups(const EventAggregateQuery& query) {
  std::string by;
  for (const std::string& field : query.group_by) by += (by.empty() ? "" : ", ") + field;
  return Error(ErrorKind::resource_exhausted,
               "aggregate by " + by + ": more than " + std::to_string(query.max_groups) + " groups");
}

std::optional<std::string> RowAggregator::text(const EventRow& row, const std::string& field) const {
  return query_.any_spelling ? spelled_text(row, field) : field_text(row, field);
}

Result<> RowAggregator::add(const EventRow& row, std::uint64_t ordinal) {
  Group group;
  for (const std::string& field : query_.group_by) group.push_back(text(row, field).value_or(""));
  auto known = groups_.find(group);
  std::size_t grown = 0;
  if (known == groups_.end()) {
    if (groups_.size() >= query_.max_groups) return tl::unexpected<Error>(too_many_groups(query_));
    grown = kBytesPerCell;
    for (const std::string& g : group) grown += g.size() + sizeof g;
    known = groups_.emplace(std::move(group), groups_.size()).first;
  }
  const auto [cell, is_new] = cells_.try_emplace({bucket_start(query_, row.time).ns, known->second});
  auto& states = cell->second;
  if (is_new) {
    states.resize(query_.measures.size());
    grown += kBytesPerCell + states.size() * sizeof(MeasureState);
  }
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Measure& m = query_.measures[i];
    const std::size_t before = states[i].memory_bytes();
    if (m.field.empty()) {
      states[i].add_rows(1);
      continue;
    }
    const auto value = text(row, m.field);
    if (!value) continue;
    if (takes_text(m.op)) {
      states[i].add_text(m.op, *value);
    } else if (const auto number = number_of(*value)) {
      states[i].add_number(m.op, *number, row.time, ordinal);
    }
    grown += states[i].memory_bytes() - std::min(before, states[i].memory_bytes());
  }
  if (grown == 0) return {};
  TT_TRY(context_.charge(grown));
  charged_ += grown;
  return {};
}

std::vector<EventAggregateRow> RowAggregator::take() {
  std::vector<const Group*> names(groups_.size());
  for (const auto& [group, index] : groups_) names[index] = &group;
  std::vector<EventAggregateRow> out;
  out.reserve(cells_.size());
  for (const auto& [key, states] : cells_) {
    EventAggregateRow row{{key.first}, *names[key.second], {}};
    for (std::size_t i = 0; i < states.size(); ++i)
      row.values.push_back(states[i].result(query_.measures[i]));
    out.push_back(std::move(row));
  }
  std::sort(out.begin(), out.end(), [](const EventAggregateRow& a, const EventAggregateRow& b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.group < b.group;
  });
  return out;
}

}  // namespace telltale::storage
