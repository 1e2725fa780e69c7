// What a log browser asks before it asks for lines: which labels streams have, their values, their
// combinations, and how much there is. Answered from what a store knows of its blocks and from its
// aggregation; lines are read only for the newest few, whose mean length makes bytes of counts. Names are
// spellings (model/event_row.hpp): service_name is the service column where no label says it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::logs {

struct LabelQuery {
  storage::Projects projects;
  TimeRange range;
  storage::EventFilter filter;
};

inline constexpr std::string_view kServiceLabel = "service_name";

/// Sorted. Attributes of kind label, and service_name where a row has a service.
Result<std::vector<std::string>> label_names(storage::EventStore& store, const LabelQuery& query,
                                             WorkContext& context);
/// Sorted, without the empty one. resource_exhausted over limits::kMaxLabelAnswers.
Result<std::vector<std::string>> label_values(storage::EventStore& store, const LabelQuery& query,
                                              const std::string& name, WorkContext& context);
/// Label sets that rows have, sorted; without empty values. resource_exhausted over limits::kMaxLabelAnswers.
using LabelSet = std::vector<std::pair<std::string, std::string>>;
Result<std::vector<LabelSet>> label_sets(storage::EventStore& store, const LabelQuery& query,
                                         WorkContext& context);
/// Distinct values of each name (at most limits::kMaxMeasures of them), exact to about 1 %.
Result<std::vector<std::pair<std::string, std::uint64_t>>> label_cardinalities(
    storage::EventStore& store, const LabelQuery& query, const std::vector<std::string>& names,
    WorkContext& context);

struct VolumeQuery : LabelQuery {
  std::vector<std::string> labels;  // groups; at most limits::kMaxGroupFields
  Nanos step{0};                    // 0: one bucket
};
struct Volume {
  std::vector<std::string> values;                         // as VolumeQuery::labels
  std::vector<std::pair<UnixNanos, std::uint64_t>> bytes;  // by the start of the bucket; estimates
  std::uint64_t total = 0;                                 // bytes
  std::uint64_t rows = 0;                                  // exact
};
/// Most bytes first; groups in which no label has a value are left out when there are labels.
Result<std::vector<Volume>> volumes(storage::EventStore& store, const VolumeQuery& query,
                                    WorkContext& context);

struct Amount {
  std::uint64_t rows = 0;     // exact
  std::uint64_t bytes = 0;    // estimate
  std::uint64_t streams = 0;  // among the newest limits::kVolumeSampleRows
};
Result<Amount> amount(storage::EventStore& store, const LabelQuery& query, WorkContext& context);

}  // namespace telltale::logs
