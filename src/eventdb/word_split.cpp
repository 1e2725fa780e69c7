#include "eventdb/word_split.hpp"

#include <algorithm>

namespace telltale::eventdb {

namespace {

bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Whether a longer word around it could be an id.
bool may_be_in_id(std::string_view folded) {
  const std::size_t x = folded.find('x');
  if (x == std::string_view::npos) return all_hex(folded);
  return x <= 1 && (x == 0 || folded[0] == '0') && all_hex(folded.substr(x + 1));
}

}  // namespace

std::size_t WordSplitter::take_run(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && word_byte(text[end]) != 0) ++end;
  run_.resize(end - at);
  for (std::size_t i = 0; i < run_.size(); ++i) run_[i] = static_cast<char>(word_byte(text[at + i]));
  return end;
}

std::vector<NeedleRun> runs_of_needle(std::string_view piece, bool first, bool last, bool& whole) {
  std::vector<NeedleRun> out;
  for (std::size_t at = 0; at < piece.size();) {
    if (word_byte(piece[at]) == 0) {
      ++at;
      continue;
    }
    NeedleRun run;
    run.begins = at > 0;
    const bool id_begins = first || run.begins;
    while (at < piece.size() && word_byte(piece[at]) != 0)
      run.bytes.push_back(static_cast<char>(word_byte(piece[at++])));
    run.ends = at < piece.size();
    run.is_id = is_id_word(run.bytes);
    run.may_be_in_id = !(id_begins && (last || run.ends)) && may_be_in_id(run.bytes);
    run.longer_than_step = run.bytes.size() > kWordPieceStep;
    out.push_back(std::move(run));
  }
  whole = out.size() == 1 && out.front().bytes.size() == piece.size();
  return out;
}

}  // namespace telltale::eventdb
