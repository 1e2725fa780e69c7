// What the journal carries and the stores apply: one accepted request, already limited and redacted, of one
// project. A batch is one journal record, so that it is accepted whole; its codec is here because ingest
// writes it and every store replays it. A series is defined once (new_series) and then referred to by its
// SeriesId.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "model/event_row.hpp"
#include "model/histogram.hpp"
#include "model/sample.hpp"
#include "storage/batch_items.hpp"

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
  BatchItems items;
  /// What the rows of all tables occupy in memory, about; 0: nobody has counted. Not journaled.
  std::size_t row_bytes = 0;

  bool empty() const {
    return logs.empty() && spans.empty() && errors.empty() && new_series.empty() && samples.empty() &&
           items.empty();
  }
  std::size_t row_count() const { return logs.size() + spans.size() + errors.size(); }
  const std::vector<EventRow>& rows(Table table) const;
  std::vector<EventRow>& rows(Table table);
};

/// The journal record's payload (docs/formats/journal.md), zstd-compressed where that pays. A format version
/// stands in front.
std::string encode_batch(const Batch& batch);
/// The same for rows that are encoded as they are made, while they are near: fetching a large batch's rows
/// again takes longer than writing them. Not thread-safe; finish() once.
class BatchEncoder {
 public:
  /// Of the batch's own project and time.
  BatchEncoder(ProjectId project, UnixNanos received);
  ~BatchEncoder();
  BatchEncoder(BatchEncoder&&) noexcept;
  BatchEncoder& operator=(BatchEncoder&&) noexcept;
  /// The next row of the batch's table. It does not change afterwards, but it may move.
  void add(Table table, const EventRow& row);
  /// encode_batch() of a batch with exactly the rows that were added, or with fewer of them.
  std::string finish(const Batch& batch);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};
/// corruption when the bytes are not a batch of a version we know.
Result<Batch> decode_batch(std::string_view bytes);

}  // namespace telltale::storage
