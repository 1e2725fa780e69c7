// The functions of templates that work on numbers, and Go's comparisons. Arithmetic takes what it is given as
// Loki's does: text is read as a number, and what is none counts as 0.
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "logql/template_value.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

using Args = const std::vector<TemplateValue>&;
using Value = Result<TemplateValue>;

tl::unexpected<Error> number_error(std::string message) {
  return fail(ErrorKind::execution, std::move(message));
}

double to_real(const TemplateValue& v) {
  if (const auto* i = v.integer()) return static_cast<double>(*i);
  if (const auto* d = v.real()) return *d;
  if (const auto* b = v.boolean()) return *b ? 1 : 0;
  if (const auto* s = v.text()) return parse_go_float(*s).value_or(0);
  return 0;
}

std::int64_t clamp_whole(double d) {
  if (std::isnan(d)) return 0;
  if (d >= 9.2e18) return INT64_MAX;
  if (d <= -9.2e18) return INT64_MIN;
  return static_cast<std::int64_t>(d);
}

std::int64_t to_whole(const TemplateValue& v) {
  if (const auto* i = v.integer()) return *i;
  if (const auto* d = v.real()) return clamp_whole(*d);
  if (const auto* s = v.text()) {
    // Whole numbers in any base Go knows; a fraction of zeros is passed over.
    std::string digits = *s;
    const std::size_t dot = digits.find('.');
    if (dot != std::string::npos && digits.find_first_not_of('0', dot + 1) == std::string::npos)
      digits.resize(dot);
    if (digits.empty()) return 0;
    char* stop = nullptr;
    errno = 0;
    const long long n = std::strtoll(digits.c_str(), &stop, 0);
    return *stop == '\0' && errno == 0 ? n : 0;
  }
  return clamp_whole(to_real(v));
}

std::int64_t wrap_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t wrap_mul(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

/// Decimal arithmetic does not show the binary tail of 0.1 + 0.2.
TemplateValue decimal(double v) {
  if (!std::isfinite(v)) return TemplateValue(v);
  return TemplateValue(std::strtod(fmt::format("{:.15g}", v).c_str(), nullptr));
}

template <class Fold>
Value fold_whole(Args a, std::int64_t start, std::size_t from, Fold fold) {
  for (std::size_t i = from; i < a.size(); ++i) start = fold(start, to_whole(a[i]));
  return TemplateValue(start);
}
template <class Fold>
double fold_real(Args a, double start, std::size_t from, Fold fold) {
  for (std::size_t i = from; i < a.size(); ++i) start = fold(start, to_real(a[i]));
  return start;
}

Value add(Args a, const RowState&) { return fold_whole(a, 0, 0, wrap_add); }
Value sub(Args a, const RowState&) {
  return TemplateValue(wrap_add(to_whole(a[0]), wrap_mul(-1, to_whole(a[1]))));
}
Value mul(Args a, const RowState&) { return fold_whole(a, to_whole(a[0]), 1, wrap_mul); }
Value quotient(const char* name, Args a, bool rest) {
  const std::int64_t x = to_whole(a[0]);
  const std::int64_t y = to_whole(a[1]);
  if (y == 0) return number_error(fmt::format("{}: integer divide by zero", name));
  if (y == -1) return TemplateValue(rest ? std::int64_t{0} : wrap_mul(-1, x));
  return TemplateValue(rest ? x % y : x / y);
}
Value div_(Args a, const RowState&) { return quotient("div", a, false); }
Value mod(Args a, const RowState&) { return quotient("mod", a, true); }
Value addf(Args a, const RowState&) {
  return decimal(fold_real(a, 0, 0, [](double x, double y) { return x + y; }));
}
Value subf(Args a, const RowState&) {
  return decimal(fold_real(a, to_real(a[0]), 1, [](double x, double y) { return x - y; }));
}
Value mulf(Args a, const RowState&) {
  return decimal(fold_real(a, to_real(a[0]), 1, [](double x, double y) { return x * y; }));
}
Value divf(Args a, const RowState&) {
  for (std::size_t i = 1; i < a.size(); ++i)
    if (to_real(a[i]) == 0) return number_error("divf: division by zero");
  return decimal(fold_real(a, to_real(a[0]), 1, [](double x, double y) { return x / y; }));
}
Value max(Args a, const RowState&) {
  return fold_whole(a, to_whole(a[0]), 1, [](std::int64_t x, std::int64_t y) { return std::max(x, y); });
}
Value min(Args a, const RowState&) {
  return fold_whole(a, to_whole(a[0]), 1, [](std::int64_t x, std::int64_t y) { return std::min(x, y); });
}
Value maxf(Args a, const RowState&) {
  return TemplateValue(fold_real(a, to_real(a[0]), 1, [](double x, double y) { return std::max(x, y); }));
}
Value minf(Args a, const RowState&) {
  return TemplateValue(fold_real(a, to_real(a[0]), 1, [](double x, double y) { return std::min(x, y); }));
}
Value ceil(Args a, const RowState&) { return TemplateValue(std::ceil(to_real(a[0]))); }
Value floor(Args a, const RowState&) { return TemplateValue(std::floor(to_real(a[0]))); }
Value round(Args a, const RowState&) {
  const double edge = a.size() > 2 ? to_real(a[2]) : 0.5;
  const double power = std::pow(10, static_cast<double>(to_whole(a[1])));
  double whole = 0;
  const double digits = power * to_real(a[0]);
  const double rest = std::modf(digits, &whole);
  return TemplateValue((rest >= edge ? std::ceil(digits) : std::floor(digits)) / power);
}
Value int_(Args a, const RowState&) { return TemplateValue(to_whole(a[0])); }
Value float64(Args a, const RowState&) { return TemplateValue(to_real(a[0])); }
Value bytes(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("bytes", a[0]));
  const auto n = parse_byte_size(s);
  if (!n) return number_error(fmt::format("bytes: \"{}\" is no byte size", s));
  return TemplateValue(static_cast<double>(*n));
}
Value duration(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("duration", a[0]));
  const auto d = parse_go_duration(s);
  if (!d) return number_error(fmt::format("duration: \"{}\" is no duration", s));
  return TemplateValue(static_cast<double>(d->count()) / 1e9);
}

/// -1, 0, 1 of two values of one kind; an error for different kinds.
Result<int> compare(const TemplateValue& a, const TemplateValue& b, bool ordered) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.text() != nullptr && b.text() != nullptr) return order(*a.text(), *b.text());
  if (a.integer() != nullptr && b.integer() != nullptr) return order(*a.integer(), *b.integer());
  if (a.real() != nullptr && b.real() != nullptr) return order(*a.real(), *b.real());
  if (!ordered && a.boolean() != nullptr && b.boolean() != nullptr)
    return *a.boolean() == *b.boolean() ? 0 : 1;
  if (!ordered && (a.is_nil() || b.is_nil())) return a.is_nil() && b.is_nil() ? 0 : 1;
  return number_error(fmt::format("{} and {} cannot be compared", type_name(a), type_name(b)));
}
Value eq(Args a, const RowState&) {
  for (std::size_t i = 1; i < a.size(); ++i) {
    TT_ASSIGN(const int c, compare(a[0], a[i], false));
    if (c == 0) return TemplateValue(true);
  }
  return TemplateValue(false);
}
Value ne(Args a, const RowState&) {
  TT_ASSIGN(const int c, compare(a[0], a[1], false));
  return TemplateValue(c != 0);
}
Value lt(Args a, const RowState&) {
  TT_ASSIGN(const int c, compare(a[0], a[1], true));
  return TemplateValue(c < 0);
}
Value le(Args a, const RowState&) {
  TT_ASSIGN(const int c, compare(a[0], a[1], true));
  return TemplateValue(c <= 0);
}
Value gt(Args a, const RowState&) {
  TT_ASSIGN(const int c, compare(a[0], a[1], true));
  return TemplateValue(c > 0);
}
Value ge(Args a, const RowState&) {
  TT_ASSIGN(const int c, compare(a[0], a[1], true));
  return TemplateValue(c >= 0);
}
Value not_(Args a, const RowState&) { return TemplateValue(!is_true(a[0])); }

constexpr FunctionEntry kNumberFunctions[] = {{"add", 0, -1, add},
                                              {"sub", 2, 2, sub},
                                              {"mul", 1, -1, mul},
                                              {"div", 2, 2, div_},
                                              {"mod", 2, 2, mod},
                                              {"addf", 0, -1, addf},
                                              {"subf", 1, -1, subf},
                                              {"mulf", 1, -1, mulf},
                                              {"divf", 1, -1, divf},
                                              {"max", 1, -1, max},
                                              {"min", 1, -1, min},
                                              {"maxf", 1, -1, maxf},
                                              {"minf", 1, -1, minf},
                                              {"ceil", 1, 1, ceil},
                                              {"floor", 1, 1, floor},
                                              {"round", 2, 3, round},
                                              {"int", 1, 1, int_},
                                              {"float64", 1, 1, float64},
                                              {"bytes", 1, 1, bytes},
                                              {"duration", 1, 1, duration},
                                              {"duration_seconds", 1, 1, duration},
                                              {"eq", 2, -1, eq},
                                              {"ne", 2, 2, ne},
                                              {"lt", 2, 2, lt},
                                              {"le", 2, 2, le},
                                              {"gt", 2, 2, gt},
                                              {"ge", 2, 2, ge},
                                              {"not", 1, 1, not_}};

}  // namespace

const FunctionEntry* find_number_function(std::string_view name) {
  for (const FunctionEntry& f : kNumberFunctions)
    if (f.name == name) return &f;
  return nullptr;
}

}  // namespace telltale::logql
