// Whether an event says that a resolved issue is back.
//
// It must be from after the resolution. When that names a release, the event must be of that release or a
// later one, for "the next release" of a later one; events without a release say nothing then. Releases stand
// in the order of their versions (errors/releases.hpp); where the names hold none, in the order in which the
// project met them.
#pragma once

#include "model/event_row.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

Result<bool> regresses(storage::IssueRepository& issues, const storage::Issue& issue, const EventRow& row);

/// The newest release of the project by the same order; empty when it has met none.
Result<std::string> newest_release(storage::IssueRepository& issues, ProjectId project);

}  // namespace telltale::errors
