// A wide event as our own API shows it.
#pragma once

#include "base/json.hpp"
#include "errors/issue_views.hpp"
#include "model/event_row.hpp"
#include "storage/records.hpp"

namespace telltale::api {

void write_row(JsonWriter& w, const EventRow& row);
/// With `trend_24h` and `trend_14d` where a trend is given.
void write_issue(JsonWriter& w, const storage::Issue& issue, const errors::IssueTrend* trend = nullptr);

}  // namespace telltale::api
