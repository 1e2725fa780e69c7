#include "storage/event_store.hpp"

namespace telltale::storage {

Result<std::vector<EventRow>> collect(EventStore& store, const EventQuery& query, WorkContext& context) {
  TT_ASSIGN(auto cursor, store.select(query, context));
  std::vector<EventRow> all;
  std::vector<EventRow> some;
  while (true) {
    TT_TRY(cursor->next(some));
    if (some.empty()) return all;
    for (EventRow& row : some) {
      TT_TRY(context.charge(memory_bytes(row)));
      all.push_back(std::move(row));
    }
  }
}

}  // namespace telltale::storage
