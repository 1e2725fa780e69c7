#include "eventdb/word_list.hpp"

#include <algorithm>

#include "base/find.hpp"
#include "base/id_words.hpp"

namespace telltale::eventdb {

namespace {

const std::string& longest_of(const std::vector<std::string>& pieces) {
  return *std::max_element(pieces.begin(), pieces.end(),
                           [](const auto& a, const auto& b) { return a.size() < b.size(); });
}

/// Numbers of the texts in a list that have the piece and for which is_it(text).
template <class F>
std::vector<std::uint32_t> texts_with(std::string_view all, const std::string& piece, F is_it) {
  std::vector<std::uint32_t> out;
  std::size_t begin = 1;  // of the text at hand
  std::uint32_t number = 0;
  while (begin < all.size()) {
    if (!piece.empty()) {
      // On to the next one that may be.
      const char* found = find_bytes(all.substr(begin), piece);
      if (found == nullptr) break;
      const std::size_t start = all.rfind(kWordEnd, static_cast<std::size_t>(found - all.data())) + 1;
      number += static_cast<std::uint32_t>(std::count(all.data() + begin, all.data() + start, kWordEnd));
      begin = start;
    }
    const std::size_t end = all.find(kWordEnd, begin);
    if (is_it(all.substr(begin, end - begin))) out.push_back(number);
    begin = end + 1;
    ++number;
  }
  return out;
}

}  // namespace

bool is_whole(std::string_view text, const std::vector<std::string>& pieces) {
  if (pieces.size() == 1) return text == pieces.front();
  const std::string& last = pieces.back();
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  if (!text.ends_with(last)) return false;
  text.remove_suffix(last.size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t at = text.find(pieces[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + pieces[i].size());
  }
  return true;
}

void put_word_list(ByteWriter& out, const std::vector<std::string_view>& texts) {
  out.varint(texts.size());
  std::size_t bytes = 1;
  for (const std::string_view text : texts) bytes += text.size() + 1;
  out.varint(bytes);
  out.u8(kWordEnd);
  for (const std::string_view text : texts) {
    out.bytes(text);
    out.u8(kWordEnd);
  }
}

bool get_word_list(ByteReader& in, std::size_t most, std::string_view& list, std::size_t& count) {
  const std::uint64_t texts = in.varint();
  const std::string_view bytes = in.string();
  if (!in.ok() || texts > most || bytes.empty() || bytes.front() != kWordEnd || bytes.back() != kWordEnd)
    return false;
  const auto ends = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), kWordEnd));
  list = bytes;
  count = texts;
  return ends == texts + 1;
}

std::vector<std::uint32_t> words_with(std::string_view list, const NeedleRun& run) {
  std::string needle;
  if (run.begins && !run.longer_than_step) needle += kWordEnd;
  const std::size_t before = needle.size();
  needle += run.bytes;
  if (run.ends && !run.longer_than_step) needle += kWordEnd;
  std::vector<std::uint32_t> out;
  auto number = std::uint32_t{0};  // of the word that `counted` is in
  const char* const end = list.data() + list.size();
  const char* at = list.data();
  const char* counted = list.data() + 1;
  while (true) {
    const char* found = find_bytes({at, static_cast<std::size_t>(end - at)}, needle);
    if (found == nullptr) return out;
    const char* const word = found + before;
    number += static_cast<std::uint32_t>(std::count(counted, word, kWordEnd));
    out.push_back(number);
    // On at the end of this word, which the next one may begin with.
    at = std::find(word, end, kWordEnd);
    counted = at;
    if (at == end) return out;
  }
}

std::vector<std::uint32_t> names_like(std::string_view list, const std::vector<std::string>& pieces) {
  return texts_with(list, longest_of(pieces),
                    [&pieces](std::string_view text) { return is_whole(text, pieces); });
}

std::vector<std::uint32_t> names_with(std::string_view list, const std::vector<std::string>& pieces) {
  return texts_with(folded_text(list), longest_of(pieces),
                    [&pieces](std::string_view text) { return says_in_order(text, pieces); });
}

}  // namespace telltale::eventdb
