// With escaping, a name is a list of words, and what is appended is a word, so that none stands twice;
// without, it is a text with endings.
#include "wire/otlp/metric_names.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace telltale::wire::otlp {
namespace {

using Words = std::vector<std::string>;
using Pair = std::pair<std::string_view, std::string_view>;

// UCUM's units, as far as there are Prometheus names for them.
constexpr Pair kUnits[] = {{"d", "days"},
                           {"h", "hours"},
                           {"min", "minutes"},
                           {"s", "seconds"},
                           {"ms", "milliseconds"},
                           {"us", "microseconds"},
                           {"ns", "nanoseconds"},
                           {"By", "bytes"},
                           {"KiBy", "kibibytes"},
                           {"MiBy", "mebibytes"},
                           {"GiBy", "gibibytes"},
                           {"TiBy", "tibibytes"},
                           {"KBy", "kilobytes"},
                           {"MBy", "megabytes"},
                           {"GBy", "gigabytes"},
                           {"TBy", "terabytes"},
                           {"m", "meters"},
                           {"V", "volts"},
                           {"A", "amperes"},
                           {"J", "joules"},
                           {"W", "watts"},
                           {"g", "grams"},
                           {"Cel", "celsius"},
                           {"Hz", "hertz"},
                           {"1", ""},
                           {"%", "percent"}};
constexpr Pair kPerUnits[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                              {"w", "week"},   {"mo", "month"}, {"y", "year"}};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class Keep>
Words split_words(std::string_view text, Keep keep) {
  Words words;
  bool inside = false;
  for (const char c : text) {
    if (!keep(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  return words;
}

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += '_';
    out += word;
  }
  return out;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

/// Annotations in braces are of no unit.
template <std::size_t N>
std::string unit_word(const Pair (&table)[N], std::string_view unit) {
  unit = trimmed(unit);
  if (unit.empty() || unit.find_first_of("{}") != std::string_view::npos) return {};
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Pair& p) { return p.first == unit; });
  return std::string(found == std::end(table) ? unit : found->second);
}

struct UnitSuffixes {
  std::string main;
  std::string per;  // `per_second`
};

UnitSuffixes suffixes_of(std::string_view unit) {
  const std::size_t slash = unit.find('/');
  UnitSuffixes out;
  out.main = unit_word(kUnits, unit.substr(0, slash));
  if (slash == std::string_view::npos) return out;
  if (const std::string per = unit_word(kPerUnits, unit.substr(slash + 1)); !per.empty())
    out.per = "per_" + per;
  return out;
}

bool is_counter(const Metric& m) { return m.kind == PointKind::sum && m.monotonic; }
bool is_ratio(const Metric& m) { return m.unit == "1" && m.kind == PointKind::gauge; }

void move_to_end(Words& words, const char* word) {
  std::erase(words, word);
  words.emplace_back(word);
}

std::string escaped_name(const Metric& metric, bool with_suffixes) {
  if (!with_suffixes) {
    std::string name = joined(
        split_words(metric.name, [](char c) { return is_letter_or_digit(c) || c == ':' || c == '_'; }));
    return !name.empty() && is_digit(name[0]) ? "_" + name : name;
  }
  const auto keep = [](char c) { return is_letter_or_digit(c) || c == ':'; };
  Words words = split_words(metric.name, keep);
  UnitSuffixes unit = suffixes_of(metric.unit);
  for (std::string* suffix : {&unit.main, &unit.per}) {
    *suffix = joined(split_words(*suffix, is_letter_or_digit));
    if (suffix->empty() || *suffix == "per") continue;
    if (std::find(words.begin(), words.end(), *suffix) == words.end()) words.push_back(*suffix);
  }
  if (is_counter(metric)) move_to_end(words, "total");
  if (is_ratio(metric)) move_to_end(words, "ratio");
  std::string name = joined(words);
  return !name.empty() && is_digit(name[0]) ? "_" + name : name;
}

/// Takes an ending and the character before it off, so that it can be put behind another one.
void drop_ending(std::string& name, std::string_view ending) {
  if (name.ends_with(ending) && name.size() > ending.size() + 1) name.resize(name.size() - ending.size() - 1);
}

std::string plain_name(const Metric& metric) {
  std::string name = metric.name;
  const UnitSuffixes unit = suffixes_of(metric.unit);
  if (is_ratio(metric)) drop_ending(name, "ratio");
  if (is_counter(metric)) drop_ending(name, "total");
  if (!unit.per.empty()) drop_ending(name, unit.per);
  if (!unit.main.empty() && !name.ends_with(unit.main)) name += "_" + unit.main;
  if (!unit.per.empty()) name += "_" + unit.per;
  if (is_counter(metric)) name += "_total";
  if (is_ratio(metric)) name += "_ratio";
  return name;
}

}  // namespace

std::optional<TranslationStrategy> translation_strategy_from(std::string_view name) {
  if (name == "UnderscoreEscapingWithSuffixes") return TranslationStrategy{true, true};
  if (name == "NoUTF8EscapingWithSuffixes") return TranslationStrategy{false, true};
  if (name == "UnderscoreEscapingWithoutSuffixes") return TranslationStrategy{true, false};
  if (name == "NoTranslation") return TranslationStrategy{false, false};
  return std::nullopt;
}

std::string series_name(const Metric& metric, TranslationStrategy strategy) {
  if (strategy.escape) return escaped_name(metric, strategy.suffixes);
  return strategy.suffixes ? plain_name(metric) : metric.name;
}

std::string attribute_label(std::string_view attribute, TranslationStrategy strategy) {
  std::string name(attribute);
  if (!strategy.escape || name.empty()) return name;
  for (char& c : name) {
    if (!is_letter_or_digit(c)) c = '_';
  }
  if (is_digit(name[0])) return "key_" + name;
  if (name[0] == '_' && !name.starts_with("__")) return "key" + name;
  return name;
}

}  // namespace telltale::wire::otlp
