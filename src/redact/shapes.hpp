// Values that give themselves away by their shape. Each finder looks only for its own kind and says where it
// found one; for this folder's .cpp files and tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redact/rules.hpp"

namespace telltale::redact {

struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
  RuleId rule = 0;
};

/// Digits with an issuer's prefix and length that pass Luhn's check (ISO/IEC 7812-1); separators already
/// removed.
bool is_card_number(std::string_view digits);
/// What may stand between the groups of a card's digits at `at`: a blank (also as addresses write it: `+`,
/// `%20`) or a dash. Empty: nothing of the kind.
std::string_view group_separator(std::string_view text, std::size_t at);
/// ISO 13616: the country's length and the remainder 1 modulo 97; spaces already removed.
bool is_iban(std::string_view compact);
/// Area, group and serial numbers that the US administration gives out.
bool is_ssn(std::string_view text);

void find_cards(std::string_view text, std::vector<Match>& out);
void find_ssns(std::string_view text, std::vector<Match>& out);
void find_ibans(std::string_view text, std::vector<Match>& out);

}  // namespace telltale::redact
