#include "traces/trace_list.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>

#include "base/limits.hpp"
#include "query/group_walk.hpp"
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
    query::GroupWalk walk;
    walk.scan = spans_in(candidate_range());
    walk.scan.filter = query_.filter;
    walk.scan.fields = {"trace_id"};
    walk.group = "trace_id";
    walk.wasted_rows = 0;
    walk.max_rows = limits::kMaxTraceScanSpans;
    const query::GroupVisitor visit = [this](const EventRow& row) { return candidate(row); };
    TT_ASSIGN(const auto end, query::walk_groups(store_, walk, visit, stats_, context_));
    if (!end.complete) out_.complete = false;
    if (!enough_) TT_TRY(batches_ < kLookUpBatches ? look_up() : sweep());
    std::sort(out_.traces.begin(), out_.traces.end(), newer);
    const bool more = out_.traces.size() > query_.limit || enough_;
    if (out_.traces.size() > query_.limit) out_.traces.resize(query_.limit);
    if (more && !out_.traces.empty())
      out_.next = TraceCursor{out_.traces.back().start, out_.traces.back().id};
    return std::move(out_);
  }

 private:
  using Ids = std::vector<Id128>;

  query::ScanPlan spans_in(TimeRange range) const {
    query::ScanPlan spans;
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

  /// Traces come in the order of their newest matching span. The first ones are looked up batch by batch.
  Result<query::Verdict> candidate(const EventRow& row) {
    if (!row.ids.trace_id.present()) return query::Verdict::settled;
    TT_TRY(context_.charge(kBytesPerCandidate));
    waiting_.push_back(row.ids.trace_id);
    const std::size_t batch = std::clamp<std::size_t>(query_.limit, 20, limits::kTraceBatch);
    if (batches_ == kLookUpBatches || waiting_.size() < batch) return query::Verdict::settled;
    ++batches_;
    TT_TRY(look_up());
    enough_ = settled(row.time);
    return enough_ ? query::Verdict::enough : query::Verdict::settled;
  }

  /// True when no candidate that is left can be among the newest: a trace does not start after its spans.
  bool settled(UnixNanos walked_to) {
    if (out_.traces.size() < query_.limit) return false;
    const auto last = out_.traces.begin() + static_cast<std::ptrdiff_t>(query_.limit - 1);
    std::nth_element(out_.traces.begin(), last, out_.traces.end(), newer);
    return walked_to < last->start;
  }

  Result<> look_up() {
    if (waiting_.empty()) return {};
    query::ScanPlan spans = spans_in(wide_range());
    std::vector<std::string> texts;
    for (const Id128& id : waiting_) texts.push_back(id.hex());
    spans.filter = storage::EventFilter::one_of("trace_id", std::move(texts));
    return summarise(std::move(spans));
  }

  Result<> sweep() {
    if (waiting_.empty()) return {};
    return summarise(spans_in(wide_range()));
  }

  Result<> summarise(query::ScanPlan spans) {
    const Ids ids = std::move(waiting_);
    waiting_.clear();
    spans.fields = fact_fields();
    for (const char* field : {"trace_id", "span_id", "service", "message"}) spans.fields.emplace_back(field);
    spans.order = storage::Order::newest_first;
    TT_TRY(context_.charge(ids.size() * kBytesPerSummary));
    std::unordered_map<Id128, SummaryBuilder> builders;
    for (const Id128& id : ids) builders.try_emplace(id);
    std::size_t read = 0;
    const query::RowVisitor visit = [&](const EventRow& row) -> Result<bool> {
      if (++read > limits::kMaxTraceSweepSpans) {
        out_.complete = false;
        return false;
      }
      const auto found = builders.find(row.ids.trace_id);
      if (found != builders.end()) found->second.add(row);
      return true;
    };
    TT_TRY(query::scan_rows(store_, spans, visit, stats_, context_));
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
  query::ScanStats stats_;
  Ids waiting_;  // candidates not looked up yet
  int batches_ = 0;
  bool enough_ = false;  // the walk ended before the range did
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
