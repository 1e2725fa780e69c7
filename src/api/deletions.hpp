// Deleting log records by queries, as far as Loki's API and our own share it.
#pragma once

#include <string_view>
#include <vector>

#include "api/services.hpp"

namespace telltale::api {

/// Those that touch no other project than these: the others' queries are nobody else's business. Newest
/// first.
Result<std::vector<storage::Deletion>> visible_deletions(const Services& services,
                                                         const storage::Projects& projects);
/// not_found for what is not visible; conflict for what no longer waits.
Result<> cancel_deletion(const Services& services, const storage::Projects& projects, std::string_view id);
/// `range` with an end that still belongs to it. invalid_argument for the query.
Result<storage::Deletion> request_deletion(const Services& services, storage::Deletion wanted);
/// How many rows it would delete now.
Result<std::uint64_t> count_deletion(const Services& services, const storage::Deletion& wanted,
                                     WorkContext& context);

}  // namespace telltale::api
