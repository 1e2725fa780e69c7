// Loki's push: three body formats, one shape.
#include <algorithm>

#include <fmt/format.h>

#include "base/intake_limits.hpp"
#include "ingest/request.hpp"
#include "ingest/rows.hpp"
#include "wire/loki/discover.hpp"

namespace telltale::ingest {

namespace {

/// What all entries of a stream have.
struct StreamParts {
  explicit StreamParts(const wire::loki::Stream& stream)
      : service(wire::loki::discover_service_name(stream.labels)) {
    for (const auto& label : stream.labels) {
      bytes += label.name.size() + label.value.size();
      labels.push_back({label.name, label.value, AttrKind::label});
    }
  }
  std::size_t bytes = 0;  // of the labels
  std::vector<Attr> labels;
  std::string service;
};

EventRow entry_row(const StreamParts& stream, wire::loki::Entry entry, std::size_t usual_attributes) {
  EventRow row;
  row.time = entry.time;
  row.message = std::move(entry.line);
  row.attributes.reserve(std::max(usual_attributes, stream.labels.size()));
  if (entry.structured_metadata.empty()) {
    row.attributes.assign(stream.labels.begin(), stream.labels.end());
  } else {
    for (auto& [name, value] : entry.structured_metadata) row.set(std::move(name), std::move(value));
    for (const Attr& label : stream.labels) row.set(label.name, label.value, AttrKind::label);
  }
  row.ids.service = stream.service;
  return row;
}

}  // namespace

Result<Outcome> Ingest::loki_push(ProjectId project, std::string_view body, LokiFormat format) {
  TT_ASSIGN(Request request, impl_->begin(project));
  auto parsed = format == LokiFormat::json          ? wire::loki::parse_push_json(body)
                : format == LokiFormat::legacy_json ? wire::loki::parse_push_legacy_json(body)
                                                    : wire::loki::parse_push_snappy(body);
  if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
  request.fallback_service = "unknown_service";
  request.errors(parsed->errors);
  std::size_t rows = 0;
  for (const auto& stream : parsed->streams) rows += stream.entries.size();
  request.expect(Table::logs, rows);
  std::size_t index = 0;
  for (auto& stream : parsed->streams) {
    const StreamParts parts(stream);
    if (parts.bytes > limits::kMaxSharedBytes || parts.labels.size() > limits::kMaxAttributes) {
      request.error(index, fmt::format("stream: labels of over {} bytes, or over {} of them",
                                       limits::kMaxSharedBytes, limits::kMaxAttributes));
      request.outcome.rejected.add_untold(stream.entries.size() - 1);
      index += stream.entries.size();
      continue;
    }
    for (auto& entry : stream.entries) {
      if (!request.is_full(index))
        request.add(Table::logs, entry_row(parts, std::move(entry), request.usual_attributes()), Id128{},
                    index);
      ++index;
    }
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
