// Signatures of a part's blocks as they stand in its file: in groups of up to limits::kSignatureGroupBlocks
// blocks, block-major. Row r of a group is row r of each of its blocks' signatures, one behind the other, so
// that a search reads one page of a group for each gram and has the answer for all of its blocks; and it
// stops where none is left. A block whose signature has fewer rows than its group's largest repeats them: a
// gram's row is the same modulo the smaller number.
#pragma once

#include <memory>
#include <vector>

#include "eventdb/part.hpp"
#include "io/block_file.hpp"

namespace telltale::eventdb {

/// Sets may_have to false for blocks of the group that lack one of the grams.
Result<> ask_signatures(const Part& part, const SignatureGroup& group, const std::vector<GramPlace>& grams,
                        std::vector<bool>& may_have);

/// Of a part that is being written; keeps a group's signatures in memory. Not thread-safe. Errors: those of
/// reading and of writing.
class SignatureWriter {
 public:
  /// A block without a signature is left out.
  Result<> add(Signature signature, std::uint32_t number, io::BlockFileWriter& file);
  /// Block `from` of `part` is block `number` here.
  Result<> add_copied(const std::shared_ptr<const Part>& part, std::uint32_t from, std::uint32_t number,
                      io::BlockFileWriter& file);
  Result<std::vector<SignatureGroup>> finish(io::BlockFileWriter& file);

 private:
  Result<> write_group(io::BlockFileWriter& file);

  std::vector<std::uint32_t> numbers_;  // of the group at hand
  std::vector<Signature> signatures_;
  std::vector<SignatureGroup> groups_;
  // The group of a part that was read last: blocks are copied in their order.
  std::shared_ptr<const Part> read_part_;
  const SignatureGroup* read_group_ = nullptr;
  std::vector<Signature> read_;
};

}  // namespace telltale::eventdb
