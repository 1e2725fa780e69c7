#include "eventdb/text_gatherer.hpp"

#include "base/limits.hpp"

namespace telltale::eventdb {

TextGatherer::TextGatherer(std::size_t rows)
    : rows_(rows), most_(most_entries(rows)), presence_(rows), codes_(rows) {}

void TextGatherer::add_new(std::size_t row, std::string_view value) {
  const std::size_t before = dictionary_.entries().size();
  const auto code = dictionary_.add(value);
  const std::size_t after = dictionary_.entries().size();
  any_empty_ = any_empty_ || value.empty();
  if (after > before && value.size() > kShortText) long_bytes_ += value.size();
  // One row would cost the whole dictionary: pages are cheaper.
  const bool too_large = !code || after > most_ || long_bytes_ > limits::kEventPageBytes;
  if (too_large || (present_ == kDictionaryTrial && after > kDictionaryTrial * 9 / 10)) {
    give_up(row);
    values_[row] = value;
    return;
  }
  codes_[row] = *code;
  last_ = value;
  last_code_ = *code;
}

void TextGatherer::give_up(std::size_t row) {
  values_.resize(rows_);
  const auto& entries = dictionary_.entries();
  presence_.for_each([&](std::size_t i) {
    if (i < row) values_[i] = entries[codes_[i]];
  });
  codes_ = {};
  dictionary_ = {};
}

TextValues TextGatherer::take() {
  TextValues out;
  out.rows = rows_;
  const bool absent = present_ < rows_;
  if (!codes_.empty() && absent) {
    // An empty value is not an absent one, and the absent one takes an entry.
    if (any_empty_ || dictionary_.entries().size() >= most_) give_up(rows_);
  }
  if (codes_.empty()) {
    out.values = std::move(values_);
    if (absent) out.presence = std::move(presence_);
    return out;
  }
  out.first_is_absent = absent;
  if (absent) {
    presence_.for_each([&](std::size_t i) { ++codes_[i]; });
    out.entries.emplace_back();
  }
  const auto& entries = dictionary_.entries();
  out.entries.insert(out.entries.end(), entries.begin(), entries.end());
  out.codes = std::move(codes_);
  return out;
}

}  // namespace telltale::eventdb
