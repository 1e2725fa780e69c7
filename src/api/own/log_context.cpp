#include "api/own/log_context.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace telltale::api {
namespace {

std::vector<std::pair<std::string, std::string>> stream_of(const EventRow& row) {
  std::vector<std::pair<std::string, std::string>> labels{{"", row.ids.service}};
  for (const Attr& a : row.attributes) {
    if (a.kind == AttrKind::label) labels.emplace_back(a.name, to_string(a.value));
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

storage::EventFilter scope_filter(const EventRow& line, ContextScope scope) {
  using storage::EventFilter;
  using storage::FilterOp;
  std::vector<EventFilter> parts{EventFilter::leaf(FilterOp::eq, "service", line.ids.service)};
  if (scope == ContextScope::stream) {
    for (const Attr& a : line.attributes) {
      if (a.kind == AttrKind::label)
        parts.push_back(EventFilter::leaf(FilterOp::eq, a.name, to_string(a.value)));
    }
  }
  return EventFilter::all_of(std::move(parts));
}

class ContextSearch {
 public:
  ContextSearch(storage::EventStore& store, const ContextQuery& query, WorkContext& context)
      : store_(store), query_(query), context_(context) {}

  Result<ContextLines> run() {
    TT_TRY(find_line());
    rows_.projects = {out_.line.project};
    rows_.filter = scope_filter(out_.line, query_.scope);
    TT_TRY(split_equal_times());
    TT_TRY(look(storage::Order::newest_first, {query_.time - query_.reach, query_.time}, query_.before,
                out_.before, out_.more_before));
    std::reverse(out_.before.begin(), out_.before.end());
    TT_TRY(look(storage::Order::oldest_first, {query_.time + Nanos{1}, query_.time + query_.reach},
                query_.after, out_.after, out_.more_after));
    return std::move(out_);
  }

 private:
  TimeRange same_time() const { return {query_.time, query_.time + Nanos{1}}; }

  Result<> find_line() {
    storage::EventQuery rows;
    rows.projects = query_.projects;
    rows.filter = query_.filter;
    rows.range = same_time();
    rows.order = storage::Order::oldest_first;
    rows.limit = limits::kMaxContextTies;
    TT_ASSIGN(auto found, storage::collect(store_, rows, context_));
    std::size_t place = query_.place;
    for (EventRow& row : found) {
      if (!query_.message.empty() && row.message != query_.message) continue;
      if (place-- > 0) continue;
      out_.line = row;
      // Rows that are equal in everything: the line is the one behind so many.
      twins_before_ = static_cast<std::size_t>(std::count(found.data(), &row, row));
      return {};
    }
    return fail(ErrorKind::not_found, "time: there is no such line");
  }

  bool in_scope(const EventRow& row) const {
    return query_.scope == ContextScope::service || stream_of(row) == stream_of(out_.line);
  }

  /// Lines of the line's own time: those accepted before it, and after.
  Result<> split_equal_times() {
    storage::EventQuery rows = rows_;
    rows.range = same_time();
    rows.order = storage::Order::oldest_first;
    rows.limit = limits::kMaxContextTies;
    TT_ASSIGN(auto found, storage::collect(store_, rows, context_));
    std::erase_if(found, [this](const EventRow& row) { return !in_scope(row); });
    auto line = std::find(found.begin(), found.end(), out_.line);
    for (std::size_t i = twins_before_; i > 0 && line != found.end(); --i) {
      line = std::find(line + 1, found.end(), out_.line);
    }
    if (line == found.end()) return fail(ErrorKind::not_found, "time: too many lines have it");
    out_.after.assign(std::make_move_iterator(line + 1), std::make_move_iterator(found.end()));
    out_.before.assign(std::make_move_iterator(found.begin()), std::make_move_iterator(line));
    std::reverse(out_.before.begin(), out_.before.end());
    if (out_.after.size() > query_.after) {
      out_.after.resize(query_.after);
      out_.more_after = true;
    }
    if (out_.before.size() > query_.before) {
      out_.before.resize(query_.before);
      out_.more_before = true;
    }
    return {};
  }

  /// Appends lines of the range until there are `wanted`.
  Result<> look(storage::Order order, TimeRange range, std::size_t wanted, std::vector<EventRow>& into,
                bool& more) {
    if (more || range.to <= range.from) return {};
    storage::EventQuery rows = rows_;
    rows.range = range;
    rows.order = order;
    TT_ASSIGN(const auto cursor, store_.select(rows, context_));
    std::vector<EventRow> batch;
    while (true) {
      TT_TRY(cursor->next(batch));
      if (batch.empty()) return {};
      for (EventRow& row : batch) {
        if (!in_scope(row)) continue;
        if (into.size() == wanted) {
          more = true;
          return {};
        }
        into.push_back(std::move(row));
      }
    }
  }

  storage::EventStore& store_;
  const ContextQuery& query_;
  WorkContext& context_;
  storage::EventQuery rows_;
  std::size_t twins_before_ = 0;
  ContextLines out_;
};

}  // namespace

Result<ContextLines> log_context(storage::EventStore& store, const ContextQuery& query,
                                 WorkContext& context) {
  return ContextSearch(store, query, context).run();
}

}  // namespace telltale::api
