// The one file that says what the store consists of. It is replaced whole, so that a checkpoint's parts,
// catalog and applied sequence become visible together or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/file_system.hpp"
#include "tsdb/part.hpp"

namespace telltale::tsdb {

struct Manifest {
  Sequence applied;
  std::uint64_t next_series = 1;
  std::uint64_t next_file = 1;
  std::uint64_t next_order = 1;
  std::vector<std::uint64_t> catalogs;  // files catalog-<number>.ttc, oldest first
  std::vector<PartMeta> parts;
};

inline constexpr std::string_view kManifestFile = "MANIFEST";
inline std::string catalog_file(std::uint64_t number) { return "catalog-" + std::to_string(number) + ".ttc"; }

/// nullopt when there is none; corruption when it is damaged or of an unknown version.
Result<std::optional<Manifest>> load_manifest(io::FileSystem& fs, const std::string& dir);
std::string encode_manifest(const Manifest& manifest);
Result<> publish_manifest(io::FileSystem& fs, const std::string& dir, const Manifest& manifest);

}  // namespace telltale::tsdb
