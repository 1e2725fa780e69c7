// A log line as words and what stands between them. Words are runs of letters, digits and the signs that hold
// names, numbers and times together; everything else separates. Whether a word is variable is first judged by
// its looks: numbers, times, ids and addresses are; a name is not until others stand in its place
// (pattern_miner.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::logs {

/// `gaps[0] words[0] gaps[1] words[1] … gaps[n]`: one gap more than words. Views into the line. A variable
/// word has an empty view.
struct LineTokens {
  std::vector<std::string_view> gaps;
  std::vector<std::string_view> words;
  bool cut = false;  // the line goes on behind the last gap
};

/// True for numbers, times, ids, addresses and the like.
bool looks_variable(std::string_view word);

/// Replaces `out`. Looks at limits::kPatternLineBytes and kPatternWords at most. Variables joined by nothing
/// but punctuation are one variable (`10.0.0.1:80`, `[1, 2, 3]`, `2026-01-31 12:00:00`).
void tokenise(std::string_view line, LineTokens& out);

}  // namespace telltale::logs
