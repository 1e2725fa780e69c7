// A set of row numbers of one block, one bit a row: what filters answer and combine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace telltale::eventdb {

class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::size_t rows, bool all = false)
      : rows_(rows), words_((rows + 63) / 64, all ? ~std::uint64_t{0} : 0) {
    trim();
  }
  std::size_t size() const { return rows_; }
  bool test(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  void reset(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  std::vector<std::uint64_t>& words() { return words_; }
  const std::vector<std::uint64_t>& words() const { return words_; }

  Bitmap& operator&=(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  Bitmap& operator|=(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  Bitmap& subtract(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  void flip() {
    for (std::uint64_t& w : words_) w = ~w;
    trim();
  }
  bool none() const {
    for (const std::uint64_t w : words_)
      if (w != 0) return false;
    return true;
  }
  std::size_t count() const {
    std::size_t n = 0;
    for (const std::uint64_t w : words_) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }
  bool all() const { return count() == rows_; }

  /// Calls f(row) for each row of the set, ascending.
  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t w = words_[i]; w != 0; w &= w - 1)
        f(i * 64 + static_cast<std::size_t>(std::countr_zero(w)));
    }
  }

 private:
  void trim() {
    if (rows_ % 64 != 0) words_.back() &= (std::uint64_t{1} << (rows_ % 64)) - 1;
  }
  std::size_t rows_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace telltale::eventdb
