// Rows on their way to samples: a log query's pipeline, then one number a row and the series it belongs to.
#pragma once

#include <memory>

#include "logql/ast.hpp"
#include "query/executor.hpp"

namespace telltale::logql {

/// What of a row is its sample: 1, the bytes of its line, or an unwrapped label as a number or as a text.
enum class SampleValue : unsigned char { one, bytes, label, text };

/// Rows with an error end the query (execution).
Result<std::unique_ptr<query::SampleReader>> make_sample_reader(const LogQuery& query, SampleValue value,
                                                                const Grouping& grouping);

}  // namespace telltale::logql
