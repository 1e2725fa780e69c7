// Who is told of a new issue: a project's rules and its CODEOWNERS. An issue is assigned when it is made, by
// its first event, and never again by rules.
//
//   rules       a line each: `path:src/shop/** ada@example.com @web`, `module:shop.cart.*`,
//   `url:*/checkout*`,
//               `tags.region:eu*`; patterns as in grouping rules (errors/glob.hpp), a path is a frame's
//               filename or absolute path
//   codeowners  the file of that name as repositories have it: `pattern owner…`. Where the repository begins
//   in a
//               frame's path is not known, so that a pattern may begin at any folder
// Lines of the code owners come first, rules after; the last that matches decides, by its leftmost owner. A
// line of code owners without owners says "nobody". `#` begins a comment.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "errors/grouping.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

struct OwnershipTexts {
  std::string rules;
  std::string codeowners;
};
/// `{"rules": "…", "codeowners": "…"}`; a member may be missing. invalid_argument names what is wrong.
Result<OwnershipTexts> parse_ownership_texts(std::string_view json);
/// The same form, both members present.
std::string ownership_json(const OwnershipTexts& texts);

/// What rules look at.
struct OwnershipFacts {
  std::vector<std::string> paths;
  std::vector<std::string> modules;
  std::string url;
  std::vector<std::pair<std::string, std::string>> tags;
};
/// Frames of the application's own; all where there are none.
OwnershipFacts ownership_facts(const GroupingInput& event, std::string url);

/// Immutable and thread-safe.
class Ownership {
 public:
  /// invalid_argument names the list and the line.
  static Result<std::shared_ptr<const Ownership>> parse(const OwnershipTexts& texts);
  ~Ownership();
  /// Empty: nobody.
  std::string owner(const OwnershipFacts& facts) const;
  bool empty() const;

 private:
  struct Rule;
  Ownership();
  std::vector<Rule> rules_;  // the last that matches decides
};

/// Where the records keep them: this and the project's number.
inline constexpr std::string_view kOwnershipSetting = "ownership/";

/// The rules in force, by project. Thread-safe.
class ProjectOwnership {
 public:
  /// Puts what the records keep into force.
  Result<> load(storage::RecordStore& records);
  /// Null: the project has none.
  std::shared_ptr<const Ownership> of(ProjectId project) const;
  OwnershipTexts texts(ProjectId project) const;
  /// As Ownership::parse(). Kept first, then in force; one change at a time.
  Result<> change(storage::RecordStore& records, ProjectId project, OwnershipTexts texts);

 private:
  struct Own {
    OwnershipTexts texts;
    std::shared_ptr<const Ownership> rules;
  };
  Result<> set(ProjectId project, OwnershipTexts texts);
  Mutex changing_;
  mutable Mutex mutex_;
  std::map<ProjectId, Own> own_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::errors
