// The common case costs one DOM parse. Only when simdjson refuses the text is it repaired and parsed once
// more.
#include "wire/json/document.ipp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/intake_limits.hpp"

namespace telltale::wire::json {
namespace {

constexpr double kMaxSeconds = 9.2e9;  // about the year 2261, the end of int64 nanoseconds

std::optional<UnixNanos> from_seconds_number(double seconds) {
  if (!std::isfinite(seconds) || std::abs(seconds) > kMaxSeconds) return std::nullopt;
  return UnixNanos{std::llround(seconds * 1e6) * 1000};
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T v{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return v;
}

/// A document's tape takes up to 24 bytes of memory for each byte of text that is all short values.
bool has_too_many_values(std::string_view bytes) {
  if (bytes.size() <= limits::kMaxJsonValues) return false;
  const auto most = static_cast<std::ptrdiff_t>(limits::kMaxJsonValues);
  if (std::count(bytes.begin(), bytes.end(), ',') <= most) return false;
  // Once more, without those of texts.
  std::size_t commas = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '"') in_text = !in_text;
    if (in_text && bytes[i] == '\\') ++i;
    if (!in_text && bytes[i] == ',') ++commas;
  }
  return commas > limits::kMaxJsonValues;
}

tl::unexpected<Error> too_many_values() {
  return fail(ErrorKind::too_large,
              "JSON: over the limit of " + std::to_string(limits::kMaxJsonValues) + " values");
}

}  // namespace

Result<Document> Document::parse(std::string_view bytes) {
  if (has_too_many_values(bytes)) return too_many_values();
  Document doc;
  doc.parser_ = std::make_unique<simdjson::dom::parser>();
  if (bytes.empty()) return fail(ErrorKind::invalid_argument, "empty body where JSON was expected");
  simdjson::error_code error = doc.parser_->parse(bytes.data(), bytes.size(), true).get(doc.root_);
  if (error == simdjson::SUCCESS) return doc;
  const std::string repaired = repair(bytes);
  if (repaired != bytes) error = doc.parser_->parse(repaired.data(), repaired.size(), true).get(doc.root_);
  if (error == simdjson::SUCCESS) return doc;
  return fail(ErrorKind::invalid_argument, std::string("not valid JSON: ") + simdjson::error_message(error));
}

Result<std::string> normalise(std::string_view bytes) {
  if (has_too_many_values(bytes)) return too_many_values();
  simdjson::dom::parser parser;
  Value root;
  simdjson::error_code error = parser.parse(bytes.data(), bytes.size(), true).get(root);
  if (error == simdjson::SUCCESS) return std::string(bytes);
  std::string repaired = repair(bytes);
  error = parser.parse(repaired.data(), repaired.size(), true).get(root);
  if (error == simdjson::SUCCESS) return repaired;
  return fail(ErrorKind::invalid_argument, std::string("not valid JSON: ") + simdjson::error_message(error));
}

std::optional<Value> get(Value object, std::string_view key) {
  Object o;
  Value v;
  if (object.get(o) != simdjson::SUCCESS || o.at_key(key).get(v) != simdjson::SUCCESS) return std::nullopt;
  return v;
}

std::optional<Object> get_object(Value object, std::string_view key) {
  Object o;
  const auto v = get(object, key);
  if (!v || v->get(o) != simdjson::SUCCESS) return std::nullopt;
  return o;
}

std::optional<Array> get_array(Value object, std::string_view key) {
  Array a;
  const auto v = get(object, key);
  if (!v || v->get(a) != simdjson::SUCCESS) return std::nullopt;
  return a;
}

std::optional<std::string_view> get_string(Value object, std::string_view key) {
  std::string_view s;
  const auto v = get(object, key);
  if (!v || v->get(s) != simdjson::SUCCESS) return std::nullopt;
  return s;
}

std::string text_of(Value value) {
  std::string_view s;
  if (value.get(s) == simdjson::SUCCESS) return std::string(s);
  if (value.is_null()) return {};
  // Not is_double(): whole numbers pass for doubles, too, and lose their last digits.
  if (value.type() == simdjson::dom::element_type::DOUBLE) {
    std::string out;
    append_number(out, value.get_double().value_unsafe());
    return out;
  }
  return simdjson::minify(value);
}

std::string get_text(Value object, std::string_view key) {
  const auto v = get(object, key);
  if (!v || v->is_object() || v->is_array()) return {};
  return text_of(*v);
}

std::optional<std::int64_t> int_of(Value value) {
  std::int64_t i = 0;
  std::string_view s;
  if (value.get(i) == simdjson::SUCCESS) return i;
  if (value.get(s) == simdjson::SUCCESS) return whole_number<std::int64_t>(s);
  double d = 0;
  if (value.is_double() && value.get(d) == simdjson::SUCCESS && d == std::floor(d) && std::abs(d) < 9e15)
    return static_cast<std::int64_t>(d);
  return std::nullopt;
}

std::optional<std::uint64_t> uint_of(Value value) {
  std::uint64_t u = 0;
  std::string_view s;
  if (value.get(u) == simdjson::SUCCESS) return u;
  if (value.get(s) == simdjson::SUCCESS) return whole_number<std::uint64_t>(s);
  return std::nullopt;
}

std::optional<double> double_of(Value value) {
  double d = 0;
  std::string_view s;
  if (value.get(d) == simdjson::SUCCESS) return d;
  if (value.get(s) == simdjson::SUCCESS) return whole_number<double>(s);
  return std::nullopt;
}

std::optional<bool> bool_of(Value value) {
  bool b = false;
  std::string_view s;
  if (value.get(b) == simdjson::SUCCESS) return b;
  if (value.get(s) != simdjson::SUCCESS) return std::nullopt;
  if (s == "true" || s == "True") return true;
  if (s == "false" || s == "False") return false;
  return std::nullopt;
}

std::optional<std::int64_t> get_int(Value object, std::string_view key) {
  const auto v = get(object, key);
  return v ? int_of(*v) : std::nullopt;
}

std::optional<bool> get_bool(Value object, std::string_view key) {
  const auto v = get(object, key);
  return v ? bool_of(*v) : std::nullopt;
}

std::optional<AttrValue> attr_of(Value value) {
  switch (value.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      return std::nullopt;
    case simdjson::dom::element_type::BOOL:
      return AttrValue(value.get_bool().value_unsafe());
    case simdjson::dom::element_type::INT64:
      return AttrValue(value.get_int64().value_unsafe());
    case simdjson::dom::element_type::DOUBLE:
      return AttrValue(value.get_double().value_unsafe());
    default:
      return AttrValue(text_of(value));
  }
}

std::optional<UnixNanos> time_of(Value value) {
  if (value.is_number()) {
    std::int64_t whole = 0;
    if (value.is_int64() && value.get(whole) == simdjson::SUCCESS &&
        std::abs(static_cast<double>(whole)) < kMaxSeconds)
      return UnixNanos::from_seconds(whole);
    return from_seconds_number(double_of(value).value_or(NAN));
  }
  std::string_view s;
  if (value.get(s) != simdjson::SUCCESS) return std::nullopt;
  if (const auto number = whole_number<double>(s)) return from_seconds_number(*number);
  const auto parsed = parse_rfc3339(s);
  if (!parsed) return std::nullopt;
  return *parsed;
}

std::optional<UnixNanos> get_time(Value object, std::string_view key) {
  const auto v = get(object, key);
  return v ? time_of(*v) : std::nullopt;
}

void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

}  // namespace telltale::wire::json
