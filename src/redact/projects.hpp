// The redactors in force: what the server's settings say holds for every project; a project's own policy
// comes on top. A change holds for the requests that begin after it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "base/strong.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {

/// `{"enable": […], "disable": […], "sensitive_keys": […], "safe_keys": […], "safe_values": […],
/// "patterns": [{"name": …, "regex": …}], "methods": {"card": "hash"}}`; each member may be missing.
/// invalid_argument names what is wrong; what the members say is checked by Redactor::create().
Result<Options> parse_policy(std::string_view json);
/// The same form, every member present.
std::string policy_json(const Options& policy);
/// `own` on top of `defaults`: lists are joined, what `own` enables or disables has the last word.
Options joined(const Options& defaults, const Options& own);

/// Where the records keep a project's policy: this and the project's number.
inline constexpr std::string_view kPolicySetting = "redaction/";

/// Thread-safe.
class Redactors {
 public:
  /// `hash_key` is this installation's, for Method::hash.
  static Result<std::unique_ptr<Redactors>> create(Options defaults, std::string hash_key);

  std::shared_ptr<const Redactor> of(ProjectId project) const;
  /// Nothing changes when a policy does not fit the new defaults.
  Result<> set_defaults(Options defaults);
  /// What set_policy() would say.
  Result<> check(const Options& policy) const;
  Result<> set_policy(ProjectId project, Options policy);
  Options policy(ProjectId project) const;
  /// What Method::hash has made of an e-mail address, wherever a rule met it: as an address, as the value of
  /// a sensitive key, as a match of somebody's own pattern.
  std::vector<std::string> hashed_address(std::string_view address) const;

 private:
  explicit Redactors(std::string hash_key) : hash_key_(std::move(hash_key)) {}
  Result<std::shared_ptr<const Redactor>> make(const Options& defaults, const Options& own) const;

  const std::string hash_key_;
  mutable Mutex mutex_;
  Options defaults_ TT_GUARDED_BY(mutex_);
  std::shared_ptr<const Redactor> for_all_ TT_GUARDED_BY(mutex_);
  struct Own {
    Options policy;
    std::shared_ptr<const Redactor> redactor;
  };
  std::map<ProjectId, Own> own_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::redact
