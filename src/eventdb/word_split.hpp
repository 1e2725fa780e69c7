// Texts cut into the words that an index keeps: longest runs of letters, digits, underscores and bytes beyond
// ASCII, upper case as lower. What identifies one thing (numbers, hexadecimal digits) is not kept, since
// there would be no end to it; a mark stands for all of it, so that a search whose needle may be inside of
// such a word knows which groups are in question.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eventdb/word_limits.hpp"

namespace telltale::eventdb {

/// Words that no text has.
inline constexpr std::string_view kIdMark = "\x01";    // the text has a word that is an id
inline constexpr std::string_view kLongMark = "\x02";  // has one that is kept as overlapping pieces
inline constexpr std::string_view kCutMark = "\x03";   // has one whose end is not kept
/// The text would be kept as a whole and is not.
inline constexpr std::string_view kUnnamedMark = "\x04";

/// 0 for a byte that is in no word, else the byte, upper case as lower.
unsigned char word_byte(char c);
/// Hexadecimal digits with a digit among them, 0x or not.
bool is_id_word(std::string_view folded);

/// Cuts; not thread-safe.
class WordSplitter {
 public:
  /// Calls f(word) for each word and mark, folded; the view holds during the call.
  template <class F>
  void split(std::string_view text, F f) {
    for (std::size_t at = 0; at < text.size();) {
      if (word_byte(text[at]) == 0) {
        ++at;
        continue;
      }
      at = take_run(text, at);
      if (is_id_word(run_)) {
        f(kIdMark);
      } else if (run_.size() <= kLongestWord) {
        f(std::string_view(run_));
      } else {
        pieces(f);
      }
    }
  }

 private:
  template <class F>
  void pieces(F& f) {
    f(kLongMark);
    if (run_.size() > kLongestWordRun) {
      f(kCutMark);
      run_.resize(kLongestWordRun);
    }
    const std::string_view run(run_);
    const std::size_t last = run.size() - kLongestWord;
    for (std::size_t begin = 0; begin < last; begin += kWordPieceStep) f(run.substr(begin, kLongestWord));
    f(run.substr(last));
  }
  std::size_t take_run(std::string_view text, std::size_t at);

  std::string run_;
};

/// A run of word bytes in a text that is looked for.
struct NeedleRun {
  std::string bytes;              // folded
  bool begins = false;            // a word of the text begins here
  bool ends = false;              // and ends here
  bool may_be_in_id = false;      // may stand inside of a word that is not kept
  bool longer_than_step = false;  // may stand across pieces
};
/// Of a piece of a needle: all of them stand in a text that has the piece. `whole`: the piece is but one run.
std::vector<NeedleRun> runs_of_needle(std::string_view piece, bool& whole);

}  // namespace telltale::eventdb
