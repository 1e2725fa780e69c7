// One metric in each encoding, for metrics.cpp.
#pragma once

#include "wire/otlp/metrics.hpp"
#include "wire/otlp/values.hpp"

namespace telltale::wire::otlp {

/// Throws protozero::exception on malformed bytes. invalid_argument names the field.
Result<Metric> read_proto_metric(protozero::pbf_reader in);
Result<Metric> read_json_metric(json::Value value);
/// What must hold of a metric in either encoding: a name, points that are counted as their kind says, lists
/// within their limits.
Result<Metric> checked_metric(Metric metric);

}  // namespace telltale::wire::otlp
