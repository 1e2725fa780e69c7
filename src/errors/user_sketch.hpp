// How many users an issue has met once they are too many to be listed: a HyperLogLog (Flajolet and others,
// 2007) of 2^17 registers, whose standard error is 0.29 %, read with Ertl's estimator ("New cardinality
// estimation algorithms for HyperLogLog sketches", 2017), which needs no special case for few or many. It
// only ever grows, adding a user twice changes nothing, and sketches of several parts are merged register by
// register; so replay and merging count nobody twice. It is kept in pages, and only pages that changed are
// written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"

namespace telltale::errors {

class UserSketch {
 public:
  static constexpr unsigned kBits = 17;
  static constexpr std::size_t kRegisters = std::size_t{1} << kBits;
  static constexpr std::size_t kPageBytes = 1024;
  static constexpr std::size_t kPages = kRegisters / kPageBytes;

  UserSketch();
  /// `user` is a hash of the user (hash128). True when the sketch has changed.
  bool add(const Id128& user);
  void merge(const UserSketch& other);
  std::uint64_t estimate() const;

  std::string_view page(std::size_t page) const;
  /// corruption when the page is none of a sketch.
  Result<> set_page(int page, std::string_view bytes);
  /// Pages that have changed since they were last taken, rising.
  std::vector<int> take_changed();
  /// None has.
  bool clean() const;

 private:
  bool raise(std::size_t at, std::uint8_t rank);

  std::vector<std::uint8_t> registers_;
  std::array<std::uint32_t, 64> ranks_{};  // how many registers hold each rank
  std::array<bool, kPages> changed_{};
};

}  // namespace telltale::errors
