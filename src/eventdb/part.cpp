#include "eventdb/part.hpp"

#include <algorithm>

#include "eventdb/block_builder.hpp"
#include "eventdb/index_page.hpp"
#include "eventdb/signature_pages.hpp"

namespace telltale::eventdb {

Result<std::shared_ptr<Part>> Part::open(io::FileSystem& fs, const std::string& dir, std::string name,
                                         const Logger& log) {
  std::shared_ptr<Part> part(new Part(fs, dir, std::move(name), log));
  TT_ASSIGN(part->file_, io::BlockFileReader::open(fs, io::join_path(dir, part->name_), kPartFormat));
  auto footer = part->legacy() ? decode_legacy_footer(part->file_->footer(), part->legacy_columns_)
                               : PartFooter::decode(part->file_->footer(), part->file_->version());
  if (!footer) return tl::unexpected<Error>(std::move(footer).error().within(part->name_));
  part->footer_ = *std::move(footer);
  part->retention_class_ = retention_class_of(part->name_);
  return part;
}

Part::~Part() {
  if (!doomed_.load()) return;
  file_.reset();
  // A failure leaves an orphan; the next open removes it.
  if (auto removed = fs_.remove(io::join_path(dir_, name_)); !removed)
    log_.warn("event part not removed", {{"file", name_}, {"reason", removed.error().message()}});
}

Error Part::damage(Error error) const {
  if (error.kind() != ErrorKind::corruption) return error;
  if (!damaged_.exchange(true))
    log_.error("event part is damaged and will be quarantined",
               {{"file", name_}, {"reason", error.message()}});
  if (error.message().starts_with(name_)) return error;
  return std::move(error).within(name_);
}

Result<Bytes> Part::read(io::BlockHandle handle) const {
  auto frame = file_->read_frame(handle);
  if (!frame) return tl::unexpected<Error>(damage(std::move(frame).error()));
  auto owner = std::make_shared<const std::string>(*std::move(frame));
  return Bytes{owner, io::frame_bytes(*owner)};
}

Result<std::unique_ptr<Block>> Part::open_block(std::size_t number, WorkContext& context) const {
  if (legacy()) return open_legacy_block(number, context);
  return Block::open(shared_from_this(), footer_.blocks[number], context);
}

Result<std::unique_ptr<Block>> Part::open_legacy_block(std::size_t number, WorkContext& context) const {
  TT_TRY(context.check());
  const auto read_bytes = [this](io::BlockHandle handle) { return file_->read(handle); };
  auto rows = read_legacy_block(footer_.blocks[number].rows, legacy_columns_[number], read_bytes);
  if (!rows) return tl::unexpected<Error>(damage(std::move(rows).error()));
  std::vector<HeadRow> ordered;
  for (std::size_t i = 0; i < rows->rows.size(); ++i) ordered.push_back({&rows->rows[i], rows->ordinals[i]});
  auto bytes = std::make_shared<MemoryBytes>();
  TT_ASSIGN(const WrittenBlock written, build_block(ordered, *bytes));
  const std::size_t size = bytes->bytes();
  TT_ASSIGN(auto block, Block::open(std::move(bytes), written.meta, context));
  TT_TRY(block->account(size));
  return block;
}

Result<std::vector<std::uint32_t>> Part::lookup(std::size_t field, std::string_view text) const {
  const std::uint64_t key = index_key(field, text);
  // Pages may know a key's upper bits only, and begin with what it is then.
  const std::uint64_t low = index_entry_of(key);
  const std::uint64_t high = key | kIndexBlockMask;
  std::vector<std::uint32_t> blocks;
  auto page = std::upper_bound(footer_.index.begin(), footer_.index.end(), low,
                               [](std::uint64_t v, const IndexPage& p) { return v < p.first; });
  if (page != footer_.index.begin()) --page;
  for (; page != footer_.index.end() && page->first <= high; ++page) {
    TT_ASSIGN(const Bytes bytes, read(page->handle));
    if (!find_in_index_page(bytes.view, key, blocks))
      return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "bad index page")));
  }
  std::erase_if(blocks, [this](std::uint32_t block) { return block >= footer_.blocks.size(); });
  return blocks;
}

Result<std::optional<std::vector<std::uint32_t>>> Part::lookup(const std::vector<GramPlace>& grams) const {
  if (footer_.signatures.empty()) return std::nullopt;
  std::vector<bool> may_have(footer_.blocks.size(), true);
  for (const SignatureGroup& group : footer_.signatures)
    TT_TRY(ask_signatures(*this, group, grams, may_have));
  std::vector<std::uint32_t> out;
  for (std::uint32_t block = 0; block < may_have.size(); ++block)
    if (may_have[block]) out.push_back(block);
  return out;
}

bool Part::is_signed(std::uint32_t block) const {
  return std::any_of(footer_.signatures.begin(), footer_.signatures.end(), [block](const SignatureGroup& g) {
    return std::binary_search(g.blocks.begin(), g.blocks.end(), block);
  });
}

Result<> Part::read_index(std::size_t page, std::vector<std::uint64_t>& entries) const {
  TT_ASSIGN(const Bytes bytes, read(footer_.index[page].handle));
  if (!read_index_page(bytes.view, entries))
    return tl::unexpected<Error>(damage(Error(ErrorKind::corruption, "bad index page")));
  return {};
}

Result<> Part::verify() const {
  // Opened anew: magic, version and footer are on the disk too, not only what was read at the start.
  auto file = io::BlockFileReader::open(fs_, io::join_path(dir_, name_), kPartFormat);
  if (!file) return tl::unexpected<Error>(damage(std::move(file).error()));
  auto good = (*file)->verify();
  if (!good) return tl::unexpected<Error>(damage(std::move(good).error()));
  return {};
}

}  // namespace telltale::eventdb
