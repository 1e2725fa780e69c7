#include "search/facets.hpp"

#include <algorithm>
#include <set>

#include "base/limits.hpp"
#include "storage/event_fields.hpp"

namespace telltale::search {
namespace {

constexpr std::size_t kDefaultFields = 15;
constexpr std::size_t kBytesPerValue = 64;  // of a map's node, beside the text

constexpr std::string_view kFirstFields[] = {"level", "service",     "environment", "release",
                                             "host",  "transaction", "user_id"};

bool differs_by_nature(std::string_view field) {
  static const std::set<std::string_view> kFields = {"message",
                                                     "trace_id",
                                                     "span_id",
                                                     "request_id",
                                                     "event_id",
                                                     "parent_span_id",
                                                     "duration_ns",
                                                     "group_hashes",
                                                     "group_hashes_before",
                                                     "error.value",
                                                     "observed_time_ns",
                                                     "url.full",
                                                     "span.event_count",
                                                     "sentry.trace.parent_span_id"};
  return kFields.contains(field);
}

}  // namespace

FacetCounter::FacetCounter(std::vector<std::string> fields, WorkContext& context) : context_(context) {
  for (std::string& name : fields) {
    fields_.emplace_back();
    fields_.back().name = std::move(name);
  }
}

FacetCounter::~FacetCounter() { context_.release(charged_); }

Result<> FacetCounter::add(const EventRow& row) {
  ++rows_;
  for (Field& field : fields_) {
    auto text = field_text(row, field.name);
    if (!text || text->empty()) continue;
    ++field.rows;
    const auto known = field.values.find(*text);
    if (known != field.values.end()) {
      ++known->second;
      continue;
    }
    if (text->size() > limits::kMaxFacetValueBytes || field.values.size() >= limits::kMaxFacetValues) {
      field.complete = false;
      continue;
    }
    const std::size_t bytes = text->size() + kBytesPerValue;
    TT_TRY(context_.charge(bytes));
    charged_ += bytes;
    field.values.emplace(*std::move(text), 1);
  }
  return {};
}

Facets FacetCounter::take(std::size_t limit) const {
  Facets out;
  out.sampled_rows = rows_;
  for (const Field& field : fields_) {
    Facet facet{field.name, field.rows, field.values.size(), {}};
    for (const auto& [value, count] : field.values) facet.values.push_back({value, count});
    const std::size_t shown = std::min(limit, facet.values.size());
    std::partial_sort(facet.values.begin(), facet.values.begin() + static_cast<std::ptrdiff_t>(shown),
                      facet.values.end(), [](const FacetValue& a, const FacetValue& b) {
                        return a.count != b.count ? a.count > b.count : a.value < b.value;
                      });
    facet.values.resize(shown);
    out.exact = out.exact && field.complete;
    out.facets.push_back(std::move(facet));
  }
  return out;
}

std::vector<std::string> facet_fields(const std::vector<EventRow>& rows, std::size_t limit) {
  storage::FieldCounter counter;
  for (const EventRow& row : rows) counter.add(row);
  const auto seen = counter.take(0);
  std::vector<std::string> out;
  for (const std::string_view field : kFirstFields)
    if (std::any_of(seen.begin(), seen.end(), [&](const auto& s) { return s.first == field; }))
      out.emplace_back(field);
  for (const auto& [field, count] : seen) {
    if (differs_by_nature(field) || std::find(out.begin(), out.end(), field) != out.end()) continue;
    out.push_back(field);
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

namespace {

storage::EventAggregateQuery counts_of(const storage::EventQuery& rows) {
  storage::EventAggregateQuery out;
  out.table = rows.table;
  out.projects = rows.projects;
  out.range = rows.range;
  out.filter = rows.filter;
  out.measures.push_back({storage::MeasureOp::count, "", 0});
  out.max_groups = limits::kMaxFacetValues + 1;  // and rows without the field
  return out;
}

/// nullopt when the field has more values, or longer ones, than are told apart.
Result<std::optional<Facet>> exact_facet(storage::EventStore& store, const storage::EventQuery& rows,
                                         const std::string& field, std::size_t limit, WorkContext& context) {
  storage::EventAggregateQuery query = counts_of(rows);
  query.group_by.push_back(field);
  auto groups = store.aggregate(query, context);
  if (!groups) {
    if (groups.error().kind() == ErrorKind::resource_exhausted &&
        groups.error().message().starts_with("aggregate by "))
      return std::nullopt;
    return tl::unexpected<Error>(std::move(groups).error());
  }
  Facet facet{field, 0, 0, {}};
  for (auto& group : *groups) {
    std::string& value = group.group[0];
    if (value.empty()) continue;
    if (value.size() > limits::kMaxFacetValueBytes) return std::nullopt;
    const auto count = static_cast<std::uint64_t>(group.values[0]);
    facet.rows += count;
    facet.values.push_back({std::move(value), count});
  }
  facet.distinct = facet.values.size();
  const std::size_t shown = std::min(limit, facet.values.size());
  std::partial_sort(facet.values.begin(), facet.values.begin() + static_cast<std::ptrdiff_t>(shown),
                    facet.values.end(), [](const FacetValue& a, const FacetValue& b) {
                      return a.count != b.count ? a.count > b.count : a.value < b.value;
                    });
  facet.values.resize(shown);
  return facet;
}

/// Of the newest rows.
Result<Facets> sampled_facets(storage::EventStore& store, storage::EventQuery rows,
                              std::vector<std::string> fields, std::size_t limit, WorkContext& context) {
  rows.fields = fields;
  rows.limit = limits::kMaxFacetRows + 1;  // one more tells that there are more
  FacetCounter counter(std::move(fields), context);
  TT_ASSIGN(const auto cursor, store.select(rows, context));
  std::vector<EventRow> batch;
  bool more = false;
  while (!more) {
    TT_TRY(cursor->next(batch));
    if (batch.empty()) break;
    for (const EventRow& row : batch) {
      more = counter.rows() == limits::kMaxFacetRows;
      if (more) break;
      TT_TRY(counter.add(row));
    }
  }
  Facets out = counter.take(limit);
  out.exact = out.exact && !more;
  return out;
}

}  // namespace

Result<Facets> facets(storage::EventStore& store, storage::EventQuery rows, std::vector<std::string> fields,
                      std::size_t limit, WorkContext& context) {
  rows.order = storage::Order::newest_first;
  rows.with_payload = false;
  if (fields.empty()) {
    rows.limit = limits::kFacetProbeRows;
    TT_ASSIGN(const auto newest, storage::collect(store, rows, context));
    fields = facet_fields(newest, kDefaultFields);
    if (fields.empty()) return Facets{{}, newest.size(), true};
  }
  Facets out;
  TT_ASSIGN(const auto total, store.aggregate(counts_of(rows), context));
  if (!total.empty()) out.sampled_rows = static_cast<std::uint64_t>(total.front().values[0]);
  std::vector<std::string> unruly;
  for (const std::string& field : fields) {
    TT_ASSIGN(auto facet, exact_facet(store, rows, field, limit, context));
    out.facets.push_back(facet ? *std::move(facet) : Facet{field, 0, 0, {}});
    if (!facet) unruly.push_back(field);
  }
  if (unruly.empty()) return out;
  TT_ASSIGN(Facets sample, sampled_facets(store, std::move(rows), unruly, limit, context));
  out.exact = sample.exact;
  out.sampled_rows = sample.sampled_rows;
  for (Facet& facet : sample.facets)
    for (Facet& slot : out.facets)
      if (slot.field == facet.field) slot = facet;
  return out;
}

}  // namespace telltale::search
