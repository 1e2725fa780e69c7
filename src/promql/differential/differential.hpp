// The engine beside the naive evaluator: one case at a time, and what is left of it when all that the
// disagreement does not need has been taken away.
#pragma once

#include "base/clock.hpp"
#include "promql/differential/random_query.hpp"

namespace telltale::promql::naive {

struct Case {
  std::vector<Series> data;
  Query query;
};

enum class Verdict : unsigned char {
  agree,
  both_refuse,
  open,  // the answer hangs on rounding or on which of equals is taken
  differ,
};

struct Comparison {
  Verdict verdict = Verdict::agree;
  std::string why;  // of differ
};

Comparison compare_with_engine(const Case& c, const Clock& clock);

/// Whether rounding, or a choice the language leaves open, shows in what the naive evaluator answers.
bool is_open(const Case& c);
/// By the names of Rules: what of older Prometheus' behaviour changes the answer.
std::vector<std::string> differs_from_old(const Case& c);

/// The smallest case found that still differs: fewer series and samples, a part of the expression, one step.
Case shrunk(Case c, const Clock& clock);
/// The query with a part of it in the place of what that is part of, in every way that fits.
std::vector<std::string> smaller_queries(const std::string& text);
/// As a file of Prometheus' tests would have it, but for its times: they are absolute.
std::string to_text(const Case& c);

}  // namespace telltale::promql::naive
