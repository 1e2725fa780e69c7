// Answers in Loki's JSON. A stream's entries are `["<ns>", "line"]`; with categories each has a third member
// with what is not a stream label, and streams are those of the labels alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "logql/engine.hpp"

namespace telltale::api::loki {

/// `{"status":"success","data":{"resultType":…,"result":[…],"stats":{…}}}`.
std::string query_answer(const logql::QueryResult& result, bool categories);
/// The list of streams alone, as live tails send it, too.
void write_streams(JsonWriter& w, const std::vector<logql::LogEntry>& entries, bool categories);
void write_flags(JsonWriter& w, bool categories);
void write_label_object(JsonWriter& w, const std::vector<Label>& labels);
/// `[1690000000.5,"2"]`.
void write_point(JsonWriter& w, const logql::Point& point);
/// As Go's FormatFloat with 'f' and -1: digits without an exponent, `NaN`, `+Inf`.
std::string sample_text(double value);
/// `{"status":"success","data":["a","b"]}`.
std::string list_answer(const std::vector<std::string>& list);

}  // namespace telltale::api::loki
