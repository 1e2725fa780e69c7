// Text goes through the prefilter once; then each family that may strike looks for its own matches in the
// text as it came, and all matches are replaced together, left to right, the earliest and then the longest
// first. JSON is walked with a small scanner that copies everything it does not change, so numbers and layout
// stay byte for byte.
#include "redact/redactor.hpp"

#include <algorithm>
#include <cctype>

#include <re2/re2.h>

#include "base/text.hpp"
#include "redact/json_walk.hpp"
#include "redact/keys.hpp"
#include "redact/prefilter.hpp"
#include "redact/shapes.hpp"

namespace telltale::redact {
namespace {

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
  RE2 token{R"(\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*)"
            R"(|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b)"
            R"(|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,})"
            R"(|xox[a-z]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,})"
            R"(|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,})"
            R"(|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,})"
            R"(|sk-[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]{12,}))",
            byte_options()};
  RE2 email{R"(\b([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})\b)", byte_options()};
  RE2 pair{R"re(([A-Za-z_][A-Za-z0-9_.\-]*)(?:\\*["'])?\s{0,4}(=>|=|:)\s{0,4})re", byte_options()};
};

template <class Accept>
void find_all(const RE2& re, std::string_view text, Rule rule, std::vector<Match>& out, Accept accept) {
  const re2::StringPiece in(text.data(), text.size());
  re2::StringPiece groups[2];
  std::size_t at = 0;
  while (at <= text.size() && re.Match(in, at, text.size(), RE2::UNANCHORED, groups, 2)) {
    const auto begin = static_cast<std::size_t>(groups[1].data() - text.data());
    const std::size_t end = begin + groups[1].size();
    if (accept(text.substr(begin, end - begin))) out.push_back({begin, end, rule});
    at = std::max(end, at + 1);
  }
}

bool has_digit(std::string_view s) { return s.find_first_of("0123456789") != std::string_view::npos; }

/// "Bearer authentication" is prose; a credential has digits, marks or length.
bool looks_like_credential(std::string_view s) {
  return has_digit(s) || s.size() >= 16 || s.find_first_of("._~+/=") != std::string_view::npos;
}

bool is_value_end(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ';' || c == '&' || c == '"' ||
         c == '\'' || c == '}' || c == ')' || c == ']' || c == '<' || c == '>' || c == '\\';
}

/// The value that starts at `at`: the inside of quotes (plain or escaped), or up to a separator; a scheme
/// word
/// (`Bearer x`) takes the word after it along.
Match value_at(std::string_view text, std::size_t at) {
  std::size_t slashes = 0;
  while (at + slashes < text.size() && text[at + slashes] == '\\') ++slashes;
  const std::size_t quote_at = at + slashes;
  if (quote_at < text.size() && (text[quote_at] == '"' || text[quote_at] == '\'')) {
    const char quote = text[quote_at];
    std::size_t end = quote_at + 1;
    while (end < text.size()) {
      std::size_t before = 0;
      while (end + before < text.size() && text[end + before] == '\\') ++before;
      if (end + before < text.size() && text[end + before] == quote && before <= slashes) break;
      end += before + 1;
    }
    return {quote_at + 1, std::min(end, text.size()), Rule::key};
  }
  const auto word_end = [&](std::size_t from) {
    while (from < text.size() && !is_value_end(text[from])) ++from;
    return from;
  };
  std::size_t end = word_end(at);
  for (const std::string_view scheme : {"bearer", "basic", "token", "digest", "sentry", "apikey"})
    if (equal_ignore_case(text.substr(at, end - at), scheme) && end < text.size() && text[end] == ' ')
      end = word_end(end + 1);
  return {at, end, Rule::key};
}

/// The name in front of a value that begins at `at`: `name=`, `name: `, `"name":"`. Empty when there is none.
std::string_view key_before(std::string_view text, std::size_t at) {
  const auto skip = [&](std::string_view marks) {
    while (at > 0 && marks.find(text[at - 1]) != std::string_view::npos) --at;
  };
  skip(" \"'\\");
  if (at == 0 || (text[at - 1] != '=' && text[at - 1] != ':')) return {};
  --at;
  skip(" \"'\\");
  const std::size_t end = at;
  while (at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0 || text[at - 1] == '_' ||
                    text[at - 1] == '.' || text[at - 1] == '-')) {
    --at;
  }
  return text.substr(at, end - at);
}

}  // namespace

struct Redactor::Impl {
  Impl(Options o, std::vector<std::string> sensitive, std::vector<std::string> safe)
      : options(std::move(o)),
        sensitive_lower(std::move(sensitive)),
        safe_lower(std::move(safe)),
        prefilter(sensitive_lower) {}

  const Options options;
  const std::vector<std::string> sensitive_lower;
  const std::vector<std::string> safe_lower;
  const Prefilter prefilter;
  const Patterns patterns;

  KeyKind kind(std::string_view key) const {
    return options.keys ? classify_key(key, sensitive_lower, safe_lower) : KeyKind::plain;
  }

  void find_pairs(std::string_view text, std::vector<Match>& out) const {
    const re2::StringPiece in(text.data(), text.size());
    re2::StringPiece groups[3];
    std::size_t at = 0;
    while (at < text.size() && patterns.pair.Match(in, at, text.size(), RE2::UNANCHORED, groups, 3)) {
      at = static_cast<std::size_t>(groups[0].data() - text.data()) + groups[0].size();
      const KeyKind k = kind({groups[1].data(), groups[1].size()});
      if (k == KeyKind::plain) continue;
      const Match value = value_at(text, at);
      const std::string_view v = text.substr(value.begin, value.end - value.begin);
      const bool bare = value.begin == at;
      // "Unexpected token: identifier" is prose.
      if (k == KeyKind::soft && bare && groups[2] == ":" && !looks_like_credential(v)) continue;
      if (bare && !v.empty() && (v.front() == '{' || v.front() == '[' || v.front() == '/')) continue;
      if (is_harmless_value(k, v)) continue;
      out.push_back(value);
      at = value.end;
    }
  }

  /// Not those that an id's name stands in front of (`span_id=…`).
  static void find_foreign_cards(std::string_view text, std::vector<Match>& out) {
    const std::size_t before = out.size();
    find_cards(text, out);
    const auto is_id = [&](const Match& m) {
      return is_id_field(key_before(text, m.begin), text.substr(m.begin, m.end - m.begin));
    };
    out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), is_id), out.end());
  }

  void find(std::string_view text, std::vector<Match>& out) const {
    const std::uint32_t families = prefilter.families(text);
    if (families == 0) return;
    const auto any = [](std::string_view) { return true; };
    if (options.tokens && (families & kPem) != 0) find_all(patterns.pem, text, Rule::private_key, out, any);
    if (options.tokens && (families & kUrls) != 0)
      find_all(patterns.url, text, Rule::url_password, out,
               [](std::string_view s) { return s != "[Filtered]"; });
    if (options.tokens && (families & kAuthorization) != 0) {
      find_all(patterns.bearer, text, Rule::authorization, out, looks_like_credential);
      find_all(patterns.basic, text, Rule::authorization, out,
               [](std::string_view s) { return has_digit(s) || s.ends_with('='); });
    }
    if (options.tokens && (families & kTokens) != 0) find_all(patterns.token, text, Rule::token, out, any);
    if (options.keys && (families & kPairs) != 0) find_pairs(text, out);
    if (options.cards && (families & kCards) != 0) find_foreign_cards(text, out);
    if (options.ibans && (families & kIbans) != 0) find_ibans(text, out);
    if (options.ssns && (families & kSsns) != 0) find_ssns(text, out);
    if (options.emails && (families & kEmails) != 0) find_all(patterns.email, text, Rule::email, out, any);
  }
};

std::string_view to_string(Rule rule) {
  constexpr std::string_view kNames[] = {"key",  "authorization", "url_password", "private_key", "token",
                                         "card", "iban",          "ssn",          "email"};
  return kNames[static_cast<int>(rule)];
}

Redactor::Redactor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Redactor::~Redactor() = default;

Result<std::unique_ptr<const Redactor>> Redactor::create(Options options) {
  std::vector<std::string> sensitive;
  std::vector<std::string> safe;
  for (const auto& key : options.sensitive_keys) sensitive.push_back(to_lower(key));
  for (const auto& key : options.safe_keys) safe.push_back(to_lower(key));
  for (const auto* list : {&sensitive, &safe})
    for (const auto& key : *list)
      if (key.empty()) return fail(ErrorKind::invalid_argument, "redaction: an empty key");
  auto impl = std::make_unique<Impl>(std::move(options), std::move(sensitive), std::move(safe));
  return std::unique_ptr<const Redactor>(new Redactor(std::move(impl)));
}

bool Redactor::is_sensitive_key(std::string_view key) const { return impl_->kind(key) != KeyKind::plain; }

bool Redactor::redact_text(std::string& text, Counts* counts) const {
  std::vector<Match> matches;
  impl_->find(text, matches);
  if (matches.empty()) return false;
  std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  for (const Match& m : matches) {
    if (m.end <= at) continue;
    // A match that begins inside the one before it still hides what sticks out.
    if (m.begin >= at) {
      out.append(text, at, m.begin - at);
      out.append(mask_of(m.rule));
    }
    if (counts != nullptr) ++(*counts)[static_cast<std::size_t>(m.rule)];
    at = m.end;
  }
  out.append(text, at);
  text = std::move(out);
  return true;
}

bool Redactor::redact_value(std::string_view key, std::string& value, Counts* counts) const {
  const KeyKind kind = impl_->kind(key);
  if (kind != KeyKind::plain && !is_harmless_value(kind, value)) {
    value = mask_of(Rule::key);
    if (counts != nullptr) ++(*counts)[static_cast<std::size_t>(Rule::key)];
    return true;
  }
  if (is_id_field(key, value)) return false;
  return redact_text(value, counts);
}

bool Redactor::redact_json(std::string& json, Counts* counts) const {
  JsonActions actions;
  actions.kind = [this](std::string_view key) { return impl_->kind(key); };
  actions.keep = is_id_field;
  actions.text = [this, counts](std::string& text) { return redact_text(text, counts); };
  actions.filtered = [counts] {
    if (counts != nullptr) ++(*counts)[static_cast<std::size_t>(Rule::key)];
  };
  actions.number = [this, counts](std::string_view digits) {
    const bool card = impl_->options.cards && is_card_number(digits);
    if (card && counts != nullptr) ++(*counts)[static_cast<std::size_t>(Rule::card)];
    return card;
  };
  bool changed = false;
  auto out = walk_json(json, actions, changed);
  if (!out) return redact_text(json, counts);
  if (changed) json = *std::move(out);
  return changed;
}

}  // namespace telltale::redact
