#include "eventdb/index_writer.hpp"

#include <algorithm>
#include <functional>
#include <queue>

#include "eventdb/index_page.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint32_t kNotCopied = UINT32_MAX;

}  // namespace

void IndexWriter::add(std::vector<std::uint64_t> keys, std::uint32_t number) {
  for (std::uint64_t& key : keys) key = index_entry_of(key) | number;
  auto run = std::make_unique<Run>();
  run->entries = std::move(keys);
  runs_.push_back(std::move(run));
}

void IndexWriter::add_copied(const std::shared_ptr<const Part>& part, std::uint32_t from,
                             std::uint32_t number) {
  auto known = std::find_if(runs_.begin(), runs_.end(), [&](const auto& run) { return run->part == part; });
  if (known == runs_.end()) {
    known = runs_.insert(known, std::make_unique<Run>());
    (*known)->part = part;
    (*known)->numbers.assign(part->blocks().size(), kNotCopied);
  }
  (*known)->numbers[from] = number;
}

Result<bool> IndexWriter::Run::has_more() {
  while (at == entries.size()) {
    if (!part || next_page == part->index_pages()) return false;
    entries.clear();
    at = 0;
    TT_TRY(part->read_index(next_page++, entries));
    // Blocks keep their order, so entries do.
    std::erase_if(entries, [this](std::uint64_t& entry) {
      const std::uint64_t block = entry & kIndexBlockMask;
      if (block >= numbers.size() || numbers[block] == kNotCopied) return true;
      entry = (entry & ~kIndexBlockMask) | numbers[block];
      return false;
    });
  }
  return true;
}

Result<std::vector<IndexPage>> IndexWriter::write(io::BlockFileWriter& file) {
  std::vector<IndexPage> pages;
  std::vector<std::uint64_t> page;
  const auto end_page = [&]() -> Result<> {
    TT_ASSIGN(const io::BlockHandle handle, file.append(encode_index_page(page)));
    pages.push_back({page.front(), handle});
    page.clear();
    return {};
  };
  using Next = std::pair<std::uint64_t, Run*>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> heap;
  for (const auto& run : runs_) {
    TT_ASSIGN(const bool any, run->has_more());
    if (any) heap.emplace(run->entries[run->at], run.get());
  }
  std::uint64_t last = UINT64_MAX;
  while (!heap.empty()) {
    const auto [entry, run] = heap.top();
    heap.pop();
    if (entry != last) page.push_back(entry);
    last = entry;
    if (page.size() == kIndexPageEntries) TT_TRY(end_page());
    ++run->at;
    TT_ASSIGN(const bool more, run->has_more());
    if (more) heap.emplace(run->entries[run->at], run);
  }
  if (!page.empty()) TT_TRY(end_page());
  return pages;
}

}  // namespace telltale::eventdb
