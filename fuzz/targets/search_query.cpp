// The first line is a query, the rest an event's JSON. What is understood becomes filters that compile, and
// what an event satisfies exactly, the filter that sorts events out beforehand lets through.
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "errors/event_condition.hpp"
#include "errors/issue_search.hpp"
#include "search/condition.hpp"
#include "traces/span_conditions.hpp"

namespace {

/// Plain characters may be written as escapes, and numbers with an exponent; nobody who sends events does.
bool stands_as_it_is(std::string_view payload) {
  if (payload.find("\\u") != std::string_view::npos) return false;
  for (std::size_t i = 1; i < payload.size(); ++i)
    if ((payload[i] == 'e' || payload[i] == 'E') && payload[i - 1] >= '0' && payload[i - 1] <= '9')
      return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t end = in.find('\n');
  const std::string_view text = in.substr(0, end);
  const UnixNanos now = UnixNanos::from_seconds(1'770'000'000);
  if (const auto spans = search::understand(text, {search::Subject::traces, now, "me"}))
    TT_CHECK(storage::CompiledFilter::compile(traces::span_filter(*spans)).has_value());
  const auto where = search::understand(text, {search::Subject::issues, now, "me"});
  if (!where) {
    TT_CHECK(where.error().message().starts_with("column "));
    return 0;
  }
  EventRow row;
  row.message = "ValueError: timeout";
  row.ids.release = "1.2.3";
  row.set("tier", std::string("gold"));
  if (end != std::string_view::npos) row.payload = std::string(in.substr(end + 1));
  for (const bool negated : {false, true}) {
    const auto filter = storage::CompiledFilter::compile(errors::event_filter(*where, negated));
    TT_CHECK(filter.has_value());
    auto check = negated ? errors::EventCheck::of({}, {&*where}) : errors::EventCheck::of({&*where}, {});
    TT_CHECK(check.has_value());
    if (check->matches(row) && stands_as_it_is(row.payload)) TT_CHECK(filter->matches(row));
  }
  return 0;
}
