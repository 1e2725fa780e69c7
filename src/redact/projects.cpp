#include "redact/projects.hpp"

#include <algorithm>

namespace telltale::redact {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void remove_all(std::vector<std::string>& from, const std::vector<std::string>& names) {
  std::erase_if(
      from, [&](const std::string& n) { return std::find(names.begin(), names.end(), n) != names.end(); });
}

}  // namespace

Options joined(const Options& defaults, const Options& own) {
  Options out = defaults;
  remove_all(out.enable, own.disable);
  remove_all(out.disable, own.enable);
  append(out.enable, own.enable);
  append(out.disable, own.disable);
  append(out.sensitive_keys, own.sensitive_keys);
  append(out.safe_keys, own.safe_keys);
  append(out.safe_values, own.safe_values);
  append(out.patterns, own.patterns);
  for (const auto& [name, method] : own.methods) out.methods[name] = method;
  return out;
}

Result<std::shared_ptr<const Redactor>> Redactors::make(const Options& defaults, const Options& own) const {
  Options options = joined(defaults, own);
  options.hash_key = hash_key_;
  TT_ASSIGN(auto made, Redactor::create(std::move(options)));
  return std::shared_ptr<const Redactor>(std::move(made));
}

Result<std::unique_ptr<Redactors>> Redactors::create(Options defaults, std::string hash_key) {
  std::unique_ptr<Redactors> out(new Redactors(std::move(hash_key)));
  TT_TRY(out->set_defaults(std::move(defaults)));
  return out;
}

std::shared_ptr<const Redactor> Redactors::of(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  return found == own_.end() ? for_all_ : found->second.redactor;
}

// of() is asked for every request, and compiling rules takes up to seconds: it happens outside of the lock,
// and again when another change came in between.
Result<> Redactors::set_defaults(Options defaults) {
  TT_ASSIGN(auto for_all, make(defaults, {}));
  while (true) {
    std::map<ProjectId, Own> before;
    {
      MutexLock lock(mutex_);
      before = own_;
    }
    auto own = before;
    for (auto& [project, entry] : own) {
      auto made = make(defaults, entry.policy);
      if (!made)
        return tl::unexpected<Error>(
            std::move(made).error().within("project " + std::to_string(project.value)));
      entry.redactor = *std::move(made);
    }
    MutexLock lock(mutex_);
    const bool same =
        std::equal(own_.begin(), own_.end(), before.begin(), before.end(), [](const auto& a, const auto& b) {
          return a.first == b.first && a.second.redactor == b.second.redactor;
        });
    if (!same) continue;
    defaults_ = std::move(defaults);
    for_all_ = std::move(for_all);
    own_ = std::move(own);
    return {};
  }
}

Result<> Redactors::check(const Options& policy) const {
  Options defaults;
  {
    MutexLock lock(mutex_);
    defaults = defaults_;
  }
  TT_ASSIGN(const auto made, make(defaults, policy));
  (void)made;
  return {};
}

Result<> Redactors::set_policy(ProjectId project, Options policy) {
  while (true) {
    Options defaults;
    std::shared_ptr<const Redactor> version;  // of the defaults
    {
      MutexLock lock(mutex_);
      defaults = defaults_;
      version = for_all_;
    }
    TT_ASSIGN(auto made, make(defaults, policy));
    MutexLock lock(mutex_);
    if (for_all_ != version) continue;
    own_[project] = {std::move(policy), std::move(made)};
    return {};
  }
}

Options Redactors::policy(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  return found == own_.end() ? Options() : found->second.policy;
}

std::vector<std::string> Redactors::hashed_address(std::string_view address) const {
  std::vector<std::string> out;
  for (const Group group : {Group::email, Group::key, Group::custom})
    out.push_back(hashed(group, address, hash_key_));
  return out;
}

}  // namespace telltale::redact
