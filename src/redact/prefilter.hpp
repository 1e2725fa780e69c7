// One pass over a text says which families of rules may strike in it. Hyperscan does it where the processor
// has SSSE3; elsewhere every family is said to be possible, which is slower and gives the same result. For
// this folder's .cpp files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::redact {

enum Family : std::uint32_t {
  kPairs = 1u << 0,
  kAuthorization = 1u << 1,
  kUrls = 1u << 2,
  kPem = 1u << 3,
  kTokens = 1u << 4,
  kCards = 1u << 5,
  kIbans = 1u << 6,
  kSsns = 1u << 7,
  kEmails = 1u << 8,
  kAllFamilies = (1u << 9) - 1,
};

/// Immutable; thread-safe.
class Prefilter {
 public:
  /// `extra_keys` are literals of the family kPairs.
  explicit Prefilter(const std::vector<std::string>& extra_keys);
  ~Prefilter();
  Prefilter(const Prefilter&) = delete;
  Prefilter& operator=(const Prefilter&) = delete;

  std::uint32_t families(std::string_view text) const;
  bool accelerated() const;

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace telltale::redact
