// Bounds of the files that clients send with their events.
#pragma once

#include <cstddef>
#include <cstdint>

namespace telltale::limits {

inline constexpr std::size_t kMaxAttachmentBytes = 100 * 1024 * 1024;
inline constexpr std::size_t kMaxProfileBytes = 50 * 1024 * 1024;  // Relay's own
inline constexpr std::size_t kMaxEventAttachments = 30;            // of one event, Relay's own
inline constexpr std::uint64_t kMaxEventAttachmentBytes = 200 * 1024 * 1024;
inline constexpr std::uint64_t kMaxProjectAttachmentBytes = 20ULL * 1024 * 1024 * 1024;  // the oldest go
inline constexpr std::size_t kMaxMaskedAttachmentBytes =
    8 * 1024 * 1024;  // texts over it are kept as they came
inline constexpr std::size_t kMaxAttachmentNameBytes = 255;
inline constexpr std::size_t kMaxAttachmentTypeBytes = 128;        // content type, kind
inline constexpr std::size_t kAttachmentPieceBytes = 1024 * 1024;  // read and compressed at once
inline constexpr std::size_t kAttachmentPruneBatch = 1'000;        // that one look removes at a time
inline constexpr std::size_t kMaxMultipartParts = 200;
inline constexpr std::size_t kMaxMultipartHeadBytes = 16 * 1024;  // of one part
inline constexpr std::size_t kMaxMinidumpFieldBytes =
    1024 * 1024;                                      // of one form field, the event's among them
inline constexpr std::size_t kMaxMinidumpTags = 100;  // of form fields that become tags

}  // namespace telltale::limits
