#include "server/redaction.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <unistd.h>

#include "base/rng.hpp"
#include "base/text.hpp"
#include "server/cli.hpp"

namespace telltale::server {
namespace {

constexpr std::string_view kHashKeySetting = "redaction.hash_key";
constexpr std::size_t kHashKeyBytes = 32;

Result<std::string> hash_key(storage::RecordStore& records) {
  TT_ASSIGN(const auto kept, records.settings().get(kHashKeySetting));
  if (kept) {
    if (auto key = from_hex(*kept); key && key->size() == kHashKeyBytes) return *key;
    return fail(ErrorKind::corruption, "the records' key of hashed secrets is damaged");
  }
  std::string key = secure_random(kHashKeyBytes);
  TT_TRY(records.settings().put(kHashKeySetting, to_hex(key)));
  return key;
}

/// What projects have kept under `prefix` and their number.
Result<> each_kept(storage::RecordStore& records, std::string_view prefix,
                   const std::function<Result<>(ProjectId, std::string_view)>& take) {
  TT_ASSIGN(const auto kept, records.settings().list(prefix));
  for (const auto& setting : kept) {
    const std::string id = setting.key.substr(prefix.size());
    TT_TRY(take(ProjectId{static_cast<std::uint32_t>(std::stoul(id))}, setting.value));
  }
  return {};
}

Result<std::string> read_input(io::FileSystem& fs, const std::string& name) {
  if (name != "-") return io::read_file(fs, name);
  std::string out;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0) return fail(ErrorKind::io, "standard input cannot be read");
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

/// The next record of a log file: a line, or a private key with all its lines.
std::string_view take_record(std::string_view& rest) {
  std::size_t end = rest.find('\n');
  if (const auto begin = rest.substr(0, end).find("-----BEGIN "); begin != std::string_view::npos) {
    if (const auto close = rest.find("-----END ", begin); close != std::string_view::npos)
      end = rest.find('\n', close);
  }
  const std::string_view record = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), record.size() + 1));
  return record;
}

std::string rules_of(const redact::Redactor& redactor, const redact::Counts& counts) {
  std::string out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto rule = static_cast<redact::RuleId>(i);
    if (counts.of(rule) == 0) continue;
    out += fmt::format("{}{}", out.empty() ? "" : ", ", redactor.rule_name(rule));
    if (counts.of(rule) > 1) out += fmt::format(" x{}", counts.of(rule));
  }
  return out;
}

}  // namespace

Result<redact::Options> redaction_defaults(const config::RedactionConfig& config) {
  redact::Options out;
  out.enable = config.enable;
  out.disable = config.disable;
  out.sensitive_keys = config.sensitive_keys;
  out.safe_keys = config.safe_keys;
  const auto method = redact::method_from(config.method);
  if (!method)
    return fail(ErrorKind::invalid_argument, "redaction.method: wants replace, mask, remove or hash");
  if (*method != redact::Method::replace) out.methods["all"] = *method;
  return out;
}

Result<std::unique_ptr<redact::Redactors>> open_redactors(storage::RecordStore& records,
                                                          const config::RedactionConfig& config) {
  TT_ASSIGN(auto defaults, redaction_defaults(config));
  TT_ASSIGN(auto key, hash_key(records));
  TT_ASSIGN(auto out, redact::Redactors::create(std::move(defaults), std::move(key)));
  TT_TRY(
      each_kept(records, redact::kPolicySetting, [&](ProjectId project, std::string_view text) -> Result<> {
        TT_ASSIGN(auto policy, redact::parse_policy(text));
        return out->set_policy(project, std::move(policy));
      }));
  return out;
}

Result<> open_grouping(storage::RecordStore& records, errors::ProjectRules& rules) {
  return each_kept(records, errors::kRulesSetting, [&](ProjectId project, std::string_view text) -> Result<> {
    TT_ASSIGN(auto texts, errors::parse_rule_texts(text));
    return rules.set(project, std::move(texts));
  });
}

Result<std::string> check_redaction(std::vector<std::string> args, io::FileSystem& fs,
                                    const config::RedactionConfig& config, bool& found) {
  found = false;
  TT_ASSIGN(const auto policy_file, take_option(args, "--policy"));
  const auto quiet = std::erase(args, "--quiet") > 0;
  if (args.empty()) return fail(ErrorKind::invalid_argument, "check redaction: names no file");
  redact::Options policy;
  if (policy_file) {
    TT_ASSIGN(const auto text, io::read_file(fs, *policy_file));
    TT_ASSIGN(policy, redact::parse_policy(text));
  }
  TT_ASSIGN(auto defaults, redaction_defaults(config));
  // The installation's own key is not needed to show what a hash looks like.
  TT_ASSIGN(const auto redactors,
            redact::Redactors::create(std::move(defaults), secure_random(kHashKeyBytes)));
  TT_TRY(redactors->set_policy(ProjectId{1}, std::move(policy)));
  const auto redactor = redactors->of(ProjectId{1});
  std::string out;
  std::uint64_t records = 0;
  std::uint64_t struck = 0;
  for (const std::string& name : args) {
    TT_ASSIGN(const std::string text, read_input(fs, name));
    std::string_view rest = text;
    for (std::size_t line = 1; !rest.empty(); ++records) {
      const std::string_view record = take_record(rest);
      redact::Counts counts;
      std::string kept(record);
      const redact::Field field{{}, &kept, redact::FieldForm::text};
      if (redactor->redact_fields({&field, 1}, &counts)) {
        ++struck;
        if (!quiet) out += fmt::format("{}:{}: {}\n    {}\n", name, line, rules_of(*redactor, counts), kept);
      }
      line += static_cast<std::size_t>(std::count(record.begin(), record.end(), '\n')) + 1;
    }
  }
  found = struck > 0;
  return out + fmt::format("{} of {} lines hold something that would be masked\n", struck, records);
}

}  // namespace telltale::server
