// What was masked in an event, told in the event itself: `_meta` mirrors the event's structure, and under the
// key "" of a value stand its remarks, `{"rem": [[rule, what, begin, end], …], "len": its length before}`, as
// Sentry's protocol has them. What is: s (replaced), m (with asterisks), x (removed), p (by a hash). Begin,
// end and length are in characters; a remark without a place is about the whole value. SDKs send remarks of
// their own, which are kept as far as they are remarks and nothing else. For this folder's .cpp files.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redact/redactor.hpp"
#include "redact/rules.hpp"

namespace telltale::redact {

struct Remark {
  RuleId rule = 0;
  Method method = Method::replace;
  bool placed = false;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct ValueRemarks {
  std::vector<std::string> path;  // keys and places in lists, from the root
  std::vector<Remark> remarks;
  std::size_t length = 0;  // before; of text only
  bool has_length = false;
};

/// Where things stand in a document that was walked.
struct JsonPlaces {
  std::size_t meta_begin = std::string::npos;  // of the value of the root's first `_meta`
  std::size_t meta_end = 0;
  std::size_t root_end = std::string::npos;  // the root object's last brace
  bool root_empty = true;
};

inline constexpr std::size_t kMaxRemarkedValues = 1'000;  // of one event; more are masked without a remark
inline constexpr std::size_t kMaxValueRemarks = 100;      // of one value
inline constexpr std::size_t kMaxRemarkPathBytes = 4096;  // of the keys above a value that has remarks
inline constexpr std::size_t kMaxMetaDepth = 64;
inline constexpr std::size_t kMaxMetaNodes = 10'000;

std::size_t count_characters(std::string_view text);

/// Puts the remarks into `json`, beside those it has; these are cut down to what remarks may say, and names
/// in them go through `rename`, which masks one that is itself a secret. None are put into what would be over
/// limits::kMaxErrorEventBytes with them.
void put_remarks(std::string& json, const JsonPlaces& places, const std::vector<ValueRemarks>& values,
                 const std::vector<RuleInfo>& rules, const std::function<bool(std::string&)>& rename);

}  // namespace telltale::redact
