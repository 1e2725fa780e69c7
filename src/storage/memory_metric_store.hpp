// The plainest MetricStore: everything in ordered maps under one lock, nothing survives the process. It is
// the oracle of the engine's differential test and stands in for it in other folders' tests.
#pragma once

#include <cstddef>
#include <memory>

#include "base/limits.hpp"
#include "storage/metric_store.hpp"

namespace telltale::storage {

std::unique_ptr<MetricStore> make_memory_metric_store(
    std::size_t max_series_per_project = limits::kMaxSeriesPerProject);

}  // namespace telltale::storage
