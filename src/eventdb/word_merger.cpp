#include "eventdb/word_merger.hpp"

#include <algorithm>

#include "eventdb/block_filter.hpp"
#include "eventdb/word_index_builder.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint32_t kLeftOutRow = UINT32_MAX;

class WordMerger {
 public:
  WordMerger(const std::vector<std::shared_ptr<Block>>& sources, const std::vector<MergedRow>& rows,
             const storage::WordIndexing& words)
      : sources_(sources), rows_(rows), words_(words), builder_(words.names) {}

  Result<WordPlace> run(BlockSink& sink) {
    places_.resize(sources_.size());
    for (std::size_t s = 0; s < sources_.size(); ++s) places_[s].assign(sources_[s]->rows(), kLeftOutRow);
    std::vector<std::size_t> taken(sources_.size());
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
      places_[rows_[i].source][rows_[i].row] = i;
      ++taken[rows_[i].source];
    }
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      Block& block = *sources_[s];
      TT_ASSIGN(const auto index, whole_index(block, taken[s]));
      if (index) {
        TT_TRY(builder_.add_index(*index, places_[s]));
      } else {
        TT_TRY(read_rows(block, places_[s]));
      }
      if (is_impossible_) return WordPlace{WordPlace::State::impossible, {}, {}, {}};
    }
    return builder_.write(sink);
  }

 private:
  /// Null when it is not to be had, says too much, or has no ids though there are some: it is older than
  /// those.
  Result<std::unique_ptr<WordIndex>> whole_index(const Block& block, std::size_t taken) const {
    if (taken < block.rows() || !block.words().made()) return std::unique_ptr<WordIndex>();
    TT_ASSIGN(auto index, WordIndex::open(block.shared_source(), block.words(), block.rows()));
    const bool lacks_ids = !index->has_ids() && index->mark(kIdMark).has_value();
    if (index->name_kinds() != words_.names || lacks_ids) index.reset();
    return index;
  }

  Result<> read_rows(Block& block, const std::vector<std::uint32_t>& places) {
    TT_ASSIGN(auto groups, GroupColumns::open(block, words_.group));
    if (!groups) {
      is_impossible_ = true;
      return {};
    }
    if (!texts_) texts_ = words_.texts();
    const auto add = [this](unsigned kind, std::string_view text) { builder_.add(kind, text); };
    TT_ASSIGN(const auto* projects, block.ints(Column::project));
    TT_ASSIGN(const TextView message, view_of(block, Column::message));
    TT_ASSIGN(const TextView payload, view_of(block, Column::payload));
    std::string scratch;
    for (std::size_t row = 0; row < places.size(); ++row) {
      if (places[row] == kLeftOutRow) continue;
      TT_ASSIGN(const auto group, groups->text_of(row));
      if (!group) continue;
      builder_.begin_row({static_cast<std::uint32_t>((*projects)[row])}, *group, places[row]);
      if (message.column != nullptr) {
        TT_ASSIGN(const auto text, block.text_at(message, row, scratch));
        if (text) builder_.add(words_.message, *text);
      }
      if (payload.column == nullptr) continue;
      TT_ASSIGN(const auto text, block.text_at(payload, row, scratch));
      if (text && !text->empty()) texts_->read(*text, add);
    }
    is_impossible_ = groups->is_ambiguous();
    return {};
  }

  static Result<TextView> view_of(Block& block, Column column) {
    const auto number = block.find(column);
    if (!number) return TextView{};
    return block.text(*number);
  }

  const std::vector<std::shared_ptr<Block>>& sources_;
  const std::vector<MergedRow>& rows_;
  const storage::WordIndexing& words_;
  std::vector<std::vector<std::uint32_t>> places_;  // of each source's rows
  WordIndexBuilder builder_;
  std::unique_ptr<storage::EventTexts> texts_;
  bool is_impossible_ = false;
};

}  // namespace

Result<std::optional<GroupColumns>> GroupColumns::open(Block& block, std::string_view attribute) {
  GroupColumns out(block);
  for (const std::uint32_t number : attribute_columns(block.directory(), attribute, false)) {
    if (block.directory().columns[number].type != AttrType::text) return std::optional<GroupColumns>();
    TT_ASSIGN(const TextView view, block.text(number));
    out.columns_.push_back(view);
  }
  return std::optional<GroupColumns>(std::move(out));
}

Result<std::optional<std::string_view>> GroupColumns::text_of(std::size_t row) {
  std::optional<std::string_view> found;
  for (const TextView& view : columns_) {
    TT_ASSIGN(const auto text, block_->text_at(view, row, scratch_));
    if (!text) continue;
    if (found) is_ambiguous_ = true;
    if (text->data() == scratch_.data() && columns_.size() > 1) {
      kept_ = *text;
      found = kept_;
    } else {
      found = text;
    }
  }
  return found;
}

Result<WordPlace> merge_words(const std::vector<std::shared_ptr<Block>>& sources,
                              const std::vector<MergedRow>& rows, const storage::WordIndexing& words,
                              BlockSink& sink) {
  return WordMerger(sources, rows, words).run(sink);
}

}  // namespace telltale::eventdb
