#include "storage/event_store.hpp"

namespace telltale::storage {

Result<std::vector<EventRow>> collect(EventStore& store, const EventQuery& query, WorkContext& context) {
  TT_ASSIGN(auto cursor, store.select(query, context));
  std::vector<EventRow> all;
  std::vector<EventRow> some;
  while (true) {
    TT_TRY(cursor->next(some));
    if (some.empty()) return all;
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
}

}  // namespace telltale::storage
