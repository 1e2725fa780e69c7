// A promqltest file as lines of JSON, for whoever asks the same of a server over HTTP:
//   {"clear": true}
//   {"load": [{"labels": {…}, "samples": [[ms, "value" or {histogram}, start ms or 0]]}]}, "stale" for
//   markers
//   {"eval": {"line", "query", "instant", "start", "end", "step", "fail", "ordered", "range_vector", "text",
//             "scalar", "series": [{"labels", "samples": [[ms or null, "value" or {count, sum, buckets}]]}],
//             "annotations": [[kind, "msg", "regex" or "", pattern]], "skip": why HTTP cannot tell}}
// All times are moved by one shift, because a server takes nothing from 1970: those that stand behind `@`,
// too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telltale::promql {

std::string test_script(std::string_view text, std::int64_t shift_ms);

}  // namespace telltale::promql
