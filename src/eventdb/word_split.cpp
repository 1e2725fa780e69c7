#include "eventdb/word_split.hpp"

#include <algorithm>
#include <array>

namespace telltale::eventdb {

namespace {

constexpr std::array<unsigned char, 256> make_word_bytes() {
  std::array<unsigned char, 256> out{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (upper || lower || digit || c == '_' || c >= 0x80)
      out[c] = static_cast<unsigned char>(upper ? c + 32 : c);
  }
  return out;
}
constexpr std::array<unsigned char, 256> kWordBytes = make_word_bytes();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool all_hex(std::string_view text) { return std::all_of(text.begin(), text.end(), is_hex); }

/// Whether a longer word around it could be an id.
bool may_be_in_id(std::string_view folded) {
  const std::size_t x = folded.find('x');
  if (x == std::string_view::npos) return all_hex(folded);
  return x <= 1 && (x == 0 || folded[0] == '0') && all_hex(folded.substr(x + 1));
}

}  // namespace

unsigned char word_byte(char c) { return kWordBytes[static_cast<unsigned char>(c)]; }

bool is_id_word(std::string_view folded) {
  if (folded.size() < kLeastIdWord) return false;
  if (folded[0] == '0' && folded[1] == 'x') return all_hex(folded.substr(2));
  return all_hex(folded) && std::any_of(folded.begin(), folded.end(), is_digit);
}

std::size_t WordSplitter::take_run(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && word_byte(text[end]) != 0) ++end;
  run_.resize(end - at);
  for (std::size_t i = 0; i < run_.size(); ++i) run_[i] = static_cast<char>(word_byte(text[at + i]));
  return end;
}

std::vector<NeedleRun> runs_of_needle(std::string_view piece, bool& whole) {
  std::vector<NeedleRun> out;
  for (std::size_t at = 0; at < piece.size();) {
    if (word_byte(piece[at]) == 0) {
      ++at;
      continue;
    }
    NeedleRun run;
    run.begins = at > 0;
    while (at < piece.size() && word_byte(piece[at]) != 0)
      run.bytes.push_back(static_cast<char>(word_byte(piece[at++])));
    run.ends = at < piece.size();
    run.may_be_in_id = may_be_in_id(run.bytes);
    run.longer_than_step = run.bytes.size() > kWordPieceStep;
    out.push_back(std::move(run));
  }
  whole = out.size() == 1 && out.front().bytes.size() == piece.size();
  return out;
}

}  // namespace telltale::eventdb
