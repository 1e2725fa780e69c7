// Loki's push: three body formats, one shape.
#include "ingest/request.hpp"
#include "ingest/rows.hpp"
#include "wire/loki/discover.hpp"

namespace telltale::ingest {

EventRow row_of(const wire::loki::Stream& stream, wire::loki::Entry entry) {
  EventRow row;
  row.time = entry.time;
  row.message = std::move(entry.line);
  for (const auto& [name, value] : entry.structured_metadata) row.set(name, value);
  for (const auto& label : stream.labels) row.set(label.name, label.value, AttrKind::label);
  row.ids.service = wire::loki::discover_service_name(stream.labels);
  return row;
}

Result<Outcome> Ingest::loki_push(ProjectId project, std::string_view body, LokiFormat format) {
  auto parsed = format == LokiFormat::json          ? wire::loki::parse_push_json(body)
                : format == LokiFormat::legacy_json ? wire::loki::parse_push_legacy_json(body)
                                                    : wire::loki::parse_push_snappy(body);
  if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
  Request request = impl_->begin(project);
  request.fallback_service = "unknown_service";
  for (auto& e : parsed->errors) request.error(e.index, std::move(e.reason));
  std::size_t rows = 0;
  for (const auto& stream : parsed->streams) rows += stream.entries.size();
  request.expect(Table::logs, rows);
  std::size_t index = 0;
  for (auto& stream : parsed->streams) {
    for (auto& entry : stream.entries)
      request.add(Table::logs, row_of(stream, std::move(entry)), Id128{}, index++);
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
