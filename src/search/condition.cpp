#include "search/condition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale::search {
namespace {

struct Unit {
  std::string_view name;
  double ns;
};
constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3},   {"µs", 1e3},    {"ms", 1e6},    {"s", 1e9},
                           {"m", 6e10}, {"h", 3.6e12}, {"d", 8.64e13}, {"w", 6.048e14}};

/// A number right at the begin; what is behind it goes to `rest`.
std::optional<double> leading_number(std::string_view text, std::string_view& rest) {
  double v = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), v, std::chars_format::fixed);
  if (problem != std::errc() || !std::isfinite(v)) return std::nullopt;
  rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return v;
}

std::optional<double> duration_ns(std::string_view text) {
  std::string_view unit;
  const auto v = leading_number(text, unit);
  if (!v || *v < 0) return std::nullopt;
  for (const Unit& known : kUnits)
    if (known.name == unit && *v * known.ns < 9e18) return *v * known.ns;
  return std::nullopt;
}

std::optional<TimeRange> day_of(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const auto begin = parse_rfc3339(std::string(text) + "T00:00:00Z");
  if (!begin) return std::nullopt;
  return TimeRange{*begin, *begin + std::chrono::hours(24)};
}

TimeRange compared(Comparison comparison, TimeRange wanted) {
  switch (comparison) {
    case Comparison::equal:
      return wanted;
    case Comparison::greater:
      // A day begins with its first moment, which `>` includes; of a moment it is the next one.
      return {wanted.to.ns - wanted.from.ns == 1 ? wanted.to : wanted.from, {INT64_MAX}};
    case Comparison::greater_equal:
      return {wanted.from, {INT64_MAX}};
    case Comparison::less:
      return {{INT64_MIN}, wanted.from};
    case Comparison::less_equal:
      return {{INT64_MIN}, wanted.to};
  }
  return wanted;
}

std::optional<TimeRange> times_of(std::string_view text, Comparison comparison, UnixNanos now) {
  if (text.starts_with('-') || text.starts_with('+')) {
    const auto back = duration_ns(text.substr(1));
    if (!back) return std::nullopt;
    const UnixNanos then = now - Nanos(static_cast<std::int64_t>(*back));
    const bool since = comparison == Comparison::equal
                           ? text.front() == '-'
                           : comparison == Comparison::greater || comparison == Comparison::greater_equal;
    return since ? TimeRange{then, {INT64_MAX}} : TimeRange{{INT64_MIN}, then};
  }
  if (const auto day = day_of(text)) return compared(comparison, *day);
  const auto moment = parse_rfc3339(text);
  if (!moment) return std::nullopt;
  return compared(comparison, {*moment, {moment->ns + 1}});
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool holds(Comparison comparison, Level level, Level bound) {
  switch (comparison) {
    case Comparison::equal:
      return level == bound;
    case Comparison::greater:
      return level > bound;
    case Comparison::greater_equal:
      return level >= bound;
    case Comparison::less:
      return level < bound;
    case Comparison::less_equal:
      return level <= bound;
  }
  return false;
}

/// Turns terms into conditions. Errors carry the place of the value they are about.
class Understanding {
 public:
  Understanding(std::string_view text, const QueryContext& context) : text_(text), context_(context) {}

  Result<Conditions> tree(const Tree& tree) {
    if (tree.kind == Tree::Kind::term) return term(tree.term);
    Conditions out;
    out.kind = tree.kind;
    for (const Tree& child : tree.children) {
      TT_ASSIGN(auto understood, this->tree(child));
      out.children.push_back(std::move(understood));
    }
    return out;
  }

 private:
  tl::unexpected<Error> error(const Pattern& at, std::string_view message) const {
    return query_error(text_, at.place.begin, message);
  }
  tl::unexpected<Error> expected(const Term& term, const Pattern& value, std::string_view what) const {
    return error(value, fmt::format("{}: wants {}, not {}", term.key, what, value.text()));
  }

  Result<Conditions> term(const Term& t) {
    if (t.key.empty()) return words(t);
    if (t.key == "has" && !t.tag) return has(t);
    Condition c;
    c.name = t.key;
    c.field = t.tag ? nullptr : find_field(context_.subject, t.key);
    c.comparison = t.comparison;
    if (t.comparison == Comparison::equal && takes_nothing(c)) {
      const Pattern& first = t.values.front();
      if (t.values.size() == 1 && first.anything()) return present(std::move(c));
      if (t.values.size() == 1 && first.literal() && first.text().empty()) {
        Conditions none;
        none.kind = Tree::Kind::none;
        none.children.push_back(present(std::move(c)));
        return none;
      }
    }
    TT_TRY(values(t, c));
    return Conditions::of(std::move(c));
  }

  static bool takes_nothing(const Condition& c) {
    return c.field == nullptr || (c.field->kind != FieldKind::state && c.field->kind != FieldKind::boolean);
  }
  static Conditions present(Condition c) {
    c.has = true;
    return Conditions::of(std::move(c));
  }

  Result<Conditions> words(const Term& t) {
    Condition c;
    c.values = t.values;
    for (const Pattern& p : t.values)
      if (std::all_of(p.pieces.begin(), p.pieces.end(), [](const auto& s) { return s.empty(); }))
        return error(p, "a text to look for is expected");
    return Conditions::of(std::move(c));
  }

  Result<Conditions> has(const Term& t) {
    if (t.comparison != Comparison::equal)
      return error(t.values.front(), "has: the name of a key is expected");
    Conditions out;
    out.kind = Tree::Kind::any;
    for (const Pattern& p : t.values) {
      if (!p.literal() || p.text().empty()) return error(p, "has: the name of a key is expected");
      Condition c;
      c.name = p.text();
      if (c.name.starts_with("tags[") && c.name.ends_with("]"))
        c.name = c.name.substr(5, c.name.size() - 6);
      else
        c.field = find_field(context_.subject, c.name);
      if (c.field != nullptr && c.field->kind == FieldKind::state)
        return error(p, c.field->reads == "bookmarked" ? std::string("has: bookmarked:me is meant")
                                                       : fmt::format("has: every issue has {}", c.name));
      out.children.push_back(present(std::move(c)));
    }
    return out;
  }

  Result<> values(const Term& t, Condition& c) {
    const bool order = t.comparison != Comparison::equal;
    const FieldKind kind = c.field == nullptr ? (order ? FieldKind::number : FieldKind::word) : c.field->kind;
    switch (kind) {
      case FieldKind::number:
        if (order || c.field == nullptr || c.field->source == FieldSource::record)
          return numbers(t, c, false);
        c.values = t.values;
        return {};
      case FieldKind::duration:
        return numbers(t, c, true);
      case FieldKind::time:
        return time(t, c);
      case FieldKind::level:
        return levels(t, c);
      default:
        break;
    }
    if (order) return error(t.values.front(), fmt::format("{}: takes no comparison, only values", t.key));
    if (kind == FieldKind::boolean) return boolean(t, c);
    c.values = t.values;
    if (kind == FieldKind::state) return states(t, c);
    if (kind == FieldKind::person) return person(t, c);
    if (kind == FieldKind::id) return ids(t, c);
    for (const Pattern& p : t.values)
      if (kind == FieldKind::text && p.text().empty()) return expected(t, p, "a text");
    return {};
  }

  Result<> numbers(const Term& t, Condition& c, bool duration) {
    for (const Pattern& p : t.values) {
      std::string_view rest;
      const std::string text = p.text();
      const auto v = duration ? duration_ns(text) : leading_number(text, rest);
      if (!v || !rest.empty())
        return expected(t, p, duration ? "a duration such as 300ms, 1.5s or 2m" : "a number");
      c.numbers.push_back(*v);
    }
    return {};
  }

  Result<> time(const Term& t, Condition& c) {
    if (t.values.size() > 1) return error(t.values[1], fmt::format("{}: takes one time, not a list", t.key));
    const Pattern& p = t.values.front();
    const auto times = times_of(p.text(), t.comparison, context_.now);
    if (!times)
      return expected(t, p, "a date (2026-01-31), a time (2026-01-31T12:00:00Z) or an age (-24h, +7d)");
    c.times = *times;
    return {};
  }

  Result<> levels(const Term& t, Condition& c) {
    for (const Pattern& p : t.values) {
      const Level bound = level_from(p.text());
      if (bound == Level::unknown) return expected(t, p, "trace, debug, info, warning, error or fatal");
      for (const Level level :
           {Level::trace, Level::debug, Level::info, Level::warning, Level::error, Level::fatal})
        if (holds(t.comparison, level, bound)) c.levels.push_back(level);
    }
    return {};
  }

  Result<> boolean(const Term& t, Condition& c) {
    const std::string text = t.values.front().text();
    if (t.values.size() > 1 || (text != "true" && text != "false"))
      return expected(t, t.values.front(), "true or false");
    c.truth = text == "true";
    return {};
  }

  Result<> states(const Term& t, Condition& c) {
    const auto known = words_of(find_field(context_.subject, t.key)->values);
    for (const Pattern& p : t.values)
      if (std::find(known.begin(), known.end(), p.text()) == known.end())
        return expected(t, p, fmt::format("one of {}", fmt::join(known, ", ")));
    for (const Pattern& p : t.values) {
      if (c.field->reads != "bookmarked" && p.text() != "bookmarked") continue;
      if (context_.user == 0)
        return error(p, fmt::format("{}: nobody is signed in whose bookmarks these could be", t.key));
      c.user = context_.user;
    }
    return {};
  }

  Result<> person(const Term& t, Condition& c) {
    c.values.clear();
    for (const Pattern& p : t.values) {
      if (!p.quoted && p.text() == "none") {
        c.nobody = true;
        continue;
      }
      c.values.push_back(p);
      if (p.quoted || p.text() != "me") continue;
      if (context_.me.empty())
        return error(p, fmt::format("{}: nobody is signed in whom `me` could stand for", t.key));
      c.values.back().pieces = {context_.me};
    }
    return {};
  }

  Result<> ids(const Term& t, Condition& c) {
    for (Pattern& p : c.values) {
      for (std::string& piece : p.pieces) {
        std::erase(piece, '-');
        piece = to_lower(piece);
        if (piece.find_first_not_of("0123456789abcdef") != std::string::npos)
          return expected(t, p, "hexadecimal digits");
      }
    }
    return {};
  }

  std::string_view text_;
  const QueryContext& context_;
};

/// RE2: everything but letters, digits and what is beyond ASCII is quoted.
void append_quoted(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (c == '\0') {
      out.append("\\x00");
      continue;
    }
    if (!plain) out.push_back('\\');
    out.push_back(c);
  }
}

std::string regex_of(const Pattern& pattern, std::string_view begin, std::string_view end) {
  std::string out(begin);
  for (std::size_t i = 0; i < pattern.pieces.size(); ++i) {
    if (i > 0) out.append(".*");
    append_quoted(out, pattern.pieces[i]);
  }
  return out.append(end);
}

using storage::EventFilter;
using storage::FilterOp;

EventFilter any_of(std::vector<EventFilter> children) {
  if (children.size() == 1) return std::move(children.front());
  return {FilterOp::any, {}, {}, std::move(children), {}, false};
}

/// The number as text in which whole ones are digits only.
std::string number_text(double v) {
  return std::fabs(v) < 9e15 && v == std::floor(v) ? std::to_string(static_cast<std::int64_t>(v))
                                                   : fmt::format("{}", v);
}

EventFilter values_filter(const std::string& field, const Condition& c) {
  std::vector<EventFilter> out;
  std::vector<std::string> literals;
  const bool text = c.field != nullptr && c.field->kind == FieldKind::text;
  for (const Pattern& p : c.values) {
    if (text) {
      out.push_back(text_filter(field, p));
    } else if (p.literal()) {
      literals.push_back(p.text());
    } else {
      // A regular expression takes an absent field for empty text.
      out.push_back(
          EventFilter::all_of({EventFilter::leaf(FilterOp::exists, field),
                               EventFilter::leaf(FilterOp::regex, field, regex_of(p, "(?s)^", "$"))}));
    }
  }
  if (literals.size() == 1) out.push_back(EventFilter::leaf(FilterOp::eq, field, literals.front()));
  if (literals.size() > 1) out.push_back(EventFilter::one_of(field, std::move(literals)));
  return any_of(std::move(out));
}

EventFilter field_filter(const std::string& field, const Condition& c) {
  if (c.has) return EventFilter::leaf(FilterOp::exists, field);
  if (!c.levels.empty()) {
    std::vector<std::string> names;
    for (const Level level : c.levels) names.emplace_back(to_string(level));
    return EventFilter::one_of(field, std::move(names));
  }
  if (c.field != nullptr && c.field->kind == FieldKind::boolean) {
    const bool truth = c.field->name == "error.unhandled" ? !c.truth : c.truth;
    return EventFilter::leaf(FilterOp::eq, field, truth ? "true" : "false");
  }
  if (c.numbers.empty()) return values_filter(field, c);
  std::vector<EventFilter> out;
  for (const double n : c.numbers) {
    const FilterOp op = c.comparison == Comparison::greater         ? FilterOp::gt
                        : c.comparison == Comparison::greater_equal ? FilterOp::ge
                        : c.comparison == Comparison::less          ? FilterOp::lt
                        : c.comparison == Comparison::less_equal    ? FilterOp::le
                                                                    : FilterOp::eq;
    out.push_back(EventFilter::leaf(op, field, number_text(n)));
  }
  return any_of(std::move(out));
}

}  // namespace

Result<Conditions> understand(std::string_view text, const QueryContext& context) {
  TT_ASSIGN(const Tree tree, parse_query(text));
  return Understanding(text, context).tree(tree);
}

storage::EventFilter text_filter(std::string_view field, const Pattern& pattern) {
  if (pattern.literal()) return EventFilter::leaf(FilterOp::icontains, std::string(field), pattern.text());
  return EventFilter::leaf(FilterOp::regex, std::string(field), regex_of(pattern, "(?is)", ""));
}

storage::EventFilter row_filter(const Condition& condition) {
  if (condition.field == nullptr) return field_filter(condition.name, condition);
  std::vector<EventFilter> out;
  for (const std::string_view field : words_of(condition.field->reads))
    out.push_back(field_filter(std::string(field), condition));
  return any_of(std::move(out));
}

}  // namespace telltale::search
