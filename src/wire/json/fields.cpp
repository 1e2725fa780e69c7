#include "wire/json/fields.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/limits.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::json {
namespace {

/// Names met so far, as bits: most documents have no name twice, and then no name is compared with another.
class NameFilter {
 public:
  /// True when the name may have come before.
  bool add(std::string_view name) {
    const std::size_t hash = name.size() * 31 + static_cast<unsigned char>(name.front()) * 7 +
                             static_cast<unsigned char>(name.back()) * 131 +
                             static_cast<unsigned char>(name[name.size() / 2]) * 17;
    std::uint64_t& word = bits_[(hash >> 6) % bits_.size()];
    const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
    const bool seen = (word & bit) != 0;
    word |= bit;
    return seen;
  }

 private:
  std::array<std::uint64_t, 16> bits_{};
};

class FieldWalk {
 public:
  explicit FieldWalk(std::vector<Attr>& out) : out_(out) {
    for (const Attr& a : out)
      if (!a.name.empty()) (void)names_.add(a.name);
  }

  void object(Object object, int depth) {
    const std::size_t prefix = prefix_.size();
    for (const auto field : object) {
      if (out_.size() >= limits::kMaxDocumentFields) return;
      if (field.key.empty()) continue;
      if (field.value.is_object() && depth < kMaxDepth) {
        prefix_.append(field.key);
        prefix_ += '.';
        this->object(field.value.get_object().value_unsafe(), depth + 1);
        prefix_.resize(prefix);
        continue;
      }
      auto value = attr_of(field.value);
      if (value) put(field.key, *std::move(value));
    }
  }

 private:
  static constexpr int kMaxDepth = 16;  // what is nested deeper stays JSON text

  void put(std::string_view key, AttrValue value) {
    std::string name;
    name.reserve(prefix_.size() + key.size());
    name.append(prefix_).append(key);
    if (names_.add(name)) {
      for (Attr& a : out_) {
        if (a.name != name) continue;
        a.value = std::move(value);
        return;
      }
    }
    out_.push_back({std::move(name), std::move(value)});
  }

  std::vector<Attr>& out_;
  std::string prefix_;
  NameFilter names_;
};

constexpr int kEarliest = 100'000'000;  // seconds, in 1973: what is smaller is a duration or a count

std::optional<UnixNanos> from_number(double value) {
  // Each unit's window ends where the next begins: 1e11 seconds is the year 5138, in milliseconds 1973.
  constexpr double kEnds[] = {1e11, 1e14, 1e17, 9.2e18};
  constexpr double kNanos[] = {1e9, 1e6, 1e3, 1};
  if (!(value >= kEarliest)) return std::nullopt;
  for (int i = 0; i < 4; ++i) {
    if (value < kEnds[i] && value * kNanos[i] < 9.2e18)
      return UnixNanos{static_cast<std::int64_t>(std::llround(value * kNanos[i]))};
  }
  return std::nullopt;
}

std::optional<UnixNanos> from_integer(std::int64_t value) {
  constexpr std::int64_t kEnds[] = {100'000'000'000, 100'000'000'000'000, 100'000'000'000'000'000, INT64_MAX};
  constexpr std::int64_t kNanos[] = {1'000'000'000, 1'000'000, 1'000, 1};
  std::int64_t out = 0;
  for (int i = 0; i < 4; ++i) {
    if (value >= kEarliest && value < kEnds[i]) {
      if (__builtin_mul_overflow(value, kNanos[i], &out)) return std::nullopt;
      return UnixNanos{out};
    }
  }
  return std::nullopt;
}

}  // namespace

struct FieldReader::Impl {
  simdjson::dom::parser parser;
};

FieldReader::FieldReader() : impl_(std::make_unique<Impl>()) {}
FieldReader::~FieldReader() = default;
FieldReader::FieldReader(FieldReader&&) noexcept = default;

Result<> FieldReader::read(std::string_view json, std::size_t readable_after, std::vector<Attr>& out) {
  static_assert(kPadding >= simdjson::SIMDJSON_PADDING);
  if (json.empty()) return fail(ErrorKind::invalid_argument, "no JSON object: the line is empty");
  Value root;
  const bool copy = readable_after < kPadding;
  auto error = impl_->parser.parse(json.data(), json.size(), copy).get(root);
  std::string repaired;
  if (error != simdjson::SUCCESS) {
    repaired = repair(json);
    if (repaired != json) error = impl_->parser.parse(repaired.data(), repaired.size(), true).get(root);
  }
  if (error != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument,
                std::string("not valid JSON: ") + simdjson::error_message(error));
  }
  Object object;
  if (root.get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "expected a JSON object");
  FieldWalk(out).object(object, 0);
  return {};
}

std::optional<UnixNanos> log_time(const AttrValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return from_integer(*whole);
  if (const auto* number = std::get_if<double>(&value)) return from_number(*number);
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->empty()) return std::nullopt;
  if (const auto time = parse_rfc3339(*text)) return *time;
  const char* end = text->data() + text->size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(text->data(), end, whole); r.ec == std::errc{} && r.ptr == end)
    return from_integer(whole);
  double number = 0;
  if (const auto r = std::from_chars(text->data(), end, number); r.ec == std::errc{} && r.ptr == end)
    return from_number(number);
  return std::nullopt;
}

}  // namespace telltale::wire::json
