// Templates of log lines: `user <_> logged in from <_>`. What a line's words look like decides most of it
// (line_tokens.hpp); the rest is learned: lines with the same gaps are compared word by word, and a place
// where enough different words have stood becomes variable, for all of them at once. So `opened` and `closed`
// stay two patterns, and forty user names are one.
//
// Invariants: a line matches the pattern of the cluster that add() gave it, now and after every later merge;
// a cluster only ever becomes more general; memory is bounded by the number of clusters and by
// limits::kPatternLineBytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/limits.hpp"
#include "logs/line_tokens.hpp"

namespace telltale::logs {

/// What stands for a variable in a pattern, as in LogQL's `|>`.
inline constexpr std::string_view kVariable = "<_>";

/// Not thread-safe.
class PatternMiner {
 public:
  using Cluster = std::uint32_t;

  explicit PatternMiner(std::size_t max_clusters = limits::kMaxPatternClusters);

  /// The cluster the line belongs to for now; root() says which it has become part of.
  Cluster add(std::string_view line);
  Cluster root(Cluster cluster) const;
  /// Of a root. Lines for which there was no room have the pattern `<_>`.
  std::string pattern(Cluster root) const;
  /// The first line of a root, cut at limits::kPatternExampleBytes.
  const std::string& example(Cluster root) const;
  std::size_t clusters() const { return templates_.size(); }
  /// About what it holds.
  std::size_t memory_bytes() const { return bytes_; }

 private:
  struct Template {
    std::vector<std::string> gaps;
    std::vector<std::string> words;  // empty: variable
    bool cut = false;
    std::uint64_t hits = 0;
    Id128 structure;
    std::string example;
  };
  using Places = std::vector<std::uint32_t>;

  Cluster learn(std::string_view line, const Id128& structure);
  bool covers(const Template& known) const;
  bool compare(const Template& known, Places& different, Places& one_sided) const;
  Places variable_places(const std::vector<std::pair<Cluster, Places>>& similar) const;
  Cluster generalise(const std::vector<Cluster>& members, const Places& places);
  Cluster create(std::string_view line, const Id128& structure);
  void make_room();
  void retire(Cluster gone, Cluster into);

  const std::size_t max_clusters_;
  std::vector<Cluster> parents_;                     // of every cluster there was; its own for a root
  std::unordered_map<Cluster, Template> templates_;  // of the roots but 0, which is everything else
  std::unordered_map<Id128, std::vector<Cluster>> by_structure_;
  std::unordered_map<Id128, Cluster> exact_;  // texts seen, variables left out
  std::size_t bytes_ = 0;
  LineTokens tokens_;  // of the line being added
  std::string key_;
};

/// An RE2 that matches exactly the lines of a pattern.
std::string pattern_regex(std::string_view pattern);

}  // namespace telltale::logs
