#include "logs/label_search.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/limits.hpp"

namespace telltale::logs {
namespace {

storage::EventAggregateQuery aggregate_of(const LabelQuery& query) {
  storage::EventAggregateQuery out;
  out.projects = query.projects;
  out.range = query.range;
  out.filter = query.filter;
  out.any_spelling = true;
  out.max_groups = limits::kMaxLabelAnswers;
  return out;
}

/// Whether any row has a service, from counts.
Result<bool> any_service(storage::EventStore& store, const LabelQuery& query, WorkContext& context) {
  storage::EventQuery rows;
  rows.projects = query.projects;
  rows.range = query.range;
  rows.filter = storage::EventFilter::all_of(
      {query.filter, storage::EventFilter::leaf(storage::FilterOp::exists, "service")});
  rows.limit = 1;
  rows.fields = {"service"};
  TT_ASSIGN(const auto found, storage::collect(store, rows, context));
  return !found.empty();
}

Result<std::vector<std::string>> service_values(storage::EventStore& store, const LabelQuery& query,
                                                WorkContext& context) {
  storage::EventCountQuery count;
  count.projects = query.projects;
  count.range = query.range;
  count.filter = query.filter;
  count.group_by = "service";
  count.max_groups = limits::kMaxLabelAnswers;
  TT_ASSIGN(const auto counts, store.count(count, context));
  std::vector<std::string> values;
  for (const auto& c : counts) values.push_back(c.group);
  return values;
}

std::vector<std::string> tidy(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (!values.empty() && values.front().empty()) values.erase(values.begin());
  return values;
}

void add_sets(const std::vector<storage::EventAggregateRow>& rows, const std::vector<std::string>& names,
              std::set<LabelSet>& sets) {
  for (const auto& row : rows) {
    LabelSet set;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!row.group[i].empty()) set.emplace_back(names[i], row.group[i]);
    }
    if (!set.empty()) sets.insert(std::move(set));
  }
}

/// Mean bytes of a line, of all rows and of each group, from the newest ones.
struct LineBytes {
  double mean = 0;
  std::map<std::vector<std::string>, double> groups;
  std::uint64_t streams = 0;

  double of(const std::vector<std::string>& group) const {
    const auto found = groups.find(group);
    return found == groups.end() ? mean : found->second;
  }
};

Result<LineBytes> sample_lines(storage::EventStore& store, const LabelQuery& query,
                               const std::vector<std::string>& labels, WorkContext& context) {
  storage::EventQuery rows;
  rows.projects = query.projects;
  rows.range = query.range;
  rows.filter = query.filter;
  rows.limit = limits::kVolumeSampleRows;
  TT_ASSIGN(const auto newest, storage::collect(store, rows, context));
  LineBytes out;
  std::map<std::vector<std::string>, std::pair<double, double>> sums;
  std::set<LabelSet> streams;
  double bytes = 0;
  for (const EventRow& row : newest) {
    std::vector<std::string> group;
    for (const auto& label : labels) group.push_back(spelled_text(row, label).value_or(""));
    auto& [sum, n] = sums[group];
    sum += static_cast<double>(row.message.size());
    n += 1;
    bytes += static_cast<double>(row.message.size());
    LabelSet stream{{std::string(kServiceLabel), row.ids.service}};
    for (const Attr& a : row.attributes) {
      if (a.kind == AttrKind::label) stream.emplace_back(a.name, to_string(a.value));
    }
    streams.insert(std::move(stream));
  }
  for (const auto& [group, sum] : sums) out.groups[group] = sum.first / sum.second;
  if (!newest.empty()) out.mean = bytes / static_cast<double>(newest.size());
  out.streams = streams.size();
  return out;
}

Result<std::vector<storage::EventAggregateRow>> count_groups(storage::EventStore& store,
                                                             const VolumeQuery& query, WorkContext& context) {
  // Counts by service are what a store knows of whole blocks.
  const bool by_service = query.labels.size() == 1 && query.labels.front() == kServiceLabel;
  if (by_service && query.step.count() == 0) {
    storage::EventCountQuery count;
    count.projects = query.projects;
    count.range = query.range;
    count.filter = query.filter;
    count.group_by = "service";
    count.max_groups = limits::kMaxLabelAnswers;
    TT_ASSIGN(const auto counts, store.count(count, context));
    std::vector<storage::EventAggregateRow> rows;
    for (const auto& c : counts)
      rows.push_back({query.range.from, {c.group}, {static_cast<double>(c.count)}});
    return rows;
  }
  auto aggregate = aggregate_of(query);
  aggregate.group_by = query.labels;
  aggregate.bucket = query.step;
  aggregate.origin = query.range.from;
  aggregate.measures = {{storage::MeasureOp::count, "", 0}};
  return store.aggregate(aggregate, context);
}

}  // namespace

Result<std::vector<std::string>> label_names(storage::EventStore& store, const LabelQuery& query,
                                             WorkContext& context) {
  storage::EventQuery fields;
  fields.projects = query.projects;
  fields.range = query.range;
  fields.filter = query.filter;
  fields.kind = AttrKind::label;
  TT_ASSIGN(const auto found, store.fields(fields, context));
  std::vector<std::string> names;
  for (const auto& [name, rows] : found) names.push_back(sanitised_name(name));
  TT_ASSIGN(const bool service, any_service(store, query, context));
  if (service) names.emplace_back(kServiceLabel);
  return tidy(std::move(names));
}

Result<std::vector<std::string>> label_values(storage::EventStore& store, const LabelQuery& query,
                                              const std::string& name, WorkContext& context) {
  if (name == kServiceLabel) {
    TT_ASSIGN(auto services, service_values(store, query, context));
    return tidy(std::move(services));
  }
  auto aggregate = aggregate_of(query);
  aggregate.group_by = {name};
  TT_ASSIGN(const auto rows, store.aggregate(aggregate, context));
  std::vector<std::string> values;
  for (const auto& row : rows) values.push_back(row.group.front());
  return tidy(std::move(values));
}

Result<std::vector<LabelSet>> label_sets(storage::EventStore& store, const LabelQuery& query,
                                         WorkContext& context) {
  TT_ASSIGN(const auto names, label_names(store, query, context));
  std::set<LabelSet> sets;
  auto aggregate = aggregate_of(query);
  if (names.size() <= limits::kMaxGroupFields) {
    aggregate.group_by = names;
    TT_ASSIGN(const auto rows, store.aggregate(aggregate, context));
    add_sets(rows, names, sets);
    return std::vector<LabelSet>(sets.begin(), sets.end());
  }
  // Services seldom share all their labels: each by those of its own.
  TT_ASSIGN(const auto services, service_values(store, query, context));
  for (const auto& service : services) {
    LabelQuery own = query;
    own.filter = storage::EventFilter::all_of(
        {query.filter, storage::EventFilter::leaf(storage::FilterOp::eq, "service", service)});
    TT_ASSIGN(auto own_names, label_names(store, own, context));
    if (own_names.size() > limits::kMaxGroupFields) own_names.resize(limits::kMaxGroupFields);
    aggregate.filter = own.filter;
    aggregate.group_by = own_names;
    TT_ASSIGN(const auto rows, store.aggregate(aggregate, context));
    add_sets(rows, own_names, sets);
    if (sets.size() > limits::kMaxLabelAnswers) {
      return fail(ErrorKind::resource_exhausted,
                  "series: more than " + std::to_string(limits::kMaxLabelAnswers) + "; narrow the selector");
    }
  }
  return std::vector<LabelSet>(sets.begin(), sets.end());
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> label_cardinalities(
    storage::EventStore& store, const LabelQuery& query, const std::vector<std::string>& names,
    WorkContext& context) {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  auto aggregate = aggregate_of(query);
  for (const auto& name : names) {
    if (aggregate.measures.size() == limits::kMaxMeasures) break;
    aggregate.measures.push_back({storage::MeasureOp::distinct, name, 0});
  }
  if (aggregate.measures.empty()) return out;
  TT_ASSIGN(const auto rows, store.aggregate(aggregate, context));
  if (rows.empty()) return out;
  for (std::size_t i = 0; i < aggregate.measures.size(); ++i) {
    const double n = rows.front().values[i];
    out.emplace_back(names[i], std::isnan(n) ? 0 : static_cast<std::uint64_t>(std::llround(n)));
  }
  return out;
}

Result<std::vector<Volume>> volumes(storage::EventStore& store, const VolumeQuery& query,
                                    WorkContext& context) {
  TT_ASSIGN(const auto lines, sample_lines(store, query, query.labels, context));
  TT_ASSIGN(const auto rows, count_groups(store, query, context));
  std::map<std::vector<std::string>, Volume> groups;
  for (const auto& row : rows) {
    const bool nameless =
        std::all_of(row.group.begin(), row.group.end(), [](const auto& v) { return v.empty(); });
    if (nameless && !query.labels.empty()) continue;
    Volume& volume = groups[row.group];
    volume.values = row.group;
    const double count = row.values.front();
    const auto bytes = static_cast<std::uint64_t>(std::llround(count * lines.of(row.group)));
    volume.bytes.emplace_back(row.bucket, bytes);
    volume.total += bytes;
    volume.rows += static_cast<std::uint64_t>(count);
  }
  std::vector<Volume> out;
  for (auto& [group, volume] : groups) out.push_back(std::move(volume));
  std::stable_sort(out.begin(), out.end(),
                   [](const Volume& a, const Volume& b) { return a.total > b.total; });
  return out;
}

Result<Amount> amount(storage::EventStore& store, const LabelQuery& query, WorkContext& context) {
  storage::EventCountQuery count;
  count.projects = query.projects;
  count.range = query.range;
  count.filter = query.filter;
  TT_ASSIGN(const auto counts, store.count(count, context));
  Amount out;
  for (const auto& c : counts) out.rows += c.count;
  TT_ASSIGN(const auto lines, sample_lines(store, query, {}, context));
  out.bytes = static_cast<std::uint64_t>(std::llround(static_cast<double>(out.rows) * lines.mean));
  out.streams = lines.streams;
  return out;
}

}  // namespace telltale::logs
