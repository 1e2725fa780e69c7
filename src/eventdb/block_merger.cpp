#include "eventdb/block_merger.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <queue>

#include "base/limits.hpp"
#include "eventdb/block_builder.hpp"
#include "eventdb/part_words_builder.hpp"
#include "eventdb/word_merger.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint32_t kNoColumn = UINT32_MAX;
constexpr std::size_t kArenaBytes = 256 << 10;
// The message is apart: merge_message().
constexpr Column kMergedTexts[] = {Column::environment, Column::release,  Column::host,
                                   Column::transaction, Column::trace_id, Column::span_id,
                                   Column::request_id,  Column::user_id,  Column::payload};

/// One output block out of rows of some open blocks.
class MergedBlock {
 public:
  MergedBlock(std::vector<std::shared_ptr<Block>> sources, std::vector<MergedRow> rows, BlockSink& sink,
              Effort effort, const storage::WordIndexing* words)
      : sources_(std::move(sources)),
        rows_(std::move(rows)),
        sink_(sink),
        effort_(effort),
        words_(words),
        writer_(sink, rows_.size(), effort) {}

  Result<WrittenBlock> build() {
    if (needs_rows()) return build_from_rows();
    TextValues skeletons;
    TT_ASSIGN(const bool any_skeleton, gather_text(skeleton_columns(), skeletons));
    if (any_skeleton && skeletons.entries.empty()) return build_from_rows();  // too many kinds of lines
    if (any_skeleton && !skeletons.first_is_absent) return build_from_rows();
    std::vector<std::int64_t> times;
    std::vector<std::int64_t> projects;
    std::vector<std::int64_t> levels;
    std::vector<std::int64_t> numbers;
    TT_TRY(gather_ints(Column::time, times));
    TT_TRY(writer_.put_ints(Column::time, times));
    for (const Column c : {Column::ordinal, Column::received}) {
      TT_TRY(gather_ints(c, numbers));
      TT_TRY(writer_.put_ints(c, numbers));
    }
    TT_TRY(gather_ints(Column::project, projects));
    TT_TRY(writer_.put_ints(Column::project, projects));
    TT_TRY(gather_ints(Column::level, levels));
    TT_TRY(writer_.put_ints(Column::level, levels));
    for (const Column c : kMergedTexts) {
      TextValues values;
      TT_ASSIGN(const bool any, gather_text(fixed_columns(c), values));
      if (any) TT_TRY(writer_.put_text(c, values));
    }
    TT_TRY(merge_message(skeletons));
    TextValues services;
    TT_ASSIGN(const bool any_service, gather_text(fixed_columns(Column::service), services));
    if (!any_service) services = TextValues{};
    writer_.count_rows(projects, services, levels);
    if (any_service) TT_TRY(writer_.put_text(Column::service, services));
    TT_TRY(merge_attributes());
    TT_ASSIGN(WrittenBlock out, writer_.finish({times.front()}, {times.back()}));
    if (words_ != nullptr) {
      TT_ASSIGN(out.meta.words, merge_words(sources_, rows_, *words_, sink_));
    }
    return out;
  }

 private:
  using Numbers = std::vector<std::uint32_t>;  // of a column in each source's directory, or kNoColumn

  bool needs_rows() {
    std::map<AttrId, Numbers> columns;
    for (std::uint32_t s = 0; s < sources_.size(); ++s) {
      if (sources_[s]->residual_column()) return true;
      const BlockDirectory& directory = sources_[s]->directory();
      for (std::uint32_t c = 0; c < directory.columns.size(); ++c) {
        const ColumnEntry& entry = directory.columns[c];
        if (!entry.is_attribute()) continue;
        AttrId id{entry.name, entry.type, entry.kind};
        const auto [at, is_new] = attr_numbers_.try_emplace(id, attrs_.size());
        if (is_new) attrs_.push_back({std::move(id), Numbers(sources_.size(), kNoColumn)});
        attrs_[at->second].second[s] = c;
      }
    }
    return attrs_.size() > limits::kEventBlockColumns;
  }

  Result<WrittenBlock> build_from_rows() {
    std::vector<EventRow> rows(rows_.size());
    std::vector<HeadRow> ordered;
    for (const auto& source : sources_) TT_TRY(source->want(storage::FieldSet({}), true));
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      Block& block = *sources_[rows_[i].source];
      TT_TRY(block.materialise(rows_[i].row, rows[i]));
      TT_ASSIGN(const auto* ordinals, block.ints(Column::ordinal));
      ordered.push_back({&rows[i], static_cast<std::uint64_t>((*ordinals)[rows_[i].row])});
    }
    return build_block(ordered, sink_, effort_, words_);
  }

  Numbers skeleton_columns() const {
    Numbers out;
    for (const auto& source : sources_) out.push_back(source->skeleton_column().value_or(kNoColumn));
    return out;
  }

  Result<> merge_message(TextValues& skeletons) {
    const Numbers columns = fixed_columns(Column::message);
    if (skeletons.entries.empty()) {
      TextValues values;
      TT_ASSIGN(const bool any, gather_text(columns, values));
      return any ? writer_.put_text(Column::message, values) : Result<>();
    }
    TT_ASSIGN(const Bitmap presence, gather_presence(columns));
    raw_message_ = true;
    TextValues values;
    TT_TRY(gather_text(columns, values));
    raw_message_ = false;
    return writer_.put_message(values, skeletons, presence.count());
  }

  Numbers fixed_columns(Column column) const {
    Numbers out;
    for (const auto& source : sources_) out.push_back(source->find(column).value_or(kNoColumn));
    return out;
  }

  Result<> gather_ints(Column column, std::vector<std::int64_t>& out) {
    std::vector<const std::int64_t*> values;
    for (const auto& source : sources_) {
      TT_ASSIGN(const auto* v, source->ints(column));
      values.push_back(v->data());
    }
    out.resize(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) out[i] = values[rows_[i].source][rows_[i].row];
    return {};
  }

  /// False when no source has the column.
  Result<bool> gather_text(const Numbers& numbers, TextValues& out) {
    std::vector<TextView> views(sources_.size());
    bool all_dictionaries = true;
    bool same_form = true;
    std::optional<FormSpec> form;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (numbers[s] == kNoColumn) continue;
      TT_ASSIGN(views[s], raw_message_ ? sources_[s]->raw_text(numbers[s]) : sources_[s]->text(numbers[s]));
      const TextColumn& column = *views[s].column;
      all_dictionaries = all_dictionaries && column.codec() == TextCodec::dictionary;
      same_form = same_form && (!form || *form == column.form());
      form = column.form();
      if (column.codec() == TextCodec::time) same_form = false;
    }
    if (!form) return false;
    out.rows = rows_.size();
    if (same_form) out.form = *form;
    if (all_dictionaries && merge_dictionaries(views, out)) return true;
    out.entries.clear();
    out.codes.clear();
    out.first_is_absent = false;
    TT_TRY(gather_values(views, out));
    return true;
  }

  /// False when the values are too many for a dictionary.
  bool merge_dictionaries(const std::vector<TextView>& views, TextValues& out) {
    constexpr std::uint32_t kUnmapped = UINT32_MAX;
    const bool binary = out.form.form != TextForm::text;
    std::vector<std::vector<std::uint32_t>> maps(views.size());
    std::vector<const std::uint16_t*> codes(views.size(), nullptr);
    bool absent = false;
    for (std::size_t s = 0; s < views.size(); ++s) {
      if (views[s].column == nullptr) {
        absent = true;
        continue;
      }
      maps[s].assign(views[s].column->code_space(), kUnmapped);
      codes[s] = views[s].column->codes().data();
      absent = absent || views[s].presence != nullptr || views[s].column->first_is_absent();
      if (views[s].column->first_is_absent()) maps[s][0] = 0;
    }
    Dictionary dictionary;
    if (absent) dictionary.add({});
    out.first_is_absent = absent;
    const std::size_t most = std::min(Dictionary::kMost, rows_.size() - rows_.size() / 4 + 1);
    out.codes.assign(rows_.size(), 0);
    std::string scratch;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const MergedRow at = rows_[i];
      const TextView& view = views[at.source];
      if (view.column == nullptr || (view.presence != nullptr && !view.presence->test(at.row))) continue;
      const std::uint16_t code = codes[at.source][at.row];
      std::uint32_t& mapped = maps[at.source][code];
      if (mapped == kUnmapped) {
        const auto added = dictionary.add(binary ? view.column->raw_entry(code)
                                                 : kept(view.column->entry(code, scratch), scratch));
        // An empty value is not an absent one.
        if (!added || dictionary.entries().size() > most || (absent && *added == 0)) return false;
        mapped = *added;
      }
      out.codes[i] = static_cast<std::uint16_t>(mapped);
    }
    out.entries = dictionary.entries();
    return !out.entries.empty();
  }

  /// The text itself where it stays, a copy where it stands in the scratch.
  std::string_view kept(std::string_view text, const std::string& scratch) {
    if (text.data() != scratch.data()) return text;
    if (arena_.empty() || arena_.back().capacity() - arena_.back().size() < text.size()) {
      arena_.emplace_back();
      arena_.back().reserve(std::max(kArenaBytes, text.size()));
    }
    std::string& chunk = arena_.back();
    chunk += text;
    return std::string_view(chunk).substr(chunk.size() - text.size());
  }

  Result<> gather_values(const std::vector<TextView>& views, TextValues& out) {
    const bool binary = out.form.form != TextForm::text;
    out.values.resize(rows_.size());
    Bitmap presence(rows_.size());
    std::string scratch;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const MergedRow at = rows_[i];
      const TextView& view = views[at.source];
      if (view.column == nullptr) continue;
      TextColumn& column = *view.column;
      if (binary) {
        if (view.presence != nullptr && !view.presence->test(at.row)) continue;
        if (column.codec() == TextCodec::dictionary) {
          const std::uint16_t code = column.code(at.row);
          if (code == 0 && column.first_is_absent()) continue;
          out.values[i] = column.raw_entry(code);
        } else {
          out.values[i] = column.raw_value(at.row);
        }
        presence.set(i);
        continue;
      }
      TT_ASSIGN(const auto text, sources_[at.source]->text_at(view, at.row, scratch));
      if (!text) continue;
      out.values[i] = kept(*text, scratch);
      presence.set(i);
    }
    out.presence = std::move(presence);
    return {};
  }

  Result<Bitmap> gather_presence(const Numbers& numbers) {
    Bitmap out(rows_.size());
    std::vector<Bitmap> present(sources_.size());
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (numbers[s] == kNoColumn) continue;
      TT_ASSIGN(present[s], sources_[s]->presence(numbers[s]));
    }
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (numbers[rows_[i].source] != kNoColumn && present[rows_[i].source].test(rows_[i].row)) out.set(i);
    return out;
  }

  /// The codec and number all sources' columns share if it is `codec`; nullopt otherwise.
  Result<std::optional<std::uint8_t>> shared_derivation(const Numbers& numbers, TextCodec codec) {
    std::optional<std::uint8_t> number;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (numbers[s] == kNoColumn) continue;
      TT_ASSIGN(const auto derived, sources_[s]->derivation(numbers[s], codec));
      if (!derived || (number && *number != *derived)) return std::nullopt;
      number = derived;
    }
    return number;
  }

  Result<std::uint32_t> merge_text_attribute(const AttrId& id, const Numbers& numbers) {
    TT_ASSIGN(const auto alias, shared_derivation(numbers, TextCodec::alias));
    if (alias) {
      TT_ASSIGN(const Bitmap presence, gather_presence(numbers));
      return writer_.put_alias(id, static_cast<Column>(*alias), presence);
    }
    TT_ASSIGN(const auto style, shared_derivation(numbers, TextCodec::time));
    if (style) {
      TT_ASSIGN(const Bitmap presence, gather_presence(numbers));
      return writer_.put_time(id, *style, presence);
    }
    TextValues values;
    TT_TRY(gather_text(numbers, values));
    std::size_t present = rows_.size();
    if (values.entries.empty()) {
      present = values.presence ? values.presence->count() : rows_.size();
    } else if (values.first_is_absent) {
      present -= static_cast<std::size_t>(std::count(values.codes.begin(), values.codes.end(), 0));
    }
    return writer_.put_text(id, values, present);
  }

  Result<std::uint32_t> merge_number_attribute(const AttrId& id, const Numbers& numbers) {
    TT_ASSIGN(const Bitmap presence, gather_presence(numbers));
    std::vector<const NumberColumn*> columns(sources_.size(), nullptr);
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (numbers[s] == kNoColumn) continue;
      TT_ASSIGN(columns[s], sources_[s]->numbers(numbers[s]));
    }
    if (id.type == AttrType::real) {
      std::vector<double> values(rows_.size());
      presence.for_each([&](std::size_t i) { values[i] = columns[rows_[i].source]->reals[rows_[i].row]; });
      return writer_.put_reals(id, values, presence);
    }
    std::vector<std::int64_t> values(rows_.size());
    presence.for_each([&](std::size_t i) { values[i] = columns[rows_[i].source]->values[rows_[i].row]; });
    return writer_.put_numbers(id, values, presence);
  }

  Result<> merge_attributes() {
    if (attrs_.empty()) return {};
    // Position in a source's directory → in ours.
    std::vector<Numbers> positions(sources_.size());
    for (std::size_t s = 0; s < sources_.size(); ++s)
      positions[s].assign(sources_[s]->directory().columns.size(), kNoColumn);
    for (const auto& [id, numbers] : attrs_) {
      TT_ASSIGN(const Bitmap presence, gather_presence(numbers));
      if (presence.none()) continue;  // it was of rows that are in another block now
      TT_ASSIGN(const std::uint32_t position, id.type == AttrType::text
                                                  ? merge_text_attribute(id, numbers)
                                                  : merge_number_attribute(id, numbers));
      for (std::size_t s = 0; s < sources_.size(); ++s)
        if (numbers[s] != kNoColumn) positions[s][numbers[s]] = position;
    }
    return merge_shapes(positions);
  }

  Result<> merge_shapes(const std::vector<Numbers>& positions) {
    std::map<Numbers, std::int64_t> known;
    std::vector<Numbers> shapes;
    std::vector<std::vector<std::int64_t>> maps(sources_.size());
    std::vector<const std::vector<std::int64_t>*> source_shapes;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      maps[s].assign(std::max<std::size_t>(sources_[s]->directory().shapes.size(), 1), -1);
      TT_ASSIGN(const auto* of_rows, sources_[s]->row_shapes());
      source_shapes.push_back(of_rows);
    }
    std::vector<std::int64_t> row_shapes(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const MergedRow at = rows_[i];
      const auto& of_rows = *source_shapes[at.source];
      const auto shape = of_rows.empty() ? 0 : static_cast<std::size_t>(of_rows[at.row]);
      std::int64_t& mapped = maps[at.source][shape];
      if (mapped < 0) {
        Numbers ours;
        const auto& theirs = sources_[at.source]->directory().shapes;
        if (!theirs.empty())
          for (const std::uint32_t c : theirs[shape]) ours.push_back(positions[at.source][c]);
        const auto [found, is_new] = known.try_emplace(ours, static_cast<std::int64_t>(shapes.size()));
        if (is_new) shapes.push_back(std::move(ours));
        mapped = found->second;
      }
      row_shapes[i] = mapped;
    }
    return writer_.put_shapes(std::move(shapes), row_shapes);
  }

  const std::vector<std::shared_ptr<Block>> sources_;
  const std::vector<MergedRow> rows_;
  BlockSink& sink_;
  const Effort effort_;
  const storage::WordIndexing* const words_;
  BlockWriter writer_;
  std::map<AttrId, std::size_t> attr_numbers_;
  std::vector<std::pair<AttrId, Numbers>> attrs_;
  std::deque<std::string> arena_;
  bool raw_message_ = false;  // texts without those that are kept as skeletons
};

/// Where one input has come to.
class MergePosition {
 public:
  MergePosition(MergeInput input, std::size_t block_rows, bool with_words, WorkContext& context)
      : input_(std::move(input)), block_rows_(block_rows), with_words_(with_words), context_(context) {}

  /// Opens the next block with rows; false at the end.
  Result<bool> advance() {
    while (next_block_ < input_.blocks.size()) {
      const BlockRef& ref = input_.blocks[next_block_++];
      TT_ASSIGN(auto opened, ref.open(context_));
      block_ = std::move(opened);
      rows_.clear();
      at_ = 0;
      if (input_.take) {
        TT_ASSIGN(rows_, input_.take(*block_));
        count_ = rows_.size();
      } else {
        count_ = block_->rows();
      }
      if (count_ == 0) continue;
      weight_ = ref.meta().text_bytes / std::max<std::uint32_t>(ref.meta().rows, 1);
      TT_ASSIGN(times_, block_->ints(Column::time));
      TT_ASSIGN(ordinals_, block_->ints(Column::ordinal));
      return true;
    }
    block_.reset();
    return false;
  }
  bool at_end() const { return at_ == count_; }
  /// The block that was opened last, where none of its rows was taken yet and all of them would be, and
  /// nothing of today's format is missing. Null otherwise.
  const BlockRef* untouched() const {
    if (at_ != 0 || input_.take) return nullptr;
    const BlockRef& ref = input_.blocks[next_block_ - 1];
    if (!ref.part || ref.part->legacy()) return nullptr;
    const BlockMeta& meta = ref.meta();
    if (with_words_ && meta.words.state == WordPlace::State::none) return nullptr;
    const bool is_whole =
        !is_worth_a_signature(meta.rows, meta.text_bytes, block_rows_) || ref.part->is_signed(ref.number);
    return is_whole ? &ref : nullptr;
  }
  std::uint32_t row() const { return rows_.empty() ? static_cast<std::uint32_t>(at_) : rows_[at_]; }
  std::int64_t time() const { return (*times_)[row()]; }
  std::uint64_t ordinal() const { return static_cast<std::uint64_t>((*ordinals_)[row()]); }
  void step() { ++at_; }
  const std::shared_ptr<Block>& block() const { return block_; }
  std::uint64_t weight() const { return weight_; }

 private:
  MergeInput input_;
  const std::size_t block_rows_;
  const bool with_words_;
  WorkContext& context_;
  std::size_t next_block_ = 0;
  std::shared_ptr<Block> block_;
  std::vector<std::uint32_t> rows_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  std::uint64_t weight_ = 0;  // text bytes a row, about
  const std::vector<std::int64_t>* times_ = nullptr;
  const std::vector<std::int64_t>* ordinals_ = nullptr;
};

struct EarlierPosition {
  bool operator()(const MergePosition* a, const MergePosition* b) const {
    return a->time() != b->time() ? a->time() > b->time() : a->ordinal() > b->ordinal();
  }
};

/// The parts that the inputs are, if all of them come along as a whole and their words are known; else none.
std::vector<std::shared_ptr<const Part>> whole_parts(const std::vector<MergeInput>& inputs) {
  std::vector<std::shared_ptr<const Part>> out;
  for (const MergeInput& input : inputs) {
    if (input.take || input.blocks.empty()) return {};
    const auto& part = input.blocks.front().part;
    if (!part || part->legacy() || input.blocks.size() != part->blocks().size()) return {};
    for (std::uint32_t b = 0; b < input.blocks.size(); ++b) {
      const BlockRef& ref = input.blocks[b];
      if (ref.part != part || ref.number != b || !ref.meta().words.made()) return {};
    }
    out.push_back(part);
  }
  return out;
}

/// Rows gathered for the block that is to be written next.
class PendingBlock {
 public:
  PendingBlock(PartWriter& writer, std::size_t block_rows, const storage::WordIndexing* words)
      : writer_(writer), block_rows_(block_rows), words_(words) {
    if (words != nullptr) part_words_.emplace(*words);
  }

  Result<> add(const MergePosition& at) {
    if (last_block_ != at.block().get()) {
      const auto known = std::find(sources_.begin(), sources_.end(), at.block());
      last_source_ = static_cast<std::uint32_t>(known - sources_.begin());
      if (known == sources_.end()) sources_.push_back(at.block());
      last_block_ = at.block().get();
    }
    rows_.push_back({last_source_, at.row()});
    bytes_ += at.weight();
    if (rows_.size() < block_rows_ && bytes_ < limits::kEventBlockBytes) return {};
    return write();
  }
  /// A block that is large enough to stay as it is.
  bool is_large(const BlockMeta& meta) const {
    return meta.rows >= block_rows_ / 2 || meta.text_bytes >= limits::kEventBlockBytes / 2;
  }
  /// `opened` is it.
  Result<> copy(const BlockRef& block, const std::shared_ptr<Block>& opened) {
    TT_TRY(write());
    if (part_words_) {
      std::vector<MergedRow> rows(opened->rows());
      for (std::uint32_t row = 0; row < rows.size(); ++row) rows[row].row = row;
      TT_TRY(part_words_->add(writer_.blocks(), block.part, block.meta().words, {opened}, rows));
    }
    return writer_.copy(block.part, block.number);
  }
  Result<> begin(const std::vector<MergeInput>& inputs) {
    return part_words_ ? part_words_->take_over(whole_parts(inputs)) : Result<>();
  }
  /// What comes behind all blocks.
  Result<> finish() {
    TT_TRY(write());
    if (!part_words_) return {};
    TT_ASSIGN(const io::BlockHandle words, part_words_->write(writer_));
    writer_.set_words(words);
    return {};
  }
  Result<> write() {
    if (rows_.empty()) return {};
    const Effort effort =
        is_worth_a_signature(rows_.size(), bytes_, block_rows_) ? Effort::thorough : Effort::quick;
    KeepingSink keeping(writer_);
    BlockSink& sink = part_words_ ? static_cast<BlockSink&>(keeping) : writer_;
    TT_ASSIGN(WrittenBlock block, MergedBlock(sources_, rows_, sink, effort, words_).build());
    if (part_words_) {
      TT_ASSIGN(const auto kept, keeping.words_of(block.meta.words));
      TT_TRY(part_words_->add(writer_.blocks(), kept.first, kept.second, sources_, rows_));
    }
    // What an input goes on with is mostly behind the pages that were read.
    for (const auto& source : sources_) source->forget_pages();
    sources_ = {};
    rows_ = {};
    bytes_ = 0;
    last_block_ = nullptr;
    return writer_.add(std::move(block));
  }

 private:
  PartWriter& writer_;
  const std::size_t block_rows_;
  const storage::WordIndexing* const words_;
  std::optional<PartWordsBuilder> part_words_;
  std::vector<std::shared_ptr<Block>> sources_;
  std::vector<MergedRow> rows_;
  std::uint64_t bytes_ = 0;
  const Block* last_block_ = nullptr;
  std::uint32_t last_source_ = 0;
};

}  // namespace

Result<> merge_blocks(std::vector<MergeInput> inputs, PartWriter& writer, std::size_t block_rows,
                      WorkContext& context, const storage::WordIndexing* words) {
  std::deque<MergePosition> positions;
  std::priority_queue<MergePosition*, std::vector<MergePosition*>, EarlierPosition> heap;
  PendingBlock pending(writer, block_rows, words);
  TT_TRY(pending.begin(inputs));
  for (MergeInput& input : inputs) {
    positions.emplace_back(std::move(input), block_rows, words != nullptr, context);
    TT_ASSIGN(const bool more, positions.back().advance());
    if (more) heap.push(&positions.back());
  }
  while (!heap.empty()) {
    TT_TRY(context.check());
    MergePosition* top = heap.top();
    heap.pop();
    const MergePosition* next = heap.empty() ? nullptr : heap.top();
    const BlockRef* whole = top->untouched();
    const bool alone = whole != nullptr && (next == nullptr || next->time() > whole->meta().max_time.ns);
    if (alone && pending.is_large(whole->meta())) {
      // Rows mostly come in order of time: most large blocks have nothing between their rows.
      TT_TRY(pending.copy(*whole, top->block()));
      TT_ASSIGN(const bool more, top->advance());
      if (more) heap.push(top);
      continue;
    }
    // As long as this input stays the earliest, its rows follow each other.
    do {
      TT_TRY(pending.add(*top));
      top->step();
    } while (!top->at_end() && (next == nullptr || !EarlierPosition()(top, next)));
    if (top->at_end()) {
      TT_ASSIGN(const bool more, top->advance());
      if (!more) continue;
    }
    heap.push(top);
  }
  return pending.finish();
}

}  // namespace telltale::eventdb
