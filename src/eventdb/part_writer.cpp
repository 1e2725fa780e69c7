#include "eventdb/part_writer.hpp"

#include <algorithm>
#include <span>

#include "eventdb/index_page.hpp"

namespace telltale::eventdb {

Result<std::unique_ptr<PartWriter>> PartWriter::create(io::FileSystem& fs, std::string path, Table table,
                                                       std::int64_t day) {
  TT_ASSIGN(auto file, io::BlockFileWriter::create(fs, std::move(path), kPartFormat));
  std::unique_ptr<PartWriter> writer(new PartWriter(std::move(file)));
  writer->footer_.table = table;
  writer->footer_.day = day;
  return writer;
}

Result<> PartWriter::add(WrittenBlock block) {
  const std::uint64_t number = footer_.blocks.size();
  if (number > kIndexBlockMask)
    return fail(ErrorKind::too_large, "part: more blocks than its index can name");
  for (const std::uint64_t key : block.index_keys) index_.push_back(key | number);
  footer_.rows += block.meta.rows;
  footer_.blocks.push_back(std::move(block.meta));
  return {};
}

Result<> PartWriter::write_index() {
  for (std::uint64_t& entry : index_) entry = index_entry_of(entry);
  std::sort(index_.begin(), index_.end());
  index_.erase(std::unique(index_.begin(), index_.end()), index_.end());
  for (std::size_t i = 0; i < index_.size(); i += kIndexPageEntries) {
    const auto page =
        std::span<const std::uint64_t>(index_).subspan(i, std::min(kIndexPageEntries, index_.size() - i));
    IndexPage entry;
    entry.first = page[0];
    TT_ASSIGN(entry.handle, file_->append(encode_index_page(page)));
    footer_.index.push_back(entry);
  }
  return {};
}

Result<> PartWriter::finish() {
  TT_TRY(write_index());
  return file_->publish(footer_.encode());
}

}  // namespace telltale::eventdb
