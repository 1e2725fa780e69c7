// Taking away from a case what its disagreement does not need, until nothing more can go.
#include <functional>

#include <fmt/format.h>

#include "promql/differential/differential.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"

namespace telltale::promql::naive {
namespace {

using Differs = std::function<bool(const Case&)>;

void each_slot(ExprPtr& e, const std::function<void(ExprPtr&)>& fn) {
  fn(e);
  if (e->param) each_slot(e->param, fn);
  for (ExprPtr& arg : e->args) each_slot(arg, fn);
}

std::size_t count_slots(ExprPtr& e) {
  std::size_t n = 0;
  each_slot(e, [&](ExprPtr&) { ++n; });
  return n;
}

/// The text with its `outer`th node replaced by the `inner`th below that; empty when their types do not fit.
std::string with_part_for_whole(const std::string& text, std::size_t outer, std::size_t inner) {
  auto expr = parse(text);
  if (!expr) return "";
  std::size_t at = 0;
  std::string out;
  ExprPtr part;
  ExprPtr* whole = nullptr;
  each_slot(*expr, [&](ExprPtr& e) {
    if (at++ == outer) whole = &e;
  });
  if (whole == nullptr) return "";
  at = 0;
  ExprPtr* found = nullptr;
  each_slot(*whole, [&](ExprPtr& e) {
    if (at++ == inner) found = &e;
  });
  if (found == nullptr || (*found)->type != (*whole)->type) return "";
  part = std::move(*found);
  *whole = std::move(part);
  return to_string(**expr);
}

bool shrink_query(Case& c, const Differs& differs) {
  for (std::string& text : smaller_queries(c.query.text)) {
    Case smaller = c;
    smaller.query.text = std::move(text);
    if (!differs(smaller)) continue;
    c = std::move(smaller);
    return true;
  }
  return false;
}

bool shrink_time(Case& c, const Differs& differs) {
  if (c.query.span.step == 0) return false;
  for (std::int64_t t = c.query.span.start; t <= c.query.span.end; t += c.query.span.step) {
    for (const std::int64_t step : {std::int64_t{0}, c.query.span.step}) {
      Case smaller = c;
      smaller.query.span = {t, t, step};
      if (c.query.span.start == c.query.span.end && step != 0) continue;
      if (!differs(smaller)) continue;
      c = std::move(smaller);
      return true;
    }
  }
  return false;
}

bool shrink_series(Case& c, const Differs& differs) {
  bool any = false;
  for (std::size_t i = c.data.size(); i-- > 0;) {
    Case smaller = c;
    smaller.data.erase(smaller.data.begin() + static_cast<std::ptrdiff_t>(i));
    if (!differs(smaller)) continue;
    c = std::move(smaller);
    any = true;
  }
  return any;
}

/// Halves, quarters, … and at last single samples.
bool shrink_samples(Case& c, const Differs& differs) {
  bool any = false;
  for (std::size_t i = 0; i < c.data.size(); ++i) {
    for (std::size_t n = c.data[i].points.size() / 2; n > 0; n /= 2) {
      for (std::size_t at = 0; at < c.data[i].points.size();) {
        Case smaller = c;
        auto& points = smaller.data[i].points;
        const auto begin = points.begin() + static_cast<std::ptrdiff_t>(at);
        points.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(n, points.size() - at)));
        if (differs(smaller)) {
          c = std::move(smaller);
          any = true;
        } else {
          at += n;
        }
      }
    }
  }
  return any;
}

}  // namespace

std::vector<std::string> smaller_queries(const std::string& text) {
  std::vector<std::string> out;
  auto expr = parse(text);
  if (!expr) return out;
  const std::size_t n = count_slots(*expr);
  for (std::size_t outer = 0; outer < n; ++outer) {
    for (std::size_t inner = 1; inner < n - outer; ++inner) {
      std::string smaller = with_part_for_whole(text, outer, inner);
      if (!smaller.empty() && smaller.size() < text.size()) out.push_back(std::move(smaller));
    }
  }
  return out;
}

Case shrunk(Case c, const Clock& clock) {
  const Differs differs = [&](const Case& x) {
    return compare_with_engine(x, clock).verdict == Verdict::differ;
  };
  bool any = true;
  while (any) {
    any = shrink_query(c, differs);
    any = shrink_time(c, differs) || any;
    any = shrink_series(c, differs) || any;
    any = shrink_samples(c, differs) || any;
  }
  return c;
}

std::string to_text(const Case& c) {
  std::string out;
  for (const Series& s : c.data) {
    out += "  " + s.labels.to_string();
    for (const Point& p : s.points)
      out += fmt::format(" {}@{}", is_stale_nan(p.value) ? "stale" : format_value(p.value), p.time_ms);
    out += "\n";
  }
  const QuerySpan& span = c.query.span;
  if (span.step == 0) return out + fmt::format("  eval at {}: {}\n", span.start, c.query.text);
  return out +
         fmt::format("  eval from {} to {} step {}: {}\n", span.start, span.end, span.step, c.query.text);
}

}  // namespace telltale::promql::naive
