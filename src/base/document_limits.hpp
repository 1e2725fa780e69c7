// Bounds of JSON documents that become log lines: JSON lines and Elasticsearch's API.
#pragma once

#include "base/limits.hpp"

namespace telltale::limits {

// Of one: more than a row may keep of it, which is kMaxAttributes of kMaxAttributeValueBytes.
inline constexpr std::size_t kMaxDocumentBytes = 16 * MiB;

}  // namespace telltale::limits
