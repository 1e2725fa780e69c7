#include "errors/similar.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "base/issue_limits.hpp"

namespace telltale::errors {
namespace {

using storage::IssueCondition;
using storage::IssueField;

bool is_word_byte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_';
}

/// Lower case; without the class that stands in front, and without words that have digits.
std::set<std::string> words_of_title(const storage::Issue& issue) {
  std::string_view title = issue.title;
  if (!issue.type.empty() && title.starts_with(issue.type)) title.remove_prefix(issue.type.size());
  std::set<std::string> words;
  for (std::size_t at = 0; at < title.size();) {
    if (!is_word_byte(title[at])) {
      ++at;
      continue;
    }
    std::string word;
    bool digits = false;
    for (; at < title.size() && is_word_byte(title[at]); ++at) {
      const char c = title[at];
      digits = digits || (c >= '0' && c <= '9');
      word.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    }
    if (!digits) words.insert(std::move(word));
  }
  return words;
}

double share_of_both(const std::set<std::string>& a, const std::set<std::string>& b) {
  if (a.empty() && b.empty()) return 1;
  const auto both = static_cast<std::size_t>(
      std::count_if(a.begin(), a.end(), [&](const std::string& word) { return b.contains(word); }));
  return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

}  // namespace

SimilarIssue compare_issues(const storage::Issue& to, storage::Issue candidate) {
  SimilarIssue out;
  out.same_type = !to.type.empty() && to.type == candidate.type;
  out.same_place = !to.culprit.empty() && to.culprit == candidate.culprit;
  out.likeness = 0.5 * share_of_both(words_of_title(to), words_of_title(candidate)) +
                 (out.same_type ? 0.25 : 0) + (out.same_place ? 0.25 : 0);
  out.issue = std::move(candidate);
  return out;
}

Result<std::vector<SimilarIssue>> similar_issues(storage::RecordStore& records, const storage::Issue& issue,
                                                 std::size_t limit) {
  std::vector<IssueCondition> ways;
  if (!issue.type.empty())
    ways.push_back(IssueCondition::text(IssueCondition::Op::in_texts, IssueField::type, {issue.type}));
  if (!issue.culprit.empty())
    ways.push_back(IssueCondition::text(IssueCondition::Op::in_texts, IssueField::culprit, {issue.culprit}));
  if (ways.empty()) return std::vector<SimilarIssue>();
  storage::IssueQuery query;
  query.projects = {issue.project};
  query.where = IssueCondition::group(IssueCondition::Op::any, std::move(ways));
  query.limit = limits::kMaxSimilarCandidates;
  TT_ASSIGN(auto candidates, records.issues().search(query));
  std::vector<SimilarIssue> out;
  for (storage::Issue& candidate : candidates) {
    if (candidate.id == issue.id) continue;
    SimilarIssue one = compare_issues(issue, std::move(candidate));
    if (one.likeness >= kLeastLikeness) out.push_back(std::move(one));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.likeness > b.likeness; });
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace telltale::errors
