// One pass over a text says which detectors may strike in it. Hyperscan does it where the processor has
// SSSE3; elsewhere every detector is said to be possible, which is slower and gives the same result. For this
// folder's .cpp files.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::redact {

/// The detectors that need code; vendors' shapes and an operator's patterns follow.
enum Detector : std::size_t {
  kPairs,
  kBearer,
  kBasic,
  kUrls,
  kPem,
  kCards,
  kIbans,
  kSsns,
  kEmails,
  kIps,
  kFirstShape,
};
inline constexpr std::size_t kMaxDetectors = 512;
using DetectorSet = std::bitset<kMaxDetectors>;

struct ScanPattern {
  std::string expression;
  std::size_t detector = 0;
  bool any_case = false;
};

/// Immutable; thread-safe.
class Prefilter {
 public:
  /// With `numbers`, cards, IBANs and social security numbers, too (number_scan.hpp). A detector with a
  /// pattern that Hyperscan cannot compile counts as always possible.
  explicit Prefilter(const std::vector<ScanPattern>& patterns, bool numbers = false);
  ~Prefilter();
  Prefilter(const Prefilter&) = delete;
  Prefilter& operator=(const Prefilter&) = delete;

  /// Adds to `found` what may strike in `text`.
  void scan(std::string_view text, DetectorSet& found) const;
  /// Several texts at once: `text` holds them one behind the other, text i ends before ends[i], where a zero
  /// byte stands. Adds to found[i]; returns whether anything was found.
  bool scan_all(std::string_view text, const std::vector<std::uint32_t>& ends,
                std::vector<DetectorSet>& found) const;
  bool accelerated() const { return engine_ != nullptr; }

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;  // null: nothing to scan for, or no support
  DetectorSet always_;
  const bool numbers_;
};

/// For the detectors in code and the vendors' shapes; made once, as it never differs.
const Prefilter& builtin_prefilter();
std::vector<ScanPattern> builtin_patterns();
/// For e-mail and IP addresses.
std::vector<ScanPattern> optional_patterns();
/// For more keys.
std::vector<ScanPattern> key_patterns(const std::vector<std::string>& sensitive_lower);

}  // namespace telltale::redact
