// The first line is a query, the rest a row's line. What parses, prints; what is printed parses again and
// prints the same; and a pipeline runs on any line.
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "logql/parser.hpp"
#include "logql/pipeline.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t end = in.find('\n');
  const auto parsed = telltale::logql::parse(in.substr(0, end));
  (void)telltale::logql::parse_matchers(in.substr(0, end));
  if (!parsed) return 0;
  const std::string text = telltale::logql::format(*parsed);
  const auto again = telltale::logql::parse(text);
  TT_CHECK(again.has_value());
  TT_CHECK(telltale::logql::format(*again) == text);
  if (!parsed->is_log()) return 0;
  auto pipeline = telltale::logql::Pipeline::compile(parsed->log);
  TT_CHECK(pipeline.has_value());
  telltale::EventRow row;
  row.set("app", std::string("web"), telltale::AttrKind::label);
  row.set("trace.id", std::string("abc"), telltale::AttrKind::metadata);
  row.set("user", std::string("bob"), telltale::AttrKind::parsed);
  if (end != std::string_view::npos) row.message = std::string(in.substr(end + 1));
  telltale::logql::LogEntry entry;
  const bool kept = pipeline->process(row, entry);
  // What a row is sorted out by beforehand is never more than what the pipeline drops.
  const auto necessary = telltale::storage::CompiledFilter::compile(pipeline->necessary());
  if (kept && necessary) TT_CHECK(necessary->matches(row));
  return 0;
}
