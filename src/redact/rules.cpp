#include "redact/rules.hpp"

#include <algorithm>
#include <numeric>

namespace telltale::redact {
namespace {

constexpr RuleInfo kRules[] = {
    {"key", Group::key, true},
    {"authorization", Group::authorization, true},
    {"url_password", Group::url_password, true},
    {"private_key", Group::private_key, true},
    {"card", Group::card, true},
    {"iban", Group::iban, true},
    {"ssn", Group::ssn, true},
    {"email", Group::email, false},
    {"ip", Group::ip, false},
};

std::vector<RuleInfo> all_rules() {
  std::vector<RuleInfo> out(std::begin(kRules), std::end(kRules));
  for (const Shape& shape : vendor_shapes()) {
    const auto same = [&](const RuleInfo& r) { return r.name == shape.rule; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back({shape.rule, Group::token, true});
  }
  return out;
}

}  // namespace

std::string_view to_string(Group group) {
  constexpr std::string_view kNames[kGroupCount] = {
      "key",  "authorization", "url_password", "private_key", "token", "card",
      "iban", "ssn",           "email",        "ip",          "custom"};
  return kNames[static_cast<std::size_t>(group)];
}

std::string_view placeholder_of(Group group) {
  constexpr std::string_view kTexts[kGroupCount] = {"[Filtered]", "[Filtered]", "[Filtered]", "[private-key]",
                                                    "[token]",    "[card]",     "[iban]",     "[ssn]",
                                                    "[email]",    "[ip]",       "[Filtered]"};
  return kTexts[static_cast<std::size_t>(group)];
}

std::span<const RuleInfo> builtin_rules() {
  static const std::vector<RuleInfo> rules = all_rules();
  return rules;
}

RuleId rule_named(std::string_view name) {
  const auto rules = builtin_rules();
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const RuleInfo& r) { return r.name == name; });
  return static_cast<RuleId>(found - rules.begin());
}

std::uint64_t Counts::total() const {
  return std::accumulate(by_rule_.begin(), by_rule_.end(), std::uint64_t{0});
}

}  // namespace telltale::redact
