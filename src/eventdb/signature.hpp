// Which short pieces of words stand in a block's texts: what a search for a text asks before it reads the
// block. A piece (gram) is four neighbouring letters, digits or underscores, ASCII case ignored; one of
// digits and hexadecimal letters alone says nothing, since ids and times have them all, and is not kept. So a
// word is found by any part of it that has a telling piece, not only as a whole.
//
// The pieces stand in a split-block Bloom filter (https://parquet.apache.org/docs/file-format/bloomfilter):
// a hash chooses one row of 32 bytes and one bit in each of its eight lanes. A part stores the rows of many
// blocks side by side (signature_pages.hpp), so that one read answers for all of them.
//
// Texts are kept as they are and shown escaped where a line of JSON is written anew (skeleton.hpp): pieces
// that begin inside of an escape (`\n` before a word gives the `n` to it) are in the signature, too.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace telltale::eventdb {

/// A gram as a number, 24 bits.
using Gram = std::uint32_t;

/// 32 bytes: a bit in each lane stands for a gram.
using SignatureRow = std::array<std::uint32_t, 8>;
inline constexpr std::size_t kSignatureRowBytes = sizeof(SignatureRow);

/// Where a gram stands: in which row, out of 2^log2 of them, and with which bits.
struct GramPlace {
  std::uint32_t row = 0;  // to be taken modulo the number of rows
  SignatureRow bits{};
  static GramPlace of(Gram gram);
};

/// Whether a block may have the gram, by the row of its signature that the gram chooses.
bool has_gram(const SignatureRow& row, const GramPlace& gram);

/// Of one block. Without rows: nothing is known.
struct Signature {
  std::vector<SignatureRow> rows;  // none, or a power of two
};

/// Whether a block of so many rows and bytes of text gets one, where full ones have `full_rows`.
bool is_worth_a_signature(std::size_t rows, std::uint64_t text_bytes, std::size_t full_rows);

/// The telling grams of a text that is looked for, distinct; none: signatures cannot answer.
std::vector<GramPlace> grams_of_needle(std::string_view needle);

/// Collects a block's grams. Stays on one thread.
class GramCollector {
 public:
  GramCollector();
  ~GramCollector();
  GramCollector(const GramCollector&) = delete;
  GramCollector& operator=(const GramCollector&) = delete;

  /// A text that is searched as it is.
  void add(std::string_view text);
  /// A text that is searched as it is and as it stands in a string of JSON.
  void add_value(std::string_view text);
  Signature take();

 private:
  void add_behind_escape(std::string_view tail, std::string_view text);
  void mark(Gram gram);

  std::vector<std::uint64_t> seen_;  // a bit for each gram there can be; lent by the thread
  std::vector<Gram> grams_;
};

}  // namespace telltale::eventdb
