// Numbers are found by walking runs of digits. A run that continues as a longer word, a decimal number or a
// dashed id is not ours: that keeps UUIDs, trace ids, timestamps and floats whole.
#include "redact/shapes.hpp"

#include <algorithm>

namespace telltale::redact {
namespace {

bool is_num(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_num(c) || is_upper(c) || (c >= 'a' && c <= 'z'); }

/// Nothing on either side that would make [begin, end) part of a longer number or id.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0) {
    const char before = text[begin - 1];
    if (is_alnum(before)) return false;
    if ((before == '.' || before == '-') && begin > 1 && is_num(text[begin - 2])) return false;
  }
  if (end < text.size()) {
    const char after = text[end];
    if (is_alnum(after)) return false;
    if ((after == '.' || after == '-') && end + 1 < text.size() && is_num(text[end + 1])) return false;
  }
  return true;
}

std::size_t count_digits(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && is_num(text[at + n])) ++n;
  return n;
}

/// Length of `groups` of digits joined by one separator at `at`, 0 when the text is not so grouped.
std::size_t grouped_length(std::string_view text, std::size_t at, std::initializer_list<std::size_t> groups,
                           std::string& digits) {
  digits.clear();
  std::size_t pos = at;
  std::string_view separator;
  for (const std::size_t size : groups) {
    if (pos > at) {
      const std::string_view here = group_separator(text, pos);
      if (here.empty() || (!separator.empty() && here != separator)) return 0;
      separator = here;
      pos += here.size();
    }
    if (count_digits(text, pos) != size) return 0;
    digits.append(text.substr(pos, size));
    pos += size;
  }
  return pos - at;
}

struct CountryLength {
  char country[3];
  unsigned char length;
};
// Lengths from the public SWIFT IBAN registry.
constexpr CountryLength kIbanLengths[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
    {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20},
    {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"MC", 27}, {"MD", 24},
    {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15}, {"PK", 24},
    {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24}, {"SC", 31},
    {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22},
    {"VG", 24}, {"XK", 20}};

std::size_t iban_length(std::string_view country) {
  for (const CountryLength& c : kIbanLengths)
    if (country == std::string_view(c.country, 2)) return c.length;
  return 0;
}

int leading(std::string_view digits, std::size_t n) {
  int out = 0;
  for (std::size_t i = 0; i < n; ++i) out = out * 10 + (digits[i] - '0');
  return out;
}

/// Prefixes and lengths as the schemes publish them.
bool has_issuer(std::string_view digits) {
  const std::size_t n = digits.size();
  const int two = leading(digits, 2);
  const int three = leading(digits, 3);
  const int four = leading(digits, 4);
  if (n == 15) return two == 34 || two == 37;  // American Express
  if (n == 14) return (three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39;  // Diners
  const bool union_pay = two == 62;
  if (n != 16) return union_pay && n >= 16;
  return digits[0] == '4' || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) || two == 65 ||
         four == 6011 || (three >= 644 && three <= 649) || (four >= 3528 && four <= 3589) || union_pay ||
         four == 5018 || four == 5020 || four == 5038 || four == 6304 || four == 6759 ||
         (four >= 6761 && four <= 6763);
}

}  // namespace

std::string_view group_separator(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  if (text[at] == ' ' || text[at] == '-' || text[at] == '+') return text.substr(at, 1);
  return text.substr(at, 3) == "%20" ? text.substr(at, 3) : std::string_view();
}

bool is_card_number(std::string_view digits) {
  if (digits.size() < 14 || digits.size() > 19) return false;
  if (!std::all_of(digits.begin(), digits.end(), is_num)) return false;
  if (!has_issuer(digits)) return false;
  int sum = 0;
  bool twice = false;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it, twice = !twice) {
    int d = *it - '0';
    if (twice) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return sum % 10 == 0;
}

bool is_iban(std::string_view compact) {
  if (compact.size() < 15 || iban_length(compact.substr(0, 2)) != compact.size()) return false;
  if (!is_num(compact[2]) || !is_num(compact[3])) return false;
  int remainder = 0;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[(i + 4) % compact.size()];
    if (!is_num(c) && !is_upper(c)) return false;
    remainder = is_num(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (c - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

bool is_ssn(std::string_view text) {
  if (text.size() != 11 || text[3] != '-' || text[6] != '-') return false;
  for (const std::size_t i : {0, 1, 2, 4, 5, 7, 8, 9, 10})
    if (!is_num(text[i])) return false;
  const std::string_view area = text.substr(0, 3);
  return area != "000" && area != "666" && area[0] != '9' && text.substr(4, 2) != "00" &&
         text.substr(7) != "0000";
}

void find_cards(std::string_view text, std::vector<Match>& out) {
  std::string digits;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t run = count_digits(text, i);
    if (run == 0) {
      ++i;
      continue;
    }
    std::size_t length = 0;
    if (run >= 14 && run <= 19) {
      digits = text.substr(i, run);
      length = run;
    } else if (run == 4) {
      length = grouped_length(text, i, {4, 4, 4, 4}, digits);
      if (length == 0) length = grouped_length(text, i, {4, 6, 5}, digits);
      if (length == 0) length = grouped_length(text, i, {4, 6, 4}, digits);
    }
    if (length != 0 && is_card_number(digits) && stands_alone(text, i, i + length)) {
      out.push_back({i, i + length, kCardRule});
      i += length;
    } else {
      i += run;
    }
  }
}

void find_ssns(std::string_view text, std::vector<Match>& out) {
  for (std::size_t i = 0; i + 11 <= text.size();) {
    const std::size_t run = count_digits(text, i);
    if (run == 3 && is_ssn(text.substr(i, 11)) && stands_alone(text, i, i + 11)) {
      out.push_back({i, i + 11, kSsnRule});
      i += 11;
    } else {
      i += std::max<std::size_t>(run, 1);
    }
  }
}

void find_ibans(std::string_view text, std::vector<Match>& out) {
  std::string compact;
  for (std::size_t i = 0; i + 15 <= text.size(); ++i) {
    if (!is_upper(text[i]) || !is_upper(text[i + 1]) || !is_num(text[i + 2]) || !is_num(text[i + 3]))
      continue;
    if (i > 0 && is_alnum(text[i - 1])) continue;
    const std::size_t length = iban_length(text.substr(i, 2));
    compact.clear();
    std::size_t pos = i;
    while (pos < text.size() && compact.size() < length && (is_alnum(text[pos]) || text[pos] == ' ')) {
      if (text[pos] != ' ') compact += text[pos];
      ++pos;
    }
    if (length == 0 || !is_iban(compact) || (pos < text.size() && is_alnum(text[pos]))) continue;
    out.push_back({i, pos, kIbanRule});
    i = pos - 1;
  }
}

}  // namespace telltale::redact
