// What the journal carries and the stores apply: one accepted request, already limited and redacted, of one
// project. A batch is one journal record, so that it is accepted whole; its codec is here because ingest
// writes it and every store replays it. A series is defined once (new_series) and then referred to by its
// SeriesId.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "model/event_row.hpp"
#include "model/sample.hpp"

namespace telltale::storage {

struct SeriesDef {
  SeriesId id;
  Labels labels;
};

struct SamplePoint {
  SeriesId series;
  Sample sample;
};

struct Batch {
  ProjectId project;
  UnixNanos received;
  std::vector<EventRow> logs;
  std::vector<EventRow> spans;
  std::vector<EventRow> errors;
  /// Series that this batch's samples use and that may not have been journaled before; defining one twice is
  /// harmless.
  std::vector<SeriesDef> new_series;
  std::vector<SamplePoint> samples;

  bool empty() const {
    return logs.empty() && spans.empty() && errors.empty() && new_series.empty() && samples.empty();
  }
  const std::vector<EventRow>& rows(Table table) const;
  std::vector<EventRow>& rows(Table table);
};

/// The journal record's payload (docs/formats/journal.md), zstd-compressed where that pays. A format version
/// stands in front.
std::string encode_batch(const Batch& batch);
/// corruption when the bytes are not a batch of a version we know.
Result<Batch> decode_batch(std::string_view bytes);

}  // namespace telltale::storage
