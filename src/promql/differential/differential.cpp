#include "promql/differential/differential.hpp"

#include <cmath>

#include <fmt/format.h>

#include "promql/conformance/test_store.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"

namespace telltale::promql::naive {
namespace {

constexpr int kNudges = 4;

bool close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-7 * std::max(std::abs(a), std::abs(b)) + 1e-9;
}

/// Empty when they are the same.
std::string difference(const Answer& want, const Answer& got) {
  for (const auto& [labels, points] : got) {
    if (want.count(labels) == 0)
      return fmt::format("unexpected {} = {} at {}", labels.to_string(), points.begin()->second,
                         points.begin()->first);
  }
  for (const auto& [labels, points] : want) {
    const auto found = got.find(labels);
    if (found == got.end())
      return fmt::format("missing {} = {} at {}", labels.to_string(), points.begin()->second,
                         points.begin()->first);
    for (const auto& [time, value] : found->second) {
      if (points.count(time) == 0)
        return fmt::format("{}: unexpected {} at {}", labels.to_string(), value, time);
    }
    for (const auto& [time, value] : points) {
      const auto other = found->second.find(time);
      if (other == found->second.end())
        return fmt::format("{}: no value at {}, should be {}", labels.to_string(), time, value);
      if (!close(value, other->second))
        return fmt::format("{}: {} at {}, should be {}", labels.to_string(), other->second, time, value);
    }
  }
  return "";
}

Result<Answer> of_engine(const Case& c, const Clock& clock) {
  TestStore store;
  for (const Series& s : c.data) {
    for (const Point& p : s.points) store.add(s.labels, p.time_ms, p.value);
  }
  const Engine engine(store);
  WorkContext context(clock, {std::chrono::seconds(600), std::size_t{1} << 30});
  const QuerySpan& span = c.query.span;
  TT_ASSIGN(const QueryResult result, span.step == 0 ? engine.instant(c.query.text, {}, {span.start}, context)
                                                     : engine.range(c.query.text, {}, {span.start},
                                                                    {span.end}, Millis(span.step), context));
  Answer out;
  if (result.type == ValueType::scalar) out[Labels()][span.start] = result.scalar.value;
  for (const ResultSeries& s : result.series) {
    for (const ResultPoint& p : s.samples) out[s.labels][p.time.ms] = p.value;
  }
  return out;
}

Result<Outcome> of_rules(const Case& c, const Rules& rules) {
  TT_ASSIGN(const ExprPtr expr, parse(c.query.text));
  return evaluate(*expr, c.data, c.query.span, rules);
}

bool same(const Result<Outcome>& a, const Result<Outcome>& b) {
  if (!a || !b) return !a && !b;
  return difference(a->answer, b->answer).empty();
}

}  // namespace

bool is_open(const Case& c) {
  const auto plain = of_rules(c, {});
  if (plain && plain->open) return true;
  for (int i = 0; i < kNudges; ++i) {
    Rng rng(static_cast<std::uint64_t>(i));
    Rules rules;
    rules.nudge = &rng;
    if (!same(plain, of_rules(c, rules))) return true;
  }
  return false;
}

std::vector<std::string> differs_from_old(const Case& c) {
  std::vector<std::string> out;
  const auto plain = of_rules(c, {});
  Rules rules;
  rules.old_extrapolation = true;
  if (!same(plain, of_rules(c, rules))) out.emplace_back("old_extrapolation");
  rules = {};
  rules.old_variance = true;
  if (!same(plain, of_rules(c, rules))) out.emplace_back("old_variance");
  rules = {};
  rules.old_filtered_matches = true;
  if (!same(plain, of_rules(c, rules))) out.emplace_back("old_filtered_matches");
  return out;
}

Comparison compare_with_engine(const Case& c, const Clock& clock) {
  const auto want = of_rules(c, {});
  const auto got = of_engine(c, clock);
  if (!want && want.error().kind() != ErrorKind::execution)
    return {Verdict::differ, "the naive evaluator cannot: " + want.error().message()};
  if (!want && !got) return {Verdict::both_refuse, ""};
  std::string why;
  if (!got) why = "refused: " + got.error().message();
  if (!want) why = "answered, should be refused: " + want.error().message();
  if (want && got) why = difference(want->answer, *got);
  if (why.empty()) return {};
  return is_open(c) ? Comparison{Verdict::open, ""} : Comparison{Verdict::differ, why};
}

}  // namespace telltale::promql::naive
