// JSON lines over HTTP.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "ingest/document.hpp"
#include "ingest/request.hpp"
#include "wire/jsonlines/records.hpp"

namespace telltale::ingest {
namespace {

void add_json_lines(Request& request, std::string_view body, const DocumentShape& shape,
                    std::size_t max_rows) {
  DocumentReader reader(shape);
  wire::jsonlines::Records records(body);
  wire::jsonlines::Record record;
  const auto lines = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n'));
  request.batch.logs.reserve(std::min(max_rows, lines + 1));
  bool full = false;
  for (std::size_t seen = 0; records.next(record); ++seen) {
    if (full) {
      request.outcome.rejected.add_untold(1);
      continue;
    }
    if (seen >= limits::kMaxRowsPerRequest || request.batch.logs.size() >= max_rows) {
      request.error(record.number,
                    fmt::format("over {} records in one request; this one and the rest are left out",
                                std::min(max_rows, limits::kMaxRowsPerRequest)));
      full = true;
      continue;
    }
    if (request.is_full(record.number)) continue;
    auto document = reader.read(record.text, record.readable_after);
    if (!document) {
      request.error(record.number, document.error().message());
      continue;
    }
    request.add(Table::logs, std::move(document->row), Id128{}, record.number, !document->message_is_source);
  }
}

}  // namespace

Result<Outcome> Ingest::json_lines(ProjectId project, std::string_view body, const DocumentShape& shape) {
  TT_ASSIGN(Request request, impl_->begin(project));
  add_json_lines(request, body, shape, limits::kMaxRowsPerRequest);
  return impl_->finish(std::move(request));
}

Result<std::vector<EventRow>> Ingest::json_lines_preview(ProjectId project, std::string_view body,
                                                         const DocumentShape& shape) {
  TT_ASSIGN(Request request, impl_->begin(project));
  add_json_lines(request, body, shape, limits::kMaxPreviewRows);
  return std::move(request.batch.logs);
}

}  // namespace telltale::ingest
