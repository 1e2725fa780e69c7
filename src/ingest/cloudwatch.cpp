// CloudWatch Logs' PutLogEvents.
#include "base/limits.hpp"
#include "ingest/request.hpp"

namespace telltale::ingest {

void Ingest::mask_name(ProjectId project, std::string_view key, std::string& text) {
  if (text.empty()) return;
  const auto redactor = impl_->redactor_of(project);
  redact::Counts counts;
  if (key.empty() ? redactor->redact_text(text, &counts) : redactor->redact_value(key, text, &counts))
    impl_->count_masked(*redactor, counts, project);
}

Result<Outcome> Ingest::cloudwatch_put(ProjectId project, wire::cloudwatch::PutLogEvents put) {
  TT_ASSIGN(Request request, impl_->begin(project));
  request.fallback_service = put.group;
  request.outcome.rejected =
      wire::ItemErrors(limits::kMaxCloudWatchEvents);  // the answer says where they are
  std::size_t index = 0;
  for (auto& event : put.events) {
    EventRow row;
    row.time = event.time;
    row.message = std::move(event.message);
    while (row.message.ends_with('\n') || row.message.ends_with('\r')) row.message.pop_back();
    row.set("log_group", put.group, AttrKind::label);
    row.set("log_stream", put.stream, AttrKind::label);
    request.add(Table::logs, std::move(row), Id128{}, index++);
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
