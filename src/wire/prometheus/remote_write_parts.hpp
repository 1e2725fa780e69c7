// What both versions of remote write have in common, for this folder's .cpp files.
#pragma once

#include <string>
#include <string_view>

#include <protozero/pbf_reader.hpp>

#include "wire/metric/metric_write.hpp"

namespace telltale::wire::prometheus {

/// A Histogram message, added to the newest series; one that is no valid histogram is refused with the
/// reason.
void add_histogram(protozero::data_view message, MetricWrite& out);

/// The family that a series of this name belongs to: histograms and summaries have several.
std::string family_of(std::string series_name, MetricKind kind);

}  // namespace telltale::wire::prometheus
