#include "search/where.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "storage/event_filter.hpp"

namespace telltale::search {
namespace {

using storage::EventFilter;
using storage::FilterOp;

constexpr std::string_view kDurationMs = "duration_ms";

struct Operator {
  std::string_view text;
  FilterOp op;
  bool negated;
};

// Longer ones first: `>=` is not `>` with a value that begins with `=`.
constexpr std::array<Operator, 8> kOperators = {{{"!=", FilterOp::eq, true},
                                                 {"!~", FilterOp::regex, true},
                                                 {">=", FilterOp::ge, false},
                                                 {"<=", FilterOp::le, false},
                                                 {"=", FilterOp::eq, false},
                                                 {"~", FilterOp::regex, false},
                                                 {">", FilterOp::gt, false},
                                                 {"<", FilterOp::lt, false}}};

const Operator* operator_at(std::string_view text) {
  for (const Operator& known : kOperators)
    if (text.starts_with(known.text)) return &known;
  return nullptr;
}

bool is_order(FilterOp op) {
  return op == FilterOp::gt || op == FilterOp::ge || op == FilterOp::lt || op == FilterOp::le;
}

/// Severity has an order that the text of a level does not show.
Result<EventFilter> level_filter(FilterOp op, std::string_view value) {
  const Level bound = level_from(value);
  if (bound == Level::unknown) {
    return fail(ErrorKind::invalid_argument, "where: level: trace, debug, info, warning, error or fatal");
  }
  std::vector<std::string> names;
  for (const Level level :
       {Level::trace, Level::debug, Level::info, Level::warning, Level::error, Level::fatal}) {
    const bool holds = op == FilterOp::gt   ? level > bound
                       : op == FilterOp::ge ? level >= bound
                       : op == FilterOp::lt ? level < bound
                                            : level <= bound;
    if (holds) names.emplace_back(to_string(level));
  }
  return EventFilter::one_of("level", std::move(names));
}

/// Spans keep nanoseconds; people think in milliseconds.
Result<EventFilter> duration_filter(FilterOp op, std::string_view value) {
  double ms = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (problem != std::errc() || end != value.data() + value.size() || !std::isfinite(ms)) {
    return fail(ErrorKind::invalid_argument, "where: duration_ms: not a number");
  }
  const double ns = std::clamp(ms * 1e6, -9e18, 9e18);
  // Fractions of a nanosecond matter to no order of whole ones, but to equality.
  const AttrValue wanted =
      op == FilterOp::eq ? AttrValue(static_cast<std::int64_t>(std::llround(ns))) : AttrValue(ns);
  return EventFilter::leaf(op, std::string(attr::kDurationNs), to_string(wanted));
}

}  // namespace

Result<EventFilter> parse_where(std::string_view text) {
  const Operator* found = nullptr;
  std::size_t at = text.find_first_of("!=~<>");
  while (at != std::string_view::npos && (found = operator_at(text.substr(at))) == nullptr)
    at = text.find_first_of("!=~<>", at + 1);  // a lone `!` belongs to the name
  if (found == nullptr) {
    return fail(ErrorKind::invalid_argument,
                "where: " + std::string(text) + ": no operator; one of = != ~ !~ > >= < <=");
  }
  if (at == 0) return fail(ErrorKind::invalid_argument, "where: " + std::string(text) + ": no field name");
  const std::string field(text.substr(0, at));
  const std::string value(text.substr(at + found->text.size()));
  if (field == "level" && is_order(found->op)) return level_filter(found->op, value);
  EventFilter leaf = EventFilter::leaf(found->op, field, value);
  if (field == kDurationMs && found->op != FilterOp::regex && !value.empty()) {
    TT_ASSIGN(leaf, duration_filter(found->op, value));
  }
  if (auto good = storage::CompiledLeaf::compile(leaf); !good) {
    return tl::unexpected<Error>(std::move(good).error().within("where"));
  }
  if (!found->negated) return leaf;
  return EventFilter{FilterOp::none, {}, {}, {std::move(leaf)}, {}};
}

}  // namespace telltale::search
