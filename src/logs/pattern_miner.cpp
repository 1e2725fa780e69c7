#include "logs/pattern_miner.hpp"

#include <algorithm>
#include <set>

#include <re2/re2.h>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace telltale::logs {
namespace {

constexpr std::size_t kFanOut = 6;            // different words that make a place variable
constexpr std::size_t kMaxExact = 16 * 1024;  // texts remembered; then they are learned anew
constexpr std::size_t kClusterBytes = 256;    // beside its texts

/// Differences up to half of the words, at least one, leave two lines alike.
std::size_t most_differences(std::size_t words) { return std::max<std::size_t>(1, words / 2); }

void add_text(std::string& key, std::string_view text) {
  key += static_cast<char>(text.size() & 0xff);
  key += static_cast<char>(text.size() >> 8);
  key += text;
}

bool is_within(const std::vector<std::uint32_t>& some, const std::vector<std::uint32_t>& all) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

PatternMiner::PatternMiner(std::size_t max_clusters) : max_clusters_(max_clusters), parents_{0} {}

PatternMiner::Cluster PatternMiner::root(Cluster cluster) const {
  while (parents_[cluster] != cluster) cluster = parents_[cluster];
  return cluster;
}

PatternMiner::Cluster PatternMiner::add(std::string_view line) {
  tokenise(line, tokens_);
  key_.clear();
  key_ += tokens_.cut ? '+' : '.';
  for (const auto gap : tokens_.gaps) add_text(key_, gap);
  const Id128 structure = hash128(key_);
  for (const auto word : tokens_.words) add_text(key_, word);
  const Id128 text = hash128(key_);
  const auto seen = exact_.find(text);
  Cluster cluster = seen == exact_.end() ? 0 : root(seen->second);
  if (cluster == 0) {
    cluster = learn(line, structure);
    if (exact_.size() >= kMaxExact) exact_.clear();
    exact_[text] = cluster;
  }
  ++templates_.find(cluster)->second.hits;
  return cluster;
}

PatternMiner::Cluster PatternMiner::learn(std::string_view line, const Id128& structure) {
  std::vector<std::pair<Cluster, Places>> similar;
  Places different;
  Places one_sided;
  for (const Cluster c : by_structure_[structure]) {
    const Template& known = templates_.find(c)->second;
    if (covers(known)) return c;
    if (!compare(known, different, one_sided)) continue;
    if (different.empty()) return generalise({c}, one_sided);
    similar.emplace_back(c, different);
  }
  const Places places = variable_places(similar);
  std::vector<Cluster> members;
  for (const auto& [c, differs] : similar) {
    if (is_within(differs, places)) members.push_back(c);
  }
  return members.empty() ? create(line, structure) : generalise(members, places);
}

bool PatternMiner::covers(const Template& known) const {
  for (std::size_t i = 0; i < known.words.size(); ++i) {
    if (!known.words[i].empty() && known.words[i] != tokens_.words[i]) return false;
  }
  return true;
}

/// `different`: places where both have words, and not the same. `one_sided`: those and the places where one
/// of them is variable already. False when the two are too different to ever be one.
bool PatternMiner::compare(const Template& known, Places& different, Places& one_sided) const {
  different.clear();
  one_sided.clear();
  bool anything_shared = false;
  const std::size_t most = most_differences(known.words.size());
  for (std::uint32_t i = 0; i < known.words.size(); ++i) {
    const std::string_view a = known.words[i];
    const std::string_view b = tokens_.words[i];
    if (a == b) {
      anything_shared = anything_shared || !a.empty();
      continue;
    }
    one_sided.push_back(i);
    if (!a.empty() && !b.empty()) different.push_back(i);
    if (one_sided.size() > most) return false;
  }
  return anything_shared;
}

/// The places at which enough different words stand, over all clusters that are like this line.
PatternMiner::Places PatternMiner::variable_places(
    const std::vector<std::pair<Cluster, Places>>& similar) const {
  Places places;
  if (similar.size() + 1 < kFanOut) return places;
  std::vector<std::set<std::string_view>> words(tokens_.words.size());
  for (const auto& [c, differs] : similar) {
    const Template& known = templates_.find(c)->second;
    for (const std::uint32_t i : differs) words[i].insert(known.words[i]);
  }
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    if (words[i].size() + 1 >= kFanOut) places.push_back(i);
  }
  return places;
}

/// Makes one cluster of the members, and of every other one that the result covers; `places` become variable,
/// and where the line is variable it is, too.
PatternMiner::Cluster PatternMiner::generalise(const std::vector<Cluster>& members, const Places& places) {
  const Cluster into = members.front();
  Template& kept = templates_.find(into)->second;
  const auto clear = [&](std::size_t i) {
    bytes_ -= kept.words[i].size();
    kept.words[i].clear();
  };
  for (const std::uint32_t i : places) clear(i);
  for (const Cluster c : members) {
    const Template& other = templates_.find(c)->second;
    for (std::size_t i = 0; i < kept.words.size(); ++i) {
      if (kept.words[i] != other.words[i] || kept.words[i] != tokens_.words[i]) clear(i);
    }
  }
  std::vector<Cluster> covered;
  for (const Cluster c : by_structure_[kept.structure]) {
    if (c == into) continue;
    const Template& other = templates_.find(c)->second;
    bool inside = true;
    for (std::size_t i = 0; i < kept.words.size() && inside; ++i) {
      inside = kept.words[i].empty() || kept.words[i] == other.words[i];
    }
    if (inside) covered.push_back(c);
  }
  for (const Cluster c : covered) retire(c, into);
  return into;
}

PatternMiner::Cluster PatternMiner::create(std::string_view line, const Id128& structure) {
  if (templates_.size() >= max_clusters_) make_room();
  const auto cluster = static_cast<Cluster>(parents_.size());
  parents_.push_back(cluster);
  Template made;
  made.gaps.assign(tokens_.gaps.begin(), tokens_.gaps.end());
  made.words.assign(tokens_.words.begin(), tokens_.words.end());
  made.cut = tokens_.cut;
  made.structure = structure;
  made.example = truncate_utf8(line, limits::kPatternExampleBytes);
  bytes_ += kClusterBytes + made.example.size() + made.gaps.size() * 2 * sizeof(std::string);
  for (const auto& gap : made.gaps) bytes_ += gap.size();
  for (const auto& word : made.words) bytes_ += word.size();
  by_structure_[structure].push_back(cluster);
  templates_.emplace(cluster, std::move(made));
  return cluster;
}

/// The rarest cluster joins everything else.
void PatternMiner::make_room() {
  Cluster rarest = 0;
  std::uint64_t least = UINT64_MAX;
  for (const auto& [c, t] : templates_) {
    if (t.hits < least || (t.hits == least && c < rarest)) {
      least = t.hits;
      rarest = c;
    }
  }
  if (rarest != 0) retire(rarest, 0);
}

void PatternMiner::retire(Cluster gone, Cluster into) {
  const auto place = templates_.find(gone);
  const Template& t = place->second;
  if (into != 0) templates_.find(into)->second.hits += t.hits;
  bytes_ -= kClusterBytes + t.example.size() + t.gaps.size() * 2 * sizeof(std::string);
  for (const auto& gap : t.gaps) bytes_ -= gap.size();
  for (const auto& word : t.words) bytes_ -= word.size();
  const auto bucket = by_structure_.find(t.structure);
  std::erase(bucket->second, gone);
  if (bucket->second.empty()) by_structure_.erase(bucket);
  parents_[gone] = into;
  templates_.erase(place);
}

std::string PatternMiner::pattern(Cluster cluster) const {
  const auto found = templates_.find(cluster);
  if (found == templates_.end()) return std::string(kVariable);
  const Template& t = found->second;
  std::string out;
  const auto variable = [&out] {
    if (!out.ends_with(kVariable)) out += kVariable;
  };
  for (std::size_t i = 0; i < t.gaps.size(); ++i) {
    out += t.gaps[i];
    if (i == t.words.size()) break;
    if (t.words[i].empty()) {
      variable();
    } else {
      out += t.words[i];
    }
  }
  if (t.cut) variable();
  return out;
}

const std::string& PatternMiner::example(Cluster cluster) const {
  static const std::string kNone;
  const auto found = templates_.find(cluster);
  return found == templates_.end() ? kNone : found->second.example;
}

std::string pattern_regex(std::string_view pattern) {
  std::string out = "(?s)^";
  while (true) {
    const std::size_t at = pattern.find(kVariable);
    const std::string_view literal = pattern.substr(0, at);
    out += re2::RE2::QuoteMeta(re2::StringPiece(literal.data(), literal.size()));
    if (at == std::string_view::npos) return out + '$';
    out += ".+";
    pattern.remove_prefix(at + kVariable.size());
  }
}

}  // namespace telltale::logs
