// Lines of followed files: the labels of their source and the file's name; ids make a line that is read again
// a duplicate.
#include "ingest/request.hpp"
#include "ingest/rows.hpp"

namespace telltale::ingest {

EventRow row_of(const logs::FileSource& source, std::string_view path, std::string_view line) {
  EventRow row;
  row.message = std::string(line);
  for (const auto& [name, value] : source.labels) row.set(name, value, AttrKind::label);
  if (row.find("filename") == nullptr) row.set("filename", std::string(path), AttrKind::label);
  return row;
}

Result<Outcome> Ingest::file_lines(ProjectId project, const std::vector<logs::FileLines>& files) {
  TT_ASSIGN(Request request, impl_->begin(project));
  request.fallback_service = "unknown_service";
  std::size_t index = 0;
  for (const auto& file : files) {
    request.zone = file.source->zone;
    for (const auto& line : file.lines)
      request.add(Table::logs, row_of(*file.source, file.path, line.text), line.id, index++);
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
