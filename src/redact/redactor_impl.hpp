// The inside of a Redactor, for this folder's .cpp files: detectors over one text (redactor.cpp) and the
// fields of a row together (fields.cpp).
#pragma once

#include <memory>

#include "redact/keys.hpp"
#include "redact/meta.hpp"
#include "redact/pairs.hpp"
#include "redact/prefilter.hpp"
#include "redact/redactor.hpp"
#include "redact/shapes.hpp"

namespace re2 {
class RE2;
}

namespace telltale::redact {

struct JsonActions;  // json_walk.hpp

struct Redactor::Impl {
  struct Pattern {
    std::shared_ptr<const re2::RE2> regex;
    RuleId rule = 0;
  };

  std::uint64_t serial = 0;  // tells redactors apart in the threads' memory of keys
  std::vector<std::string> sensitive_lower;
  std::vector<std::string> safe_lower;
  std::vector<RuleInfo> rules;  // built-in ones first
  std::vector<std::string> custom_names;
  std::vector<char> enabled;    // by rule
  std::vector<Method> methods;  // by rule
  std::vector<std::shared_ptr<const re2::RE2>> safe_values;
  std::vector<Pattern> custom;
  std::string hash_key;
  std::unique_ptr<Prefilter> own;   // of more keys and patterns; null: none
  std::size_t custom_detector = 0;  // of custom[0]

  bool on(RuleId rule) const { return enabled[rule] != 0; }
  KeyKind kind(std::string_view key) const;
  const KeyFacts& facts(std::string_view key, std::size_t place = SIZE_MAX) const;
  /// facts(), found out anew.
  KeyFacts learn(std::string_view key) const;
  DetectorSet detectors(std::string_view text) const;
  /// Adds the matches of those detectors.
  void find(std::string_view text, const DetectorSet& detectors, std::vector<Match>& out) const;
  bool is_safe_value(std::string_view value) const;
  std::string replacement(RuleId rule, std::string_view value) const;

  /// What stands in place of `text`, to `out`; false: it may stay. `remarks`, unless null, is told what was
  /// done.
  bool redacted(std::string_view text, const DetectorSet& detectors, Counts* counts,
                std::vector<Remark>* remarks, std::string& out) const;
  bool redact_text(std::string& text, const DetectorSet& detectors, Counts* counts) const;
  /// `detectors`: of the text and of what is left of it without its escapes, once and twice.
  bool redact_json(std::string& json, const DetectorSet& detectors, Counts* counts) const;
  /// The same, with remarks in the document's `_meta`.
  bool redact_event(std::string& json, const DetectorSet& detectors, Counts* counts) const;
  JsonActions json_actions(const DetectorSet& detectors, Counts* counts) const;
  /// JSON when it looks like some, text otherwise.
  bool redact_content(std::string& value, const DetectorSet& detectors, Counts* counts) const;
  bool filter_by_key(KeyKind kind, std::string& value, Counts* counts) const;
};

/// Whether a value may be a JSON object or list.
bool looks_like_json(std::string_view value);

}  // namespace telltale::redact
