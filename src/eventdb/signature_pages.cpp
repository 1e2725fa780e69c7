#include "eventdb/signature_pages.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

Result<Bytes> read_page(const Part& part, const SignatureGroup& group, std::size_t page) {
  TT_ASSIGN(Bytes bytes, part.read(group.pages[page]));
  if (bytes.view.size() != group.rows_a_page * group.blocks.size() * kSignatureRowBytes)
    return tl::unexpected<Error>(part.damage(Error(ErrorKind::corruption, "bad signature page")));
  return bytes;
}

/// Little-endian, as the machine is (base/bytes.hpp).
SignatureRow row_at(std::string_view page, std::size_t number) {
  SignatureRow row;
  std::memcpy(row.data(), page.data() + number * kSignatureRowBytes, kSignatureRowBytes);
  return row;
}

Result<std::vector<Signature>> read_signatures(const Part& part, const SignatureGroup& group) {
  std::vector<Signature> out(group.blocks.size());
  for (Signature& signature : out) signature.rows.reserve(group.rows);
  for (std::size_t p = 0; p < group.pages.size(); ++p) {
    TT_ASSIGN(const Bytes page, read_page(part, group, p));
    for (std::size_t i = 0; i < group.rows_a_page * out.size(); ++i)
      out[i % out.size()].rows.push_back(row_at(page.view, i));
  }
  return out;
}

}  // namespace

Result<> ask_signatures(const Part& part, const SignatureGroup& group, const std::vector<GramPlace>& grams,
                        std::vector<bool>& may_have) {
  const auto is_left = [&](std::uint32_t block) { return may_have[block]; };
  for (const GramPlace& gram : grams) {
    if (std::none_of(group.blocks.begin(), group.blocks.end(), is_left)) return {};
    const std::size_t row = gram.row & (group.rows - 1);
    TT_ASSIGN(const Bytes page, read_page(part, group, row / group.rows_a_page));
    const std::size_t first = row % group.rows_a_page * group.blocks.size();
    for (std::size_t i = 0; i < group.blocks.size(); ++i)
      if (!has_gram(row_at(page.view, first + i), gram)) may_have[group.blocks[i]] = false;
  }
  return {};
}

Result<> SignatureWriter::add(Signature signature, std::uint32_t number, io::BlockFileWriter& file) {
  if (signature.rows.empty()) return {};
  numbers_.push_back(number);
  signatures_.push_back(std::move(signature));
  if (numbers_.size() < limits::kSignatureGroupBlocks) return {};
  return write_group(file);
}

Result<> SignatureWriter::add_copied(const std::shared_ptr<const Part>& part, std::uint32_t from,
                                     std::uint32_t number, io::BlockFileWriter& file) {
  for (const SignatureGroup& group : part->signatures()) {
    const auto at = std::lower_bound(group.blocks.begin(), group.blocks.end(), from);
    if (at == group.blocks.end() || *at != from) continue;
    if (read_part_ != part || read_group_ != &group) {
      TT_ASSIGN(read_, read_signatures(*part, group));
      read_part_ = part;
      read_group_ = &group;
    }
    return add(read_[static_cast<std::size_t>(at - group.blocks.begin())], number, file);
  }
  return {};
}

Result<> SignatureWriter::write_group(io::BlockFileWriter& file) {
  SignatureGroup group;
  group.blocks = std::move(numbers_);
  const std::size_t row_bytes = group.blocks.size() * kSignatureRowBytes;
  std::size_t rows = 1;
  for (const Signature& signature : signatures_) rows = std::max(rows, signature.rows.size());
  group.rows = static_cast<std::uint32_t>(rows);
  group.rows_a_page = static_cast<std::uint32_t>(
      std::min(rows, std::bit_floor(std::max<std::size_t>(1, limits::kSignaturePageBytes / row_bytes))));
  for (std::size_t begin = 0; begin < rows; begin += group.rows_a_page) {
    std::string page;
    page.reserve(group.rows_a_page * row_bytes);
    for (std::size_t r = begin; r < begin + group.rows_a_page; ++r)
      for (const Signature& signature : signatures_) {
        const SignatureRow& row = signature.rows[r & (signature.rows.size() - 1)];
        page.append(reinterpret_cast<const char*>(row.data()), kSignatureRowBytes);
      }
    TT_ASSIGN(const io::BlockHandle handle, file.append(page));
    group.pages.push_back(handle);
  }
  groups_.push_back(std::move(group));
  numbers_ = {};
  signatures_ = {};
  return {};
}

Result<std::vector<SignatureGroup>> SignatureWriter::finish(io::BlockFileWriter& file) {
  if (!numbers_.empty()) TT_TRY(write_group(file));
  return std::move(groups_);
}

}  // namespace telltale::eventdb
