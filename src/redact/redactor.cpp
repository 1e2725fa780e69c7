// Text goes through the prefilter once; then each detector that may strike looks for its own matches in the
// text as it came, and all matches are replaced together, left to right, the earliest and then the longest
// first. JSON is walked with a small scanner that copies everything it does not change, so numbers and layout
// stay byte for byte.
#include "redact/redactor.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "redact/json_walk.hpp"
#include "redact/redactor_impl.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kHashHexDigits = 16;
constexpr std::size_t kCardDigitsShown = 4;

RE2::Options byte_options() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  return options;
}

/// Patterns of our own, each with one group: the part to hide.
struct Patterns {
  RE2 bearer{R"((?i)\bbearer\s+([A-Za-z0-9._~+/=-]{6,}))", byte_options()};
  RE2 basic{R"((?i)\bbasic\s+([A-Za-z0-9+/_-]{8,}={0,2}))", byte_options()};
  RE2 url{R"re([A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@"'<>]*:([^\s/"'<>]+)@)re", byte_options()};
  RE2 pem{
      R"((?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)))",
      byte_options()};
  RE2 email{R"(\b([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})\b)", byte_options()};
  RE2 ip{R"(\b((?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))\b)",
         byte_options()};
  std::vector<std::pair<std::unique_ptr<RE2>, RuleId>> shapes;

  Patterns() {
    for (const Shape& shape : vendor_shapes())
      shapes.emplace_back(std::make_unique<RE2>(shape.regex, byte_options()), rule_named(shape.rule));
  }
};

/// Made once: a constant that takes some milliseconds to compile.
const Patterns& patterns() {
  static const Patterns all;
  return all;
}

template <class Accept>
void find_all(const RE2& re, std::string_view text, RuleId rule, std::vector<Match>& out, Accept accept) {
  const re2::StringPiece in(text.data(), text.size());
  re2::StringPiece groups[2];
  const int wanted = re.NumberOfCapturingGroups() > 0 ? 2 : 1;
  std::size_t at = 0;
  while (at <= text.size() && re.Match(in, at, text.size(), RE2::UNANCHORED, groups, wanted)) {
    const re2::StringPiece& hit = wanted == 2 && groups[1].data() != nullptr ? groups[1] : groups[0];
    const auto begin = static_cast<std::size_t>(hit.data() - text.data());
    const std::size_t end = begin + hit.size();
    if (end > begin && accept(text.substr(begin, end - begin))) out.push_back({begin, end, rule});
    at = std::max(end, at + 1);
  }
}

bool any_text(std::string_view) { return true; }

/// Not those that an id's name stands in front of (`span_id=…`).
void find_foreign_cards(std::string_view text, std::vector<Match>& out) {
  const std::size_t before = out.size();
  find_cards(text, out);
  const auto is_id = [&](const Match& m) {
    return is_id_field(key_before(text, m.begin), text.substr(m.begin, m.end - m.begin));
  };
  out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), is_id), out.end());
}

/// Equal secrets are equal whatever they are written like.
std::string canonical(Group group, std::string_view value) {
  if (group == Group::email) return to_lower(value);
  if (group != Group::card && group != Group::iban && group != Group::ssn) return std::string(value);
  std::string out;
  for (const char c : value)
    if (c != ' ' && c != '-') out += c;
  return out;
}

std::string masked(Group group, std::string_view value) {
  if (group != Group::card) return std::string(8, '*');
  std::string out(value);
  std::size_t shown = 0;
  for (auto it = out.rbegin(); it != out.rend(); ++it) {
    if (*it < '0' || *it > '9') continue;
    if (shown++ >= kCardDigitsShown) *it = '*';
  }
  return out;
}

}  // namespace

std::string_view to_string(Method method) {
  constexpr std::string_view kNames[] = {"replace", "mask", "remove", "hash"};
  return kNames[static_cast<std::size_t>(method)];
}

std::optional<Method> method_from(std::string_view name) {
  for (const Method m : {Method::replace, Method::mask, Method::remove, Method::hash})
    if (to_string(m) == name) return m;
  return std::nullopt;
}

bool looks_like_json(std::string_view value) {
  if (value.empty() || (value[0] > ' ' && value[0] != '{' && value[0] != '[')) return false;
  const std::size_t start = value.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && (value[start] == '{' || value[start] == '[');
}

DetectorSet Redactor::Impl::detectors(std::string_view text) const {
  DetectorSet out;
  builtin_prefilter().scan(text, out);
  if (own) own->scan(text, out);
  return out;
}

bool Redactor::Impl::is_safe_value(std::string_view value) const {
  return std::any_of(safe_values.begin(), safe_values.end(), [&](const auto& re) {
    return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *re);
  });
}

void Redactor::Impl::find(std::string_view text, const DetectorSet& d, std::vector<Match>& out) const {
  const Patterns& p = patterns();
  if (d[kPem] && on(kPrivateKeyRule)) find_all(p.pem, text, kPrivateKeyRule, out, any_text);
  if (d[kUrls] && on(kUrlPasswordRule)) {
    find_all(p.url, text, kUrlPasswordRule, out,
             [](std::string_view s) { return !is_harmless_value(KeyKind::hard, s); });
  }
  if (on(kAuthorizationRule)) {
    if (d[kBearer]) find_all(p.bearer, text, kAuthorizationRule, out, looks_like_credential);
    if (d[kBasic]) {
      find_all(p.basic, text, kAuthorizationRule, out, [](std::string_view s) {
        return s.find_first_of("0123456789") != std::string_view::npos || s.ends_with('=');
      });
    }
  }
  const auto not_harmless = [](std::string_view s) { return !is_harmless_value(KeyKind::hard, s); };
  const std::size_t shapes_end = kFirstShape + p.shapes.size();
  for (std::size_t i = d._Find_next(kFirstShape - 1); i < shapes_end; i = d._Find_next(i)) {
    const auto& [regex, rule] = p.shapes[i - kFirstShape];
    if (on(rule)) find_all(*regex, text, rule, out, not_harmless);
  }
  if (d[kPairs] && on(kKeyRule))
    find_pairs(
        text, [this](std::string_view key) { return facts(key).kind; }, out);
  if (d[kCards] && on(kCardRule)) find_foreign_cards(text, out);
  if (d[kIbans] && on(kIbanRule)) find_ibans(text, out);
  if (d[kSsns] && on(kSsnRule)) find_ssns(text, out);
  if (d[kEmails] && on(kEmailRule)) find_all(p.email, text, kEmailRule, out, any_text);
  if (d[kIps] && on(kIpRule)) find_all(p.ip, text, kIpRule, out, any_text);
  for (std::size_t i = 0; i < custom.size(); ++i) {
    if (d[custom_detector + i] && on(custom[i].rule))
      find_all(*custom[i].regex, text, custom[i].rule, out, not_harmless);
  }
  if (!safe_values.empty())
    std::erase_if(out, [&](const Match& m) { return is_safe_value(text.substr(m.begin, m.end - m.begin)); });
}

std::string hashed(Group group, std::string_view value, std::string_view hash_key) {
  const std::string hash = to_hex(hmac_sha256(hash_key, canonical(group, value)));
  const std::string_view holder = placeholder_of(group);
  return fmt::format("{}#{}]", holder.substr(0, holder.size() - 1), hash.substr(0, kHashHexDigits));
}

std::string Redactor::Impl::replacement(RuleId rule, std::string_view value) const {
  const Group group = rules[rule].group;
  switch (methods[rule]) {
    case Method::remove:
      return {};
    case Method::mask:
      return masked(group, value);
    case Method::hash:
      return hashed(group, value, hash_key);
    case Method::replace:
      break;
  }
  return std::string(placeholder_of(group));
}

bool Redactor::Impl::redacted(std::string_view text, const DetectorSet& d, Counts* counts,
                              std::vector<Remark>* remarks, std::string& out) const {
  std::vector<Match> matches;
  find(text, d, matches);
  if (matches.empty()) return false;
  std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  out.clear();
  out.reserve(text.size());
  std::size_t at = 0;
  std::size_t characters = 0;  // of `out`, where somebody wants to know
  const auto append = [&](std::string_view part) {
    out.append(part);
    if (remarks != nullptr) characters += count_characters(part);
  };
  for (const Match& m : matches) {
    if (m.end <= at) continue;
    // A match that begins inside the one before it still hides what sticks out.
    if (m.begin >= at) {
      append(text.substr(at, m.begin - at));
      const std::size_t begin = characters;
      append(replacement(m.rule, text.substr(m.begin, m.end - m.begin)));
      if (remarks != nullptr && remarks->size() < kMaxValueRemarks)
        remarks->push_back({m.rule, methods[m.rule], true, begin, characters});
    }
    if (counts != nullptr) counts->add(m.rule);
    at = m.end;
  }
  out.append(text, at);
  return true;
}

bool Redactor::Impl::redact_text(std::string& text, const DetectorSet& d, Counts* counts) const {
  std::string out;
  if (!redacted(text, d, counts, nullptr, out)) return false;
  text = std::move(out);
  return true;
}

bool Redactor::Impl::filter_by_key(KeyKind key_kind, std::string& value, Counts* counts) const {
  if (key_kind == KeyKind::plain || is_harmless_value(key_kind, value)) return false;
  if (!safe_values.empty() && is_safe_value(value)) return false;
  value = replacement(kKeyRule, value);
  if (counts != nullptr) counts->add(kKeyRule);
  return true;
}

JsonActions Redactor::Impl::json_actions(const DetectorSet& d, Counts* counts) const {
  JsonActions actions;
  actions.facts = [this](std::string_view key) -> const KeyFacts& { return facts(key); };
  actions.keep = is_id_field;
  actions.text = [this, counts, &d](std::string_view text, std::string& out) {
    return d.any() && redacted(text, d, counts, nullptr, out);
  };
  actions.filtered = [this, counts](std::string_view value) {
    if (counts != nullptr) counts->add(kKeyRule);
    return replacement(kKeyRule, value);
  };
  actions.number = [this, counts](std::string_view digits) -> std::optional<std::string> {
    if (!on(kCardRule) || !is_card_number(digits) || is_safe_value(digits)) return std::nullopt;
    if (counts != nullptr) counts->add(kCardRule);
    return replacement(kCardRule, digits);
  };
  return actions;
}

bool Redactor::Impl::redact_json(std::string& json, const DetectorSet& d, Counts* counts) const {
  std::string out;
  const Walked walked = walk_json(json, json_actions(d, counts), out);
  if (walked == Walked::invalid) return d.any() && redact_text(json, d, counts);
  if (walked == Walked::changed) json = std::move(out);
  return walked == Walked::changed;
}

bool Redactor::Impl::redact_event(std::string& json, const DetectorSet& d, Counts* counts) const {
  std::vector<Remark> remarks;
  std::vector<ValueRemarks> remarked;
  JsonPlaces places;
  JsonActions actions = json_actions(d, counts);
  const auto noted = [&](RuleId rule, std::string text) {
    if (remarks.size() < kMaxValueRemarks)
      remarks.push_back({rule, methods[rule], true, 0, count_characters(text)});
    return text;
  };
  actions.text = [&](std::string_view text, std::string& out) {
    return d.any() && redacted(text, d, counts, &remarks, out);
  };
  actions.filtered = [&, plain = actions.filtered](std::string_view value) {
    return noted(kKeyRule, plain(value));
  };
  actions.number = [&, plain = actions.number](std::string_view digits) -> std::optional<std::string> {
    auto hidden = plain(digits);
    return hidden ? std::optional(noted(kCardRule, *std::move(hidden))) : std::nullopt;
  };
  actions.remarks = &remarks;
  actions.remarked = &remarked;
  actions.places = &places;
  std::string out;
  const Walked walked = walk_json(json, actions, out);
  if (walked == Walked::invalid) return d.any() && redact_text(json, d, counts);
  if (walked == Walked::unchanged) {
    if (places.meta_begin == std::string::npos) return false;
    out = json;
  }
  put_remarks(out, places, remarked, rules, [this](std::string& key) {
    const KeyFacts& known = facts(key);
    if (known.secret) key = known.renamed;
    return known.secret;
  });
  if (out == json) return false;
  json = std::move(out);
  return true;
}

bool Redactor::Impl::redact_content(std::string& value, const DetectorSet& d, Counts* counts) const {
  return looks_like_json(value) ? redact_json(value, d, counts) : redact_text(value, d, counts);
}

Redactor::Redactor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Redactor::~Redactor() = default;

bool Redactor::is_sensitive_key(std::string_view key) const {
  return impl_->facts(key).kind != KeyKind::plain;
}

const KeyFacts& Redactor::facts(std::string_view key, std::size_t place) const {
  return impl_->facts(key, place);
}

std::string_view Redactor::rule_name(RuleId rule) const { return impl_->rules[rule].name; }

std::string Redactor::replacement(RuleId rule, std::string_view value) const {
  return impl_->replacement(rule, value);
}

bool Redactor::redact_text(std::string& text, Counts* counts) const {
  const DetectorSet d = impl_->detectors(text);
  return d.any() && impl_->redact_text(text, d, counts);
}

bool Redactor::redact_value(std::string_view key, std::string& value, Counts* counts) const {
  const Field field{key, &value, FieldForm::text};
  return redact_fields({&field, 1}, counts);
}

bool Redactor::redact_json(std::string& json, Counts* counts) const {
  const Field field{{}, &json, FieldForm::text};
  return redact_fields({&field, 1}, counts);
}

bool Redactor::redact_event(std::string& json, Counts* counts) const {
  const Field field{{}, &json, FieldForm::event};
  return redact_fields({&field, 1}, counts);
}

std::optional<std::string> Redactor::redact_number(KeyKind kind, std::int64_t number, Counts* counts) const {
  const auto hide = [&](RuleId rule, std::string_view text) {
    if (counts != nullptr) counts->add(rule);
    return impl_->replacement(rule, text);
  };
  constexpr std::int64_t kLeastCard = 10'000'000'000'000;
  if (kind != KeyKind::hard && number < kLeastCard) return std::nullopt;
  const std::string digits = std::to_string(number);
  if (kind == KeyKind::hard && !impl_->is_safe_value(digits)) return hide(kKeyRule, digits);
  if (impl_->on(kCardRule) && is_card_number(digits) && !impl_->is_safe_value(digits))
    return hide(kCardRule, digits);
  return std::nullopt;
}

}  // namespace telltale::redact
