// Values of templates, and how Go prints and compares them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::logql {

struct TemplateValue;
using TemplateList = std::vector<TemplateValue>;
using TemplateMap = std::map<std::string, TemplateValue>;

/// A time with the offset it is shown in.
struct TemplateTime {
  UnixNanos time;
  std::int32_t offset_seconds = 0;
  std::string zone = "UTC";
  bool zero = false;  // Go's zero time, year 1
};

/// What `.` is at the top: the row's labels, which are looked up and not copied.
struct LabelsData {};

struct TemplateValue {
  using Any =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, TemplateTime,
                   std::shared_ptr<const TemplateList>, std::shared_ptr<const TemplateMap>, LabelsData>;
  Any v;

  TemplateValue() = default;
  template <class T>
  TemplateValue(T value) : v(std::move(value)) {}  // NOLINT: values are written as they come

  bool is_nil() const { return v.index() == 0; }
  const std::string* text() const { return std::get_if<std::string>(&v); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&v); }
  const double* real() const { return std::get_if<double>(&v); }
  const bool* boolean() const { return std::get_if<bool>(&v); }
  const TemplateTime* time() const { return std::get_if<TemplateTime>(&v); }
  const TemplateList* list() const {
    const auto* p = std::get_if<std::shared_ptr<const TemplateList>>(&v);
    return p == nullptr ? nullptr : p->get();
  }
  const TemplateMap* map() const {
    const auto* p = std::get_if<std::shared_ptr<const TemplateMap>>(&v);
    return p == nullptr ? nullptr : p->get();
  }
};

/// Go's name of the type: `string`, `int`, `float64`, ….
std::string_view type_name(const TemplateValue& value);
/// `%v`.
std::string print_value(const TemplateValue& value);
/// Whether an `if` takes it.
bool is_true(const TemplateValue& value);

/// Go's fmt.Sprintf. Never fails: what does not fit is said in the text, as Go does.
std::string go_sprintf(std::string_view format, const std::vector<TemplateValue>& args);

/// A JSON document as values; false when it is none.
bool value_from_json(std::string_view text, TemplateValue& out);

/// A call of a function by name; execution errors say which. `row` for __line__ and __timestamp__.
class RowState;
using TemplateFunction = Result<TemplateValue> (*)(const std::vector<TemplateValue>& args,
                                                   const RowState& row);
/// nullptr: there is no such function. Arity is checked by call_function.
struct FunctionEntry {
  std::string_view name;
  int min_args;
  int max_args;  // -1: any number
  TemplateFunction call;
};
const FunctionEntry* find_function(std::string_view name);
/// Those of text, numbers and times; find_function looks through all.
const FunctionEntry* find_text_function(std::string_view name);
const FunctionEntry* find_number_function(std::string_view name);
const FunctionEntry* find_time_function(std::string_view name);

// Arguments of functions, checked as Go checks them: `execution` with the function's name.
Result<std::string_view> text_arg(std::string_view function, const TemplateValue& value);
Result<std::int64_t> int_arg(std::string_view function, const TemplateValue& value);

}  // namespace telltale::logql
