// A wide event as our own API shows it.
#pragma once

#include "base/json.hpp"
#include "model/event_row.hpp"
#include "storage/records.hpp"

namespace telltale::api {

void write_row(JsonWriter& w, const EventRow& row);
void write_issue(JsonWriter& w, const storage::Issue& issue);

}  // namespace telltale::api
