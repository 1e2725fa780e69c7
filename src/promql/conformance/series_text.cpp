#include "promql/conformance/series_text.hpp"

#include <cmath>

#include "model/histogram_math.hpp"
#include "promql/lexer.hpp"

namespace telltale::promql {
namespace {

tl::unexpected<Error> unreadable(std::string_view what) {
  return fail(ErrorKind::invalid_argument, "cannot read \"" + std::string(what) + "\"");
}

/// Words by white space, where what stands in {{ }} belongs to one word.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  int depth = 0;
  for (const char c : text) {
    if (c == '{') ++depth;
    if (c == '}') --depth;
    if (depth == 0 && (c == ' ' || c == '\t' || c == '\r')) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

Result<std::vector<double>> numbers_in(std::string_view list) {
  std::vector<double> out;
  for (const std::string& word : words_of(list)) {
    const auto n = signed_number(word);
    if (!n) return unreadable(word);
    out.push_back(*n);
  }
  return out;
}

Result<ResetHint> hint_of(std::string_view name) {
  if (name == "unknown") return ResetHint::unknown;
  if (name == "reset") return ResetHint::yes;
  if (name == "not_reset") return ResetHint::no;
  if (name == "gauge") return ResetHint::gauge;
  return unreadable(name);
}

/// What stands between {{ and }}.
class HistogramText {
 public:
  Result<SeriesItem> read(std::string_view text) {
    std::size_t at = 0;
    while (true) {
      at = text.find_first_not_of(" \t", at);
      if (at == std::string_view::npos) break;
      const std::size_t colon = text.find(':', at);
      if (colon == std::string_view::npos) return unreadable(text.substr(at));
      const std::string_view key = text.substr(at, colon - at);
      const bool list = colon + 1 < text.size() && text[colon + 1] == '[';
      std::size_t end = list ? text.find(']', colon) : text.find_first_of(" \t", colon);
      if (end == std::string_view::npos) end = text.size();
      const std::size_t begin = colon + (list ? 2 : 1);
      TT_TRY(field(key, text.substr(begin, end - begin)));
      at = end + (list ? 1 : 0);
    }
    if (!h_.positive.empty()) h_.positive_spans = {{offset_, static_cast<std::uint32_t>(h_.positive.size())}};
    if (!h_.negative.empty())
      h_.negative_spans = {{n_offset_, static_cast<std::uint32_t>(h_.negative.size())}};
    item_.value = h_.sum;
    item_.histogram = std::make_shared<const Histogram>(std::move(h_));
    return std::move(item_);
  }

 private:
  Result<> field(std::string_view key, std::string_view value) {
    if (key == "counter_reset_hint") {
      TT_ASSIGN(h_.reset_hint, hint_of(value));
      item_.hint_written = true;
      return {};
    }
    for (const auto& [name, to] : {std::pair{"buckets", &h_.positive},
                                   {"n_buckets", &h_.negative},
                                   {"custom_values", &h_.custom_values}}) {
      if (key != name) continue;
      TT_ASSIGN(*to, numbers_in(value));
      return {};
    }
    const auto n = signed_number(std::string(value));
    if (!n) return unreadable(value);
    if (key == "schema" || key == "offset" || key == "n_offset") {
      (key == "schema" ? h_.schema : key == "offset" ? offset_ : n_offset_) = static_cast<std::int32_t>(*n);
      return {};
    }
    for (const auto& [name, to] : {std::pair{"sum", &h_.sum},
                                   {"count", &h_.count},
                                   {"z_bucket", &h_.zero_count},
                                   {"z_bucket_w", &h_.zero_threshold}}) {
      if (key != name) continue;
      *to = *n;
      return {};
    }
    return unreadable(key);
  }

  Histogram h_;
  SeriesItem item_;
  std::int32_t offset_ = 0;
  std::int32_t n_offset_ = 0;
};

/// `xN` at the end.
std::optional<double> take_times(std::string& word) {
  const auto x = word.rfind('x');
  if (x == std::string::npos) return std::nullopt;
  const auto times = signed_number(word.substr(x + 1));
  if (times) word.resize(x);
  return times;
}

/// The sign in front of what is added at each place; npos if there is none.
std::size_t delta_sign(const std::string& base) {
  std::size_t sign = base.find_first_of("+-", 1);
  while (sign != std::string::npos && (base[sign - 1] == 'e' || base[sign - 1] == 'E'))
    sign = base.find_first_of("+-", sign + 1);
  return sign;
}

using Items = std::vector<std::optional<SeriesItem>>;

Result<> read_histograms(const std::string& word, Items& out) {
  const std::size_t close = word.find("}}");
  if (close == std::string::npos) return unreadable(word);
  TT_ASSIGN(SeriesItem item, HistogramText().read(std::string_view(word).substr(2, close - 2)));
  std::string rest = word.substr(close + 2);
  out.emplace_back(item);
  if (rest.empty()) return {};
  const auto times = take_times(rest);
  if (!times) return unreadable(word);
  std::optional<SeriesItem> step;
  bool adds = true;
  if (!rest.empty()) {
    adds = rest[0] == '+';
    if ((rest[0] != '+' && rest[0] != '-') || rest.substr(1, 2) != "{{" || !rest.ends_with("}}"))
      return unreadable(word);
    TT_ASSIGN(step, HistogramText().read(std::string_view(rest).substr(3, rest.size() - 5)));
  }
  for (int i = 0; i < static_cast<int>(*times); ++i) {
    if (step) {
      Histogram next = *item.histogram;
      const HistogramMeeting met = adds ? add(next, *step->histogram) : subtract(next, *step->histogram);
      if (!met.compatible) return unreadable(word);
      item.value = next.sum;
      item.histogram = std::make_shared<const Histogram>(std::move(next));
    }
    out.emplace_back(item);
  }
  return {};
}

Result<> read_floats(const std::string& word, Items& out) {
  std::string base = word;
  const auto times = take_times(base);
  double delta = 0;
  if (times) {
    if (const std::size_t sign = delta_sign(base); sign != std::string::npos) {
      const auto d = signed_number(base.substr(sign));
      if (!d) return unreadable(word);
      delta = *d;
      base.resize(sign);
    }
  }
  const auto start = signed_number(base);
  if (!start) return unreadable(word);
  const int n = times ? static_cast<int>(*times) : 0;
  for (int i = 0; i <= n; ++i)
    out.emplace_back(SeriesItem{i == 0 ? *start : *start + delta * i, nullptr, false});
  return {};
}

/// Handles `_` and `_xN`; false for anything else.
template <class T>
bool read_gap(std::string word, std::vector<std::optional<T>>& out) {
  const auto times = take_times(word);
  if (word != "_") return false;
  out.resize(out.size() + static_cast<std::size_t>(times ? *times : 1));
  return true;
}

}  // namespace

std::optional<double> signed_number(std::string text) {
  double sign = 1;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    sign = text[0] == '-' ? -1 : 1;
    text.erase(0, 1);
  }
  auto tokens = lex(text);
  if (!tokens || tokens->size() != 2 || (*tokens)[0].kind != TokenKind::number) return std::nullopt;
  return sign * (*tokens)[0].number;
}

Result<Items> read_series_items(std::string_view text) {
  Items out;
  for (const std::string& word : words_of(text)) {
    if (read_gap(word, out)) continue;
    if (word == "stale") {
      out.emplace_back(SeriesItem{stale_nan(), nullptr, false});
    } else if (word.starts_with("{{")) {
      TT_TRY(read_histograms(word, out));
    } else {
      TT_TRY(read_floats(word, out));
    }
  }
  return out;
}

Result<std::vector<std::optional<std::int64_t>>> read_start_offsets(std::string_view text) {
  std::vector<std::optional<std::int64_t>> out;
  for (const std::string& word : words_of(text)) {
    if (read_gap(word, out)) continue;
    Items seconds;
    TT_TRY(read_floats(word, seconds));
    for (const auto& s : seconds) out.emplace_back(static_cast<std::int64_t>(std::llround(s->value * 1000)));
  }
  return out;
}

}  // namespace telltale::promql
