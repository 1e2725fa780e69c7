// A rule's expression, whatever its language: checked when it is read, evaluated at one time of one project.
#pragma once

#include <memory>
#include <vector>

#include "alerting/rule_file.hpp"
#include "base/context.hpp"
#include "promql/engine.hpp"
#include "storage/event_store.hpp"

namespace telltale::alerting {

struct RuleSample {
  Labels labels;
  double value = 0;  // of a histogram its sum
  std::shared_ptr<const Histogram> histogram;
};

/// Copies are as good; what it names must outlive it. Thread-safe.
class RuleQueries {
 public:
  /// `logs` null: rules in LogQL fail.
  RuleQueries(const promql::Engine& metrics, storage::EventStore* logs) : metrics_(&metrics), logs_(logs) {}
  /// A scalar is one sample without labels. Errors: the language's, the store's, the context's.
  Result<std::vector<RuleSample>> run(const Rule& rule, ProjectId project, UnixMillis at,
                                      WorkContext& context) const;

 private:
  const promql::Engine* metrics_;
  storage::EventStore* logs_;
};

/// invalid_argument when it does not parse, uses a feature of PromQL that is off, or gives neither an instant
/// vector nor a scalar.
Result<> check_expression(RuleLanguage language, const std::string& text, promql::Features features);

}  // namespace telltale::alerting
