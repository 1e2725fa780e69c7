// Rows become a block of columns.
#pragma once

#include <span>

#include "eventdb/block_writer.hpp"
#include "eventdb/head.hpp"

namespace telltale::eventdb {

/// The rows stand in order (time, ordinal), at most limits::kEventBlockRows, and live until it returns.
/// `words`: what the block gets a word index of; null: nothing.
Result<WrittenBlock> build_block(std::span<const HeadRow> rows, BlockSink& sink,
                                 Effort effort = Effort::quick, const storage::WordIndexing* words = nullptr);

/// Attributes that have no column of their own: one row's, as bytes.
void put_residual_attr(ByteWriter& out, const Attr& attr);
/// False when the bytes are not attributes.
bool get_residual_attrs(std::string_view bytes, std::vector<Attr>& out);

/// Text and numbers of a row that decide where a block is cut.
std::size_t text_bytes(const EventRow& row);

}  // namespace telltale::eventdb
