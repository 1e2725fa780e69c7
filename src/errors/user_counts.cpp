#include "errors/user_counts.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace telltale::errors {
namespace {

using storage::Issue;
using storage::IssueId;
using storage::IssueRepository;

Result<> add_listed(IssueRepository& issues, IssueId part, UserSketch& sketch) {
  TT_ASSIGN(const auto users, issues.users(part));
  for (const std::string& user : users) sketch.add(Id128::parse(user).value_or(Id128{}));
  return {};
}

Result<> add_pages(IssueRepository& issues, IssueId part, UserSketch& sketch) {
  TT_ASSIGN(const auto pages, issues.user_pages(part));
  if (pages.empty()) return {};
  UserSketch kept;
  for (const auto& [page, bytes] : pages) TT_TRY(kept.set_page(page, bytes));
  sketch.merge(kept);
  return {};
}

/// From a list to a sketch.
Result<> convert(IssueRepository& issues, SketchCache& sketches, Issue& part) {
  TT_ASSIGN(UserSketch* const sketch, sketches.part(issues, part.id));
  TT_TRY(add_listed(issues, part.id, *sketch));
  TT_TRY(issues.drop_users(part.id));
  part.users_estimated = true;
  return {};
}

/// In the part alone. True when the part had not met the user, as far as it can tell.
Result<bool> count_in_part(IssueRepository& issues, SketchCache& sketches, Issue& part, const Id128& user) {
  if (part.users_estimated) {
    TT_ASSIGN(UserSketch* const sketch, sketches.part(issues, part.id));
    if (sketch->add(user)) part.user_count = std::max(part.user_count, sketch->estimate());
    return false;
  }
  TT_ASSIGN(const bool fresh, issues.add_user(part.id, user.hex()));
  if (!fresh) return false;
  ++part.user_count;
  if (part.user_count > limits::kMaxUsersPerIssue) TT_TRY(convert(issues, sketches, part));
  return true;
}

}  // namespace

void SketchCache::met(IssueId part, const std::vector<Issue*>& now) {
  const auto same = [&](const Entry& e) {
    return std::equal(e.of.begin(), e.of.end(), now.begin(), now.end(),
                      [](IssueId id, const Issue* one) { return id == one->id; });
  };
  entries_.remove_if([&](const Entry& e) {
    return e.of.size() > 1 && std::find(e.of.begin(), e.of.end(), part) != e.of.end() && !same(e);
  });
}

UserSketch* SketchCache::find(const std::vector<IssueId>& of) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.of == of; });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return found->sketch.get();
}

UserSketch* SketchCache::keep(std::vector<IssueId> of, std::unique_ptr<UserSketch> sketch) {
  entries_.push_front({std::move(of), std::move(sketch)});
  shrink();
  return entries_.front().sketch.get();
}

void SketchCache::shrink() {
  while (entries_.size() > limits::kMaxCachedUserSketches && entries_.back().sketch->clean())
    entries_.pop_back();
}

Result<UserSketch*> SketchCache::part(IssueRepository& issues, IssueId part) {
  if (UserSketch* const known = find({part})) return known;
  auto sketch = std::make_unique<UserSketch>();
  TT_ASSIGN(const auto pages, issues.user_pages(part));
  for (const auto& [page, bytes] : pages) TT_TRY(sketch->set_page(page, bytes));
  return keep({part}, std::move(sketch));
}

Result<UserSketch*> SketchCache::all(IssueRepository& issues, const std::vector<Issue*>& parts) {
  std::vector<IssueId> ids;
  for (const Issue* part : parts) ids.push_back(part->id);
  if (UserSketch* const known = find(ids)) return known;
  auto sketch = std::make_unique<UserSketch>();
  for (const Issue* one : parts) {
    if (one->users_estimated) {
      TT_ASSIGN(UserSketch* const own, part(issues, one->id));
      sketch->merge(*own);
    } else {
      TT_TRY(add_listed(issues, one->id, *sketch));
    }
  }
  sketch->take_changed();
  return keep(std::move(ids), std::move(sketch));
}

Result<> count_user(IssueRepository& issues, SketchCache& sketches, Issue& issue, Issue& part,
                    const std::vector<Issue*>& parts, const Id128& user) {
  TT_ASSIGN(const bool fresh, count_in_part(issues, sketches, part, user));
  sketches.met(part.id, parts);
  if (&issue == &part) return {};
  const bool estimated =
      std::any_of(parts.begin(), parts.end(), [](const Issue* p) { return p->users_estimated; });
  if (estimated) {
    issue.users_estimated = true;
    TT_ASSIGN(UserSketch* const all, sketches.all(issues, parts));
    all->add(user);
    all->take_changed();  // of the parts, not kept itself
    issue.user_count = std::max(issue.user_count, all->estimate());
    return {};
  }
  if (!fresh) return {};
  TT_ASSIGN(const bool elsewhere, issues.user_elsewhere(issue.id, part.id, user.hex()));
  if (!elsewhere) ++issue.user_count;
  return {};
}

Result<> write_sketch(IssueRepository& issues, SketchCache& sketches, IssueId part) {
  TT_ASSIGN(UserSketch* const sketch, sketches.part(issues, part));
  for (const int page : sketch->take_changed())
    TT_TRY(issues.put_user_page(part, page, sketch->page(static_cast<std::size_t>(page))));
  sketches.shrink();
  return {};
}

Result<std::uint64_t> users_together(IssueRepository& issues, const std::vector<Issue>& parts) {
  UserSketch sketch;
  for (const Issue& part : parts) {
    if (part.users_estimated) {
      TT_TRY(add_pages(issues, part.id, sketch));
    } else {
      TT_TRY(add_listed(issues, part.id, sketch));
    }
  }
  return sketch.estimate();
}

}  // namespace telltale::errors
