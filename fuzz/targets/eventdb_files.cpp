// Columns, directories, footers and manifests as a damaged disk may give them. The first byte chooses the
// decoder, the second the number of rows a column is said to have.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "eventdb/block.hpp"
#include "eventdb/block_builder.hpp"
#include "eventdb/index_page.hpp"
#include "eventdb/legacy_part.hpp"
#include "eventdb/manifest.hpp"
#include "eventdb/part_format.hpp"
#include "eventdb/part_words.hpp"
#include "eventdb/word_search.hpp"

namespace {

using namespace telltale::eventdb;

void read_text_column(std::string_view in, std::size_t rows) {
  auto bytes = std::make_shared<const std::string>(in);
  auto column = TextColumn::decode({bytes, *bytes}, rows);
  if (!column) return;
  std::string scratch;
  for (std::size_t e = 0; e < column->code_space(); ++e) (void)column->entry(e, scratch);
  if (column->codec() == TextCodec::dictionary && !column->shares_codes_of()) {
    for (const auto code : column->codes()) TT_CHECK(code < column->code_space());
    for (std::size_t row = 0; row < rows; ++row) (void)column->entry(column->code(row), scratch);
  }
  if (column->codec() == TextCodec::binary)
    for (std::size_t row = 0; row < rows; ++row)
      TT_CHECK(column->raw_value(row).size() == column->form().width);
  // Every page is the input itself: as good as any.
  MemoryBytes pages;
  (void)pages.put(std::string(in));
  for (std::size_t p = 0; p < column->pages(); ++p) {
    const auto page = column->page(p, pages);
    if (!page) continue;
    for (std::size_t i = 0; i < (*page)->rows(); ++i) (void)(*page)->at(i);
  }
}

/// The input as a block's directory, whose columns are all in it.
void read_block(std::string_view in, std::size_t rows) {
  auto bytes = std::make_shared<MemoryBytes>();
  BlockMeta meta;
  meta.rows = static_cast<std::uint32_t>(rows);
  meta.directory = *bytes->put(std::string(in));
  const telltale::FakeClock clock;
  telltale::WorkContext context(clock, telltale::WorkLimits{});
  const auto directory = BlockDirectory::decode(in);
  if (!directory) return;
  for (const auto& column : directory->columns)
    if (column.inlined.empty()) return;  // would be read from elsewhere
  auto block = Block::open(bytes, meta, context);
  if (!block) return;
  (void)(*block)->want(telltale::storage::FieldSet({}), true);
  telltale::EventRow row;
  for (std::size_t i = 0; i < rows; ++i)
    if (!(*block)->materialise(i, row)) return;
}

/// The first part of the input as words, the rest as their sets.
void read_words(std::string_view in, std::size_t rows) {
  if (in.empty()) return;
  const std::size_t words = std::min<std::size_t>(static_cast<unsigned char>(in[0]), in.size() - 1);
  auto bytes = std::make_shared<MemoryBytes>();
  WordPlace place{WordPlace::State::made, {}, {}, {}};
  place.words = *bytes->put(std::string(in.substr(1, words)));
  place.sets = *bytes->put(std::string(in.substr(1 + words)));
  const auto index = WordIndex::open(bytes, place, rows);
  if (!index) return;
  telltale::storage::WordQuery query;
  query.all = {{{{0xFF, {"e"}, false}}}, {{{0x01, {"1.0", ""}, true}}}};
  const auto found = WordSearch::make(query)->ask(**index);
  if (found && *found) TT_CHECK((*found)->possible.size() <= rows);
  const auto content = (*index)->content();
  if (!content) return;
  TT_CHECK(content->names.size() + content->words.size() == content->uses.size());
  for (const auto& uses : content->uses)
    for (const auto& use : uses) TT_CHECK(use.set < content->sets.size());
  for (const auto& set : content->sets)
    for (const auto group : set) TT_CHECK(group < content->groups.size());
}

/// Every page is the rest of the input.
class OnePage final : public BlockSource {
 public:
  OnePage(std::string_view directory, std::string_view page)
      : directory_(std::make_shared<const std::string>(directory)),
        page_(std::make_shared<const std::string>(page)) {}
  telltale::Result<Bytes> read(telltale::io::BlockHandle handle) const override {
    const auto& bytes = handle.offset == UINT64_MAX ? directory_ : page_;
    return Bytes{bytes, *bytes};
  }
  telltale::Error damage(telltale::Error error) const override { return error; }

 private:
  std::shared_ptr<const std::string> directory_;
  std::shared_ptr<const std::string> page_;
};

/// The first part of the input as the directory of a part's words, the rest as every page of it.
void read_part_words(std::string_view in) {
  if (in.empty()) return;
  const std::size_t size = std::min<std::size_t>(static_cast<unsigned char>(in[0]), in.size() - 1);
  const OnePage source(in.substr(1, size), in.substr(1 + size));
  const auto words = PartWords::open(source, {UINT64_MAX, 1}, 5);
  if (!words) return;
  const PartWordPages& pages = words->pages();
  PartWordSets sets(source, pages, words->groups());
  Bitmap groups(words->groups());
  const auto add = [&](const PartWordUse& use) { (void)sets.add(use.who, groups); };
  for (const auto& mark : pages.marks)
    for (const PartWordUse& use : mark.uses) add(use);
  for (const auto* list : {&pages.names, &pages.words}) {
    for (std::size_t p = 0; p < std::min<std::size_t>(list->size(), 4); ++p) {
      auto page = PartWordPage::read(source, (*list)[p]);
      if (!page || !page->open_uses(source, words->groups(), pages.sets)) continue;
      std::uint32_t number = 0;
      for_each_word(page->list(), [&](std::string_view) {
        for (const PartWordUse& use : page->uses(number)) add(use);
        ++number;
      });
      TT_CHECK(number == (*list)[p].count);
    }
  }
  if (words->groups() == 0) return;
  (void)words->names(source, 0);
  if (const auto blocks = words->blocks(source, 0))
    for (const auto& of_group : *blocks)
      for (const GroupBlock& block : of_group) TT_CHECK(block.number < 5);
}

/// The first part of the input as the directory of ids, the rest as their page.
void read_ids(std::string_view in) {
  if (in.empty()) return;
  const std::size_t size = std::min<std::size_t>(static_cast<unsigned char>(in[0]), in.size() - 1);
  const OnePage source(in.substr(1, size), in.substr(1 + size));
  const auto ids = WordIds::open(source, {UINT64_MAX, 1});
  if (!ids) return;
  (void)ids->groups_of("0x7f00ab");
  if (const auto entries = ids->entries()) TT_CHECK(entries->size() <= kMaxBlockIds);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t rows = data[1];
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 12) {
    case 0:
      if (const auto ints = PackedInts::open(in, rows)) {
        const auto all = ints->all();
        TT_CHECK(all.size() == rows);
        for (std::size_t row = 0; row < rows; ++row) TT_CHECK(ints->at(row) == all[row]);
      }
      break;
    case 1:
      read_text_column(in, rows);
      break;
    case 2:
      (void)PartFooter::decode(in, kPartWordsVersion);
      (void)PartFooter::decode(in, kIdsPartVersion);
      (void)PartFooter::decode(in, kWordsPartVersion);
      (void)PartFooter::decode(in, kSignedPartVersion);
      (void)PartFooter::decode(in, kSignedPartVersion - 1);
      break;
    case 3:
      (void)Manifest::decode(in);
      break;
    case 4:
      read_block(in, rows);
      break;
    case 5:
      if (const auto reals = decode_real_column(in, rows)) TT_CHECK(reals->size() == rows);
      break;
    case 6: {
      std::vector<telltale::Attr> attributes;
      (void)get_residual_attrs(in, attributes);
      break;
    }
    case 7: {
      std::vector<std::uint32_t> blocks;
      if (in.size() > 8) (void)find_in_index_page(in.substr(8), index_key(0, in.substr(0, 8)), blocks);
      break;
    }
    case 9:
      read_words(in, rows);
      break;
    case 10:
      read_ids(in);
      break;
    case 11:
      read_part_words(in);
      break;
    default: {
      std::vector<LegacyColumns> columns;
      if (!decode_legacy_footer(in, columns)) break;
      const auto read_bytes = [in](telltale::io::BlockHandle) -> telltale::Result<std::string> {
        return std::string(in);
      };
      for (const auto& block : columns) (void)read_legacy_block(rows, block, read_bytes);
    }
  }
  return 0;
}
