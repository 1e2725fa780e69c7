// The text exposition format, pushed: what an exporter would answer a scrape with, sent by whoever has it.
// For this folder's .cpp files only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/metric/metric_write.hpp"
#include "wire/prometheus/text.hpp"

namespace telltale::ingest {

/// `labels` stand in place of labels of the same name. A sample without a time gets `now`. `text` outlives
/// the result.
wire::MetricWrite write_of(const wire::prometheus::Scrape& text, const Labels& labels, UnixMillis now);

/// The family that a series belongs to, as far as the text says which are histograms and summaries; else its
/// own name.
std::string family_of_series(const wire::prometheus::Scrape& text, std::string_view name);

}  // namespace telltale::ingest
