// The schema as a list of steps. PRAGMA user_version counts the steps taken; each is one transaction. Steps
// are never changed once released, only added.
#pragma once

#include "base/result.hpp"
#include "metadb/connection.hpp"

namespace telltale::metadb {

int schema_version();
/// Up to the step `to`. unsupported when the database has more steps than we know.
Result<> migrate(Connection& db, int to = schema_version());

}  // namespace telltale::metadb
