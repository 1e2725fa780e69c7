// The one file that says what counts: the sequence that is in the parts, and which parts those are. Replaced
// as a whole; everything else in the folder is an orphan of a crash.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "model/event_row.hpp"

namespace telltale::eventdb {

inline constexpr std::string_view kManifestName = "MANIFEST";

struct Manifest {
  Sequence applied;
  std::uint64_t next_part = 1;
  std::array<std::uint64_t, std::size(kTables)> next_ordinal{};  // by table
  std::vector<std::string> parts;                                // file names

  std::string encode() const;
  /// corruption for a bad checksum or an unknown version.
  static Result<Manifest> decode(std::string_view bytes);
};

}  // namespace telltale::eventdb
