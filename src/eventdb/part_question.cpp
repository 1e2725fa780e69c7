#include "eventdb/part_question.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace telltale::eventdb {

namespace {

std::vector<std::uint32_t> look_up(const WordLookup& lookup, bool names, std::string_view list) {
  if (names != (lookup.run == nullptr)) return {};
  if (lookup.run != nullptr) return words_with(list, *lookup.run);
  return lookup.like != nullptr ? eventdb::names_like(list, *lookup.like)
                                : eventdb::names_with(list, *lookup.with);
}

bool before_use(const PartWordUse& a, const PartWordUse& b) {
  return std::tie(a.who, a.kinds) < std::tie(b.who, b.kinds);
}
bool same_use(const PartWordUse& a, const PartWordUse& b) { return a.who == b.who && a.kinds == b.kinds; }

}  // namespace

Result<std::unique_ptr<PartQuestion>> PartQuestion::open(std::shared_ptr<const Part> part,
                                                         const WordSearch& search) {
  TT_ASSIGN(auto words, PartWords::open(*part, part->words(), part->blocks().size()));
  return std::unique_ptr<PartQuestion>(new PartQuestion(std::move(part), std::move(words), search));
}

Result<> PartQuestion::scan(std::size_t page, PartWordCache& cache, Nanos now) {
  const PartWordPages& pages = words_.pages();
  const bool names = page < pages.names.size();
  const auto is_asked = [names](const WordLookup& lookup) { return names == (lookup.run == nullptr); };
  if (std::none_of(lookups_.begin(), lookups_.end(), is_asked)) return {};
  auto known = cache.find(*part_, page, now);
  if (!known) {
    TT_ASSIGN(known,
              PartWordPage::read(*part_, names ? pages.names[page] : pages.words[page - pages.names.size()]));
    cache.add(part_, page, *known, now);
  }
  PartWordPage& opened = *known;
  std::vector<Uses>& hits = hits_[page];
  hits.resize(lookups_.size());
  for (std::size_t l = 0; l < lookups_.size(); ++l) {
    const auto numbers = look_up(lookups_[l], names, opened.list());
    if (numbers.empty()) continue;
    TT_TRY(opened.open_uses(*part_, words_.groups(), pages.sets));
    for (const std::uint32_t number : numbers) {
      const auto uses = opened.uses(number);
      hits[l].insert(hits[l].end(), uses.begin(), uses.end());
    }
    std::sort(hits[l].begin(), hits[l].end(), before_use);
    hits[l].erase(std::unique(hits[l].begin(), hits[l].end(), same_use), hits[l].end());
  }
  return {};
}

Result<std::optional<WordSearch::Groups>> PartQuestion::ask() {
  for (std::size_t l = 0; l < lookups_.size(); ++l) {
    const auto begin = static_cast<std::ptrdiff_t>(found_.size());
    for (const auto& hits : hits_)
      if (!hits.empty()) found_.insert(found_.end(), hits[l].begin(), hits[l].end());
    std::sort(found_.begin() + begin, found_.end(), before_use);
    found_.erase(std::unique(found_.begin() + begin, found_.end(), same_use), found_.end());
    ends_.push_back(static_cast<std::uint32_t>(found_.size()));
  }
  hits_.clear();
  return search_.ask(*this);
}

template <class Is>
std::vector<std::uint32_t> PartQuestion::found(Is is) const {
  const auto at = std::find_if(lookups_.begin(), lookups_.end(), is);
  if (at == lookups_.end()) return {};
  const auto l = static_cast<std::size_t>(at - lookups_.begin());
  const std::uint32_t begin = l == 0 ? 0 : ends_[l - 1];
  std::vector<std::uint32_t> out(ends_[l] - begin);
  std::iota(out.begin(), out.end(), begin);
  return out;
}

std::vector<std::uint32_t> PartQuestion::names_like(const std::vector<std::string>& pieces) const {
  return found([&pieces](const WordLookup& lookup) { return lookup.like == &pieces; });
}

std::vector<std::uint32_t> PartQuestion::names_with(const std::vector<std::string>& pieces) const {
  return found([&pieces](const WordLookup& lookup) { return lookup.with == &pieces; });
}

std::vector<std::uint32_t> PartQuestion::words_with(const NeedleRun& run) const {
  return found([&run](const WordLookup& lookup) { return lookup.run == &run; });
}

std::optional<std::uint32_t> PartQuestion::mark(std::string_view mark) const {
  const auto& marks = words_.pages().marks;
  for (std::size_t m = 0; m < marks.size(); ++m)
    if (std::string_view(&marks[m].mark, 1) == mark) return static_cast<std::uint32_t>(found_.size() + m);
  return std::nullopt;
}

Result<> PartQuestion::add_groups(const std::vector<std::uint32_t>& words, storage::TextKinds kinds,
                                  Bitmap& groups) {
  const auto add = [&](const PartWordUse& use) -> Result<> {
    return (use.kinds & kinds) == 0 ? Result<>() : sets_.add(use.who, groups);
  };
  for (const std::uint32_t word : words) {
    if (word < found_.size()) {
      TT_TRY(add(found_[word]));
    } else {
      for (const PartWordUse& use : words_.pages().marks[word - found_.size()].uses) TT_TRY(add(use));
    }
  }
  return {};
}

Result<std::vector<PartQuestion::Group>> PartQuestion::names(const Bitmap& groups) const {
  std::vector<Group> out;
  groups.for_each([&out](std::size_t g) { out.push_back({static_cast<std::uint32_t>(g), 0, {}}); });
  std::vector<PartGroup> page;
  std::size_t page_number = SIZE_MAX;
  for (Group& group : out) {
    if (group.number / kPartGroupsAPage != page_number) {
      page_number = group.number / kPartGroupsAPage;
      TT_ASSIGN(page, words_.names(*part_, page_number));
    }
    group.name = std::move(page[group.number % kPartGroupsAPage]);
    group.key = word_group_key(group.name.project, group.name.text);
  }
  return out;
}

Result<std::vector<std::vector<GroupBlock>>> PartQuestion::blocks(
    const std::vector<std::uint32_t>& groups) const {
  std::vector<std::vector<GroupBlock>> out;
  std::vector<std::vector<GroupBlock>> page;
  std::size_t page_number = SIZE_MAX;
  for (const std::uint32_t group : groups) {
    if (group / kPartGroupsAPage != page_number) {
      page_number = group / kPartGroupsAPage;
      TT_ASSIGN(page, words_.blocks(*part_, page_number));
    }
    out.push_back(std::move(page[group % kPartGroupsAPage]));
  }
  return out;
}

}  // namespace telltale::eventdb
