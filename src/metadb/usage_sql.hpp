#pragma once

#include "metadb/connection.hpp"
#include "storage/usage_records.hpp"

namespace telltale::metadb {

class SqlUsage final : public storage::UsageRepository {
 public:
  explicit SqlUsage(Connection& db) : db_(db) {}
  Result<> add(const storage::UsageBucket& usage) override;
  Result<std::vector<storage::UsageBucket>> list(const storage::UsageQuery& query) override;
  Result<> prune(UnixNanos before) override;

 private:
  Connection& db_;
};

}  // namespace telltale::metadb
