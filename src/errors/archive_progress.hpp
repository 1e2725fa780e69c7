// How far an archived issue is towards coming back (storage::IssueArchive): what it has counted since
// somebody decided to archive it. What other issues brought in when they were merged into it does not count,
// and what left with those that were taken out stays counted.
//
// `archive.base` is what there was at the decision, of a window's events or of escalation: in its hour. What
// merging moved since is kept by hour among the settings until the archive ends, because hours leave a window
// one by one.
#pragma once

#include <cstdint>
#include <map>

#include "base/time.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

/// The base of an archive that begins `now`.
Result<std::uint64_t> archive_base(storage::IssueRepository& issues, const storage::Issue& issue,
                                   const storage::IssueArchive& archive, UnixNanos now);

/// Events or users, as the archive's condition counts them; until it escalates: events in the hour of the
/// decision. 0 for other conditions.
Result<std::uint64_t> archive_progress(storage::RecordStore& records, const storage::Issue& issue,
                                       UnixNanos now);

/// What an archived issue has counted, by hour; of all time in one where the archive has no window.
using ArchiveCounts = std::map<UnixNanos, std::int64_t>;
/// Before the issue's parts become others; nothing for one that is not archived.
Result<ArchiveCounts> archive_counts(storage::RecordStore& records, const storage::Issue& issue,
                                     UnixNanos now);
/// Afterwards: the progress is as it was `before`. `now` is the same.
Result<> keep_archive_progress(storage::RecordStore& records, const ArchiveCounts& before,
                               const storage::Issue& issue, UnixNanos now);

/// Forgets what the archive has counted; for whoever ends it.
Result<> end_archive(storage::RecordStore& records, storage::IssueId issue);

}  // namespace telltale::errors
