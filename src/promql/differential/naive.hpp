// PromQL as its rules say it, without any care for speed: the oracle for the engine. An expression is
// evaluated for one time by walking its tree, each selector looks through all samples of all series again,
// and a range is one such walk a step. Nothing of the evaluator is used; the parser is shared.
//
// What is asked of floats is here, but not: native histograms and what Prometheus keeps behind flags.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/sample.hpp"
#include "promql/ast.hpp"
#include "promql/duration.hpp"

namespace telltale::promql::naive {

struct Point {
  std::int64_t time_ms = 0;
  double value = 0;
};

/// Samples in order of time; a stale marker is a sample.
struct Series {
  Labels labels;
  std::vector<Point> points;
};

struct Element {
  Labels labels;
  double value = 0;
};

/// What an expression is at one time; of a matrix only as the answer to an instant query.
struct Value {
  ValueType type = ValueType::vector;
  std::vector<Element> vector;
  std::vector<Series> matrix;
  double scalar = 0;
  std::string text;
};

/// By labels, then by time: what a query answers, whatever its type. A scalar has no labels.
using Answer = std::map<Labels, std::map<std::int64_t, double>>;

struct Rules {
  std::int64_t lookback_ms = 300'000;
  std::int64_t subquery_step_ms = 60'000;
  /// When set, each result that rounding may touch is moved by a little, so that an answer that hangs on the
  /// last digits shows itself. Not owned.
  Rng* nudge = nullptr;
  /// As Prometheus did before 2.53 and 3.0, where that is not what it does now (see evaluate()).
  bool old_extrapolation = false;
  bool old_variance = false;
  bool old_filtered_matches = false;
};

struct Outcome {
  Answer answer;
  /// The answer depends on what the language leaves open: which of equals topk takes.
  bool open = false;
};

/// `span.step` 0: an instant query at `span.start`. Errors: execution, as the engine's; unsupported for what
/// is not here. Rules::old_extrapolation: a counter's zero point counted before the limit of 1.1 gaps did;
/// Rules::old_variance: the deviation of a single infinite or NaN value was 0; Rules::old_filtered_matches:
/// what a comparison filters out was no match, so that several could match one.
Result<Outcome> evaluate(const Expr& expr, const std::vector<Series>& data, const QuerySpan& span,
                         const Rules& rules);

}  // namespace telltale::promql::naive
