#include "traces/trace_list.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/limits.hpp"
#include "traces/span_facts.hpp"

namespace telltale::traces {
namespace {

constexpr int kLookUpBatches = 2;
constexpr std::size_t kBytesPerCandidate = 64;
constexpr std::size_t kBytesPerSummary = 512;

/// A summary that grows span by span, in any order.
class SummaryBuilder {
 public:
  void add(const EventRow& span) {
    const UnixNanos end = span.time + duration_of(span);
    if (summary_.span_count == 0 || span.time < summary_.start) summary_.start = span.time;
    if (summary_.span_count == 0 || end > end_) end_ = end;
    ++summary_.span_count;
    if (is_failed(span)) ++summary_.error_count;
    if (!span.ids.service.empty()) services_.insert(span.ids.service);
    const AttrValue* parent = span.find(attr::kParentSpanId);
    const bool parentless = parent == nullptr || to_string(*parent).empty();
    const auto rank = std::make_tuple(!parentless, span.time, span.ids.span_id);
    if (summary_.span_count == 1 || rank < root_rank_) {
      root_rank_ = rank;
      summary_.root_name = span.message;
      summary_.root_service = span.ids.service;
    }
  }
  TraceSummary finish(Id128 id) && {
    summary_.id = id;
    summary_.duration = end_ - summary_.start;
    summary_.services.assign(services_.begin(), services_.end());
    return std::move(summary_);
  }

 private:
  TraceSummary summary_;
  UnixNanos end_;
  std::set<std::string> services_;
  std::tuple<bool, UnixNanos, Id64> root_rank_;
};

bool newer(const TraceSummary& a, const TraceSummary& b) {
  return a.start != b.start ? a.start > b.start : a.id > b.id;
}

class TraceSearch {
 public:
  TraceSearch(storage::EventStore& store, const TraceQuery& query, WorkContext& context)
      : store_(store), query_(query), context_(context) {}

  Result<TraceList> run() {
    TT_TRY(open_candidates());
    const std::size_t batch_size = std::clamp<std::size_t>(query_.limit, 20, limits::kTraceBatch);
    for (int batch = 0; batch < kLookUpBatches && !settled(); ++batch) {
      TT_ASSIGN(const auto ids, next_candidates(batch_size));
      TT_TRY(look_up(ids));
    }
    if (!settled()) {
      TT_ASSIGN(const auto rest, next_candidates(SIZE_MAX));
      TT_TRY(sweep(rest));
    }
    std::sort(out_.traces.begin(), out_.traces.end(), newer);
    const bool more = out_.traces.size() > query_.limit || !exhausted_;
    if (out_.traces.size() > query_.limit) out_.traces.resize(query_.limit);
    if (more && !out_.traces.empty())
      out_.next = TraceCursor{out_.traces.back().start, out_.traces.back().id};
    return std::move(out_);
  }

 private:
  using Ids = std::vector<Id128>;

  Result<> open_candidates() {
    storage::EventQuery spans = all_spans(candidate_range());
    spans.filter = query_.filter;
    spans.fields = {"trace_id"};
    spans.limit = limits::kMaxTraceScanSpans + 1;
    TT_ASSIGN(candidates_, store_.select(spans, context_));
    return {};
  }

  storage::EventQuery all_spans(TimeRange range) const {
    storage::EventQuery spans;
    spans.table = Table::spans;
    spans.projects = query_.projects;
    spans.range = range;
    return spans;
  }

  TimeRange candidate_range() const {
    TimeRange range = query_.range;
    if (!query_.after) return range;
    const bool every = query_.filter.op == storage::FilterOp::all && query_.filter.children.empty();
    const Nanos overlap = every ? Nanos(0) : TraceQuery::kPageOverlap;
    range.to = std::min(range.to, query_.after->start + overlap + Nanos(1));
    return range;
  }

  TimeRange wide_range() const {
    const Nanos slack = std::chrono::seconds(limits::kTraceSlackSeconds);
    return {query_.range.from - slack, query_.range.to + slack};
  }

  /// Traces not met before, in the order of their newest matching span.
  Result<Ids> next_candidates(std::size_t count) {
    Ids ids;
    while (ids.size() < count) {
      if (row_ == rows_.size()) {
        row_ = 0;
        TT_TRY(candidates_->next(rows_));
        if (rows_.empty()) {
          exhausted_ = true;
          break;
        }
      }
      const EventRow& row = rows_[row_++];
      walked_to_ = row.time;
      if (++walked_ > limits::kMaxTraceScanSpans) {
        out_.complete = false;
        exhausted_ = true;
        break;
      }
      if (!row.ids.trace_id.present() || !met_.insert(row.ids.trace_id).second) continue;
      TT_TRY(context_.charge(kBytesPerCandidate));
      ids.push_back(row.ids.trace_id);
    }
    return ids;
  }

  /// True when no candidate that is left can be among the newest: a trace does not start after its spans.
  bool settled() {
    if (exhausted_) return true;
    if (out_.traces.size() < query_.limit) return false;
    const auto last = out_.traces.begin() + static_cast<std::ptrdiff_t>(query_.limit - 1);
    std::nth_element(out_.traces.begin(), last, out_.traces.end(), newer);
    return walked_to_ < last->start;
  }

  Result<> look_up(const Ids& ids) {
    if (ids.empty()) return {};
    storage::EventQuery spans = all_spans(wide_range());
    std::vector<std::string> texts;
    for (const Id128& id : ids) texts.push_back(id.hex());
    spans.filter = storage::EventFilter::one_of("trace_id", std::move(texts));
    return summarise(std::move(spans), ids);
  }

  Result<> sweep(const Ids& ids) {
    if (ids.empty()) return {};
    return summarise(all_spans(wide_range()), ids);
  }

  Result<> summarise(storage::EventQuery spans, const Ids& ids) {
    spans.fields = fact_fields();
    for (const char* field : {"trace_id", "span_id", "service", "message"}) spans.fields.emplace_back(field);
    spans.limit = limits::kMaxTraceSweepSpans + 1;
    TT_TRY(context_.charge(ids.size() * kBytesPerSummary));
    std::unordered_map<Id128, SummaryBuilder> builders;
    for (const Id128& id : ids) builders.try_emplace(id);
    TT_ASSIGN(const auto cursor, store_.select(spans, context_));
    std::vector<EventRow> rows;
    for (std::size_t read = 0;; read += rows.size()) {
      TT_TRY(cursor->next(rows));
      if (rows.empty()) break;
      if (read + rows.size() > limits::kMaxTraceSweepSpans) out_.complete = false;
      for (const EventRow& row : rows) {
        const auto found = builders.find(row.ids.trace_id);
        if (found != builders.end()) found->second.add(row);
      }
    }
    for (auto& [id, builder] : builders) {
      TraceSummary summary = std::move(builder).finish(id);
      if (summary.span_count > 0 && wanted(summary)) out_.traces.push_back(std::move(summary));
    }
    context_.release(ids.size() * kBytesPerSummary);
    return {};
  }

  bool wanted(const TraceSummary& trace) const {
    if (query_.after && std::tie(trace.start, trace.id) >= std::tie(query_.after->start, query_.after->id))
      return false;
    if (query_.errors_only && trace.error_count == 0) return false;
    if (query_.min_duration && trace.duration < *query_.min_duration) return false;
    return !query_.max_duration || trace.duration <= *query_.max_duration;
  }

  storage::EventStore& store_;
  const TraceQuery& query_;
  WorkContext& context_;
  std::unique_ptr<storage::EventCursor> candidates_;
  std::vector<EventRow> rows_;
  std::size_t row_ = 0;
  std::size_t walked_ = 0;
  UnixNanos walked_to_{INT64_MAX};
  bool exhausted_ = false;
  std::unordered_set<Id128> met_;
  TraceList out_;
};

}  // namespace

std::string TraceCursor::text() const { return std::to_string(start.ns) + "-" + id.hex(); }

std::optional<TraceCursor> TraceCursor::parse(std::string_view text) {
  TraceCursor cursor;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), cursor.start.ns);
  const auto at = static_cast<std::size_t>(end - text.data());
  if (problem != std::errc() || cursor.start.ns < 0 || at >= text.size() || text[at] != '-')
    return std::nullopt;
  const auto id = Id128::parse(text.substr(at + 1));
  if (!id) return std::nullopt;
  cursor.id = *id;
  return cursor;
}

Result<TraceList> list_traces(storage::EventStore& store, const TraceQuery& query, WorkContext& context) {
  return TraceSearch(store, query, context).run();
}

}  // namespace telltale::traces
