// Texts cut into the words that an index keeps: longest runs of letters, digits, underscores and bytes beyond
// ASCII, upper case as lower. Ids (base/id_words.hpp) are not kept, since there would be no end to them: a
// mark stands for all of them, so that a search whose needle may be inside of one knows which groups are in
// question, and of each there is a hash (word_ids.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/id_words.hpp"
#include "eventdb/word_limits.hpp"

namespace telltale::eventdb {

/// Words that no text has.
inline constexpr std::string_view kIdMark = "\x01";    // the text has a word that is an id
inline constexpr std::string_view kLongMark = "\x02";  // has one that is kept as overlapping pieces
inline constexpr std::string_view kCutMark = "\x03";   // has one whose end is not kept
/// The text would be kept as a whole and is not.
inline constexpr std::string_view kUnnamedMark = "\x04";

/// Cuts; not thread-safe.
class WordSplitter {
 public:
  /// Calls f(word) for each word and mark, and id(word) for each id, folded; the view holds during the call.
  template <class F, class I>
  void split(std::string_view text, F f, I id) {
    for (std::size_t at = 0; at < text.size();) {
      if (word_byte(text[at]) == 0) {
        ++at;
        continue;
      }
      at = take_run(text, at);
      if (is_id_word(run_)) {
        f(kIdMark);
        id(std::string_view(run_));
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
  bool is_id = false;             // may be an id, and that is all of it
  bool may_be_in_id = false;      // may be a part of an id, since a star leaves open how that goes on
  bool longer_than_step = false;  // may stand across pieces
};
/// Of a piece of a needle, which no star is before or behind when it is `first` or `last`: all of them stand
/// in a text that has the piece. `whole`: the piece is but one run.
std::vector<NeedleRun> runs_of_needle(std::string_view piece, bool first, bool last, bool& whole);

}  // namespace telltale::eventdb
