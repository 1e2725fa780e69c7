#include "promql/differential/random_query.hpp"

#include <fmt/format.h>

namespace telltale::promql::naive {
namespace {

class Grammar {
 public:
  Grammar(Rng& rng, const Shape& shape) : rng_(rng), shape_(shape) {}

  std::string vector(int depth);
  std::string scalar(int depth);
  std::string matrix(int depth);

 private:
  std::string one_of(std::initializer_list<const char*> list) {
    return list.begin()[rng_.below(list.size())];
  }
  std::string number() {
    return one_of({"0", "1", "2", "0.5", "-1", "3", "10", "100", "1e3", "0.25", "7.5", "NaN", "Inf", "-Inf"});
  }
  std::string plain_number() { return one_of({"0", "1", "2", "0.5", "3", "10", "0.25", "1.5"}); }

  std::string seconds(std::int64_t most_tens) {
    const auto tens = 1 + static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(most_tens)));
    if (shape_.off_edges || rng_.chance(0.5)) return fmt::format("{}s", tens * 10);
    return rng_.chance(0.7) ? fmt::format("{}s", tens * 15) : fmt::format("{}ms", tens * 7'777);
  }
  std::string modifiers();
  std::string matchers(std::string_view metric);
  std::string metric();
  std::string selector(const std::string& name) { return name + matchers(name) + modifiers(); }
  std::string subquery(int depth);
  std::string over_range(int depth);
  std::string aggregation(int depth);
  std::string grouping();
  std::string joined(int depth);
  std::string with_scalar(int depth);
  std::string set_operation(int depth);
  std::string mapped(int depth);
  std::string labelled(int depth);
  std::string arithmetic() { return one_of({"+", "-", "*", "/", "%", "^", "atan2"}); }
  std::string comparison() { return one_of({"==", "!=", "<", "<=", ">", ">="}); }

  Rng& rng_;
  const Shape& shape_;
  int subqueries_ = 0;
};

std::string Grammar::modifiers() {
  std::string out;
  if (rng_.chance(0.12)) out += std::string(" offset ") + (rng_.chance(0.2) ? "-" : "") + seconds(30);
  if (rng_.chance(0.1)) {
    const auto tens =
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(shape_.span_ms) / 10'000));
    const std::int64_t at = shape_.base_ms / 1000 + tens * 10 + 3;
    out += rng_.chance(0.4) ? one_of({" @ start()", " @ end()"}) : fmt::format(" @ {}", at);
  }
  return out;
}

std::string Grammar::metric() {
  return one_of(
      {"temperature", "load", "requests_total", "errors_total", "odd", "latency_bucket", "build_info"});
}

std::string Grammar::matchers(std::string_view metric) {
  if (rng_.chance(0.5)) return "";
  std::string out = "{";
  const int n = 1 + static_cast<int>(rng_.below(2));
  for (int i = 0; i < n; ++i) {
    if (i > 0) out += ",";
    if (metric == "requests_total" && rng_.chance(0.4)) {
      out += "code" + one_of({"=\"200\"", "!=\"200\"", "=~\"5..\"", "=~\".*\""});
    } else if (metric == "build_info" || rng_.chance(0.4)) {
      out += "instance" + one_of({"=\"h1\"", "!=\"h1\"", "=~\"h1|h2\"", "!~\"h.\"", "=\"\"", "=~\"h.*\""});
    } else {
      out += "zone" + one_of({"=\"a\"", "!=\"a\"", "=~\"a|b\"", "!~\"b|c\"", "!=\"\"", "=~\"[bc]\""});
    }
  }
  return out + "}";
}

std::string Grammar::subquery(int depth) {
  if (subqueries_ >= 2) return selector(metric()) + "[" + seconds(60) + "]";
  ++subqueries_;
  const std::string inner = "(" + vector(depth - 1) + ")";
  --subqueries_;
  // Ranges end in 5 s, steps in 0 s, so that no step is on an edge.
  const std::string range = fmt::format("{}s", 5 + 10 * (2 + rng_.below(40)));
  const std::string step = rng_.chance(0.3) ? "" : fmt::format("{}s", 10 * (2 + rng_.below(8)));
  if (shape_.off_edges) return fmt::format("{}[{}:{}]{}", inner, range, step, modifiers());
  return fmt::format("{}[{}:{}]{}", inner, seconds(40), step, modifiers());
}

std::string Grammar::matrix(int depth) {
  if (depth > 0 && rng_.chance(0.25)) return subquery(depth);
  const std::string name = metric();
  return name + matchers(name) + "[" + seconds(60) + "]" + modifiers();
}

std::string Grammar::over_range(int depth) {
  const std::string f = one_of({"rate",
                                "increase",
                                "delta",
                                "irate",
                                "idelta",
                                "deriv",
                                "predict_linear",
                                "changes",
                                "resets",
                                "sum_over_time",
                                "avg_over_time",
                                "min_over_time",
                                "max_over_time",
                                "count_over_time",
                                "last_over_time",
                                "present_over_time",
                                "stddev_over_time",
                                "stdvar_over_time",
                                "quantile_over_time",
                                "rate",
                                "increase",
                                "absent_over_time"});
  if (f == "predict_linear") return f + "(" + matrix(depth) + ", " + plain_number() + ")";
  if (f == "quantile_over_time")
    return f + "(" + one_of({"0", "0.1", "0.5", "0.9", "1", "1.5", "-1"}) + ", " + matrix(depth) + ")";
  return f + "(" + matrix(depth) + ")";
}

std::string Grammar::grouping() {
  return one_of({"", "", " by (zone)", " by (instance)", " by (zone, instance)", " by (nothing)",
                 " without (zone)", " without (instance, code)", " by ()", " without ()"});
}

std::string Grammar::aggregation(int depth) {
  const std::string op = one_of({"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk",
                                 "bottomk", "quantile", "count_values", "sum", "avg"});
  std::string param;
  if (op == "topk" || op == "bottomk") param = one_of({"1", "2", "3", "0", "-1", "1.7"}) + ", ";
  if (op == "quantile") param = one_of({"0", "0.25", "0.5", "0.99", "1", "2", "-0.1"}) + ", ";
  if (op == "count_values") param = one_of({"\"value\"", "\"zone\"", "\"x\""}) + ", ";
  return op + grouping() + " (" + param + vector(depth - 1) + ")";
}

std::string Grammar::joined(int depth) {
  const std::string op = rng_.chance(0.6) ? arithmetic() : comparison() + (rng_.chance(0.3) ? " bool" : "");
  if (rng_.chance(0.3)) {
    return "(" + vector(depth - 1) + ") " + op + " on (zone) group_left" + one_of({" ()", " (x)"}) +
           " sum by (zone) (" + vector(depth - 1) + ")";
  }
  if (rng_.chance(0.15)) {
    return "sum by (instance, zone) (" + vector(depth - 1) + ") " + op +
           " on (instance) group_left (version) build_info";
  }
  if (rng_.chance(0.15)) {
    return "max by (zone) (" + vector(depth - 1) + ") " + op + " ignoring (instance) group_right () (" +
           vector(depth - 1) + ")";
  }
  const std::string matching = one_of({"", "", " on (zone, instance)", " on (zone, instance)",
                                       " ignoring (code)", " on (instance)", " on ()", " ignoring (zone)"});
  return "(" + vector(depth - 1) + ") " + op + matching + " (" + vector(depth - 1) + ")";
}

std::string Grammar::with_scalar(int depth) {
  const std::string op = rng_.chance(0.5) ? arithmetic() : comparison() + (rng_.chance(0.3) ? " bool" : "");
  const std::string v = "(" + vector(depth - 1) + ")";
  const std::string s = rng_.chance(0.7) ? plain_number() : "(" + scalar(depth - 1) + ")";
  return rng_.chance(0.7) ? v + " " + op + " " + s : s + " " + op + " " + v;
}

std::string Grammar::set_operation(int depth) {
  return "(" + vector(depth - 1) + ") " + one_of({"and", "or", "unless"}) +
         one_of({"", "", " on (zone)", " on (instance)", " ignoring (code)", " on ()"}) + " (" +
         vector(depth - 1) + ")";
}

std::string Grammar::mapped(int depth) {
  const std::string v = vector(depth - 1);
  switch (rng_.below(6)) {
    case 0:
      return one_of({"clamp_min", "clamp_max"}) + "(" + v + ", " + number() + ")";
    case 1:
      return "clamp(" + v + ", " + number() + ", " + number() + ")";
    case 2:
      return "round(" + v + one_of({"", ", 0.5", ", 10", ", 0.1"}) + ")";
    case 3:
      return one_of({"timestamp", "hour", "minute", "month", "year", "day_of_week", "day_of_month",
                     "day_of_year", "days_in_month"}) +
             "(" + v + ")";
    default:
      return one_of({"abs",   "ceil",  "floor", "sgn",   "sqrt",      "exp",  "ln",   "log2",
                     "log10", "sin",   "cos",   "tan",   "asin",      "acos", "atan", "sinh",
                     "cosh",  "tanh",  "asinh", "acosh", "atanh",     "deg",  "rad",  "abs",
                     "ceil",  "floor", "sgn",   "sort",  "sort_desc", "-",    "+"}) +
             "(" + v + ")";
  }
}

std::string Grammar::labelled(int depth) {
  const std::string v = vector(depth - 1);
  if (rng_.chance(0.4)) return "label_join(" + v + ", \"x\", \"-\", \"zone\", \"instance\")";
  return "label_replace(" + v + ", " + one_of({"\"x\"", "\"zone\"", "\"y\""}) + ", " +
         one_of({"\"$1\"", "\"v-${1}\"", "\"\"", "\"$2$1\"", "\"a$$\""}) + ", " +
         one_of({"\"zone\"", "\"instance\"", "\"absent\""}) + ", " +
         one_of({"\"(.*)\"", "\"h(.)\"", "\"(a|b)\"", "\"(.)(.*)\"", "\"none\""}) + ")";
}

std::string Grammar::scalar(int depth) {
  if (depth <= 0 || rng_.chance(0.4)) return rng_.chance(0.8) ? number() : one_of({"time()", "pi()"});
  if (rng_.chance(0.5)) return "scalar(" + vector(depth - 1) + ")";
  const std::string l = "(" + scalar(depth - 1) + ") ";
  const std::string op = rng_.chance(0.7) ? arithmetic() : comparison() + " bool";
  return l + op + " (" + scalar(depth - 1) + ")";
}

std::string Grammar::vector(int depth) {
  if (depth <= 0) {
    const auto kind = rng_.below(20);
    if (kind == 0) return "vector(" + number() + ")";
    if (kind < 6) return over_range(0);
    return selector(metric());
  }
  switch (rng_.below(16)) {
    case 0:
    case 1:
      return selector(metric());
    case 2:
    case 3:
    case 4:
      return over_range(depth - 1);
    case 5:
    case 6:
    case 7:
      return aggregation(depth);
    case 8:
    case 9:
      return joined(depth);
    case 10:
      return with_scalar(depth);
    case 11:
      return set_operation(depth);
    case 12:
      return mapped(depth);
    case 13:
      return labelled(depth);
    case 14:
      return rng_.chance(0.4) ? "absent(" + vector(depth - 1) + ")" : "vector(" + scalar(depth - 1) + ")";
    default: {
      const std::string of = rng_.chance(0.5)
                                 ? "latency_bucket" + matchers("latency_bucket")
                                 : "sum by (le, zone) (rate(latency_bucket[" + seconds(60) + "]))";
      return "histogram_quantile(" + one_of({"0.5", "0.9", "0", "1", "0.99", "2", "-1"}) + ", " + of + ")";
    }
  }
}

}  // namespace

Query random_query(Rng& rng, const Shape& shape) {
  Grammar grammar(rng, shape);
  const int depth = 1 + static_cast<int>(rng.below(3));
  Query out;
  const auto time = [&](std::int64_t from_ms, std::int64_t to_ms) {
    const auto tens =
        static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>((to_ms - from_ms) / 10'000 + 1)));
    const std::int64_t t = from_ms + tens * 10'000;
    // Off edges: seven seconds after what steps of subqueries are multiples of.
    return shape.off_edges ? t + 7'000 : (rng.chance(0.3) ? t + 1'234 : t);
  };
  const std::int64_t end = shape.base_ms + shape.span_ms;
  if (rng.chance(0.5)) {
    out.text = rng.chance(0.05)   ? grammar.matrix(1)
               : rng.chance(0.05) ? grammar.scalar(depth)
                                  : grammar.vector(depth);
    out.span.start = out.span.end = time(shape.base_ms, end);
    return out;
  }
  out.text = rng.chance(0.05) ? grammar.scalar(depth) : grammar.vector(depth);
  static constexpr std::int64_t kSteps[] = {10'000, 20'000, 60'000, 130'000};
  out.span.step = kSteps[rng.below(std::size(kSteps))];
  out.span.start = time(shape.base_ms, end - 300'000);
  out.span.end = out.span.start + out.span.step * static_cast<std::int64_t>(rng.below(25));
  return out;
}

}  // namespace telltale::promql::naive
