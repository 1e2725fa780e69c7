#include "eventdb/part_writer.hpp"

#include "eventdb/text_codec.hpp"
#include "eventdb/word_ids.hpp"

namespace telltale::eventdb {

Result<std::unique_ptr<PartWriter>> PartWriter::create(io::FileSystem& fs, std::string path, Table table,
                                                       std::int64_t day) {
  TT_ASSIGN(auto file, io::BlockFileWriter::create(fs, std::move(path), kPartFormat));
  std::unique_ptr<PartWriter> writer(new PartWriter(std::move(file)));
  writer->footer_.table = table;
  writer->footer_.day = day;
  return writer;
}

Result<std::uint32_t> PartWriter::next_number() const {
  if (footer_.blocks.size() > kIndexBlockMask)
    return fail(ErrorKind::too_large, "part: more blocks than its index can name");
  return static_cast<std::uint32_t>(footer_.blocks.size());
}

void PartWriter::add(BlockMeta meta) {
  footer_.rows += meta.rows;
  footer_.blocks.push_back(std::move(meta));
}

Result<> PartWriter::add(WrittenBlock block) {
  TT_ASSIGN(const std::uint32_t number, next_number());
  index_.add(std::move(block.index_keys), number);
  TT_TRY(signatures_.add(std::move(block.signature), number, *file_));
  add(std::move(block.meta));
  return {};
}

Result<> PartWriter::copy(const std::shared_ptr<const Part>& part, std::uint32_t number) {
  TT_ASSIGN(const std::uint32_t here, next_number());
  BlockMeta meta = part->blocks()[number];
  const auto move = [&](io::BlockHandle handle) -> Result<io::BlockHandle> {
    TT_ASSIGN(const Bytes bytes, part->read(handle));
    return file_->append(bytes.view);
  };
  TT_ASSIGN(const Bytes listed, part->read(meta.directory));
  auto directory = BlockDirectory::decode(listed.view);
  if (!directory) return tl::unexpected<Error>(part->damage(std::move(directory).error()));
  for (ColumnEntry& column : directory->columns) {
    const bool inlined = !column.inlined.empty();
    if (!holds_text(column)) {
      if (inlined) continue;
      TT_ASSIGN(column.handle, move(column.handle));
      continue;
    }
    Bytes bytes;
    if (inlined) {
      auto owner = std::make_shared<const std::string>(column.inlined);
      bytes = {owner, *owner};
    } else {
      TT_ASSIGN(bytes, part->read(column.handle));
    }
    auto text = TextColumn::decode(std::move(bytes), meta.rows);
    if (!text) return tl::unexpected<Error>(part->damage(std::move(text).error()));
    TT_ASSIGN(std::string moved, text->with_pages_moved(move));
    column.inlined.clear();
    if (moved.size() <= kInlineColumnBytes) {
      column.inlined = std::move(moved);
    } else {
      TT_ASSIGN(column.handle, file_->append(moved));
    }
  }
  if (meta.words.made()) {
    TT_ASSIGN(meta.words.words, move(meta.words.words));
    TT_ASSIGN(meta.words.sets, move(meta.words.sets));
    if (meta.words.ids.size > 0) {
      TT_ASSIGN(auto ids, WordIds::open(*part, meta.words.ids));
      TT_ASSIGN(const std::string directory_of_ids, ids.moved(move));
      TT_ASSIGN(meta.words.ids, file_->append(directory_of_ids));
    }
  }
  TT_ASSIGN(meta.directory, file_->append(directory->encode()));
  index_.add_copied(part, number, here);
  TT_TRY(signatures_.add_copied(part, number, here, *file_));
  add(std::move(meta));
  ++copied_blocks_;
  return {};
}

Result<> PartWriter::finish() {
  TT_ASSIGN(footer_.index, index_.write(*file_));
  TT_ASSIGN(footer_.signatures, signatures_.finish(*file_));
  return file_->publish(footer_.encode());
}

}  // namespace telltale::eventdb
