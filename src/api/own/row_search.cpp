#include "api/own/row_search.hpp"

#include "api/own/params.hpp"
#include "logql/parser.hpp"

namespace telltale::api {

Result<RowSearch> RowSearch::of(const net::HttpRequest& request,
                                std::initializer_list<std::string_view> own) {
  RowSearch search;
  TT_ASSIGN(search.filter_, filter_params(request, own));
  const auto text = request.param("logql");
  if (!text || text->empty()) return search;
  TT_ASSIGN(const auto expr, logql::parse(*text));
  if (!expr.is_log()) {
    return fail(ErrorKind::invalid_argument,
                "logql: a log query is wanted; metric queries go to /loki/api/v1/query_range");
  }
  TT_ASSIGN(search.pipeline_, logql::Pipeline::compile(expr.log));
  search.filter_ = storage::EventFilter::all_of({std::move(search.filter_), search.pipeline_->necessary()});
  return search;
}

bool RowSearch::keep(EventRow& row) {
  if (!pipeline_) return true;
  if (!pipeline_->process(row, shown_)) return false;
  row.message = shown_.line;
  for (const auto& label : shown_.parsed) row.set(label.name, label.value, AttrKind::parsed);
  return true;
}

Result<FoundRows> collect_rows(storage::EventStore& store, storage::EventQuery query, RowSearch& search,
                               WorkContext& context) {
  const std::size_t limit = query.limit;
  if (search.has_pipeline()) query.limit = 0;
  TT_ASSIGN(const auto cursor, store.select(query, context));
  FoundRows found;
  std::vector<EventRow> batch;
  while (limit == 0 || found.rows.size() < limit) {
    TT_TRY(cursor->next(batch));
    if (batch.empty()) {
      found.reached = cursor->reached();
      break;
    }
    for (EventRow& row : batch) {
      if (limit != 0 && found.rows.size() == limit) break;
      if (!search.keep(row)) continue;
      TT_TRY(context.charge(memory_bytes(row)));
      found.rows.push_back(std::move(row));
    }
  }
  return found;
}

}  // namespace telltale::api
