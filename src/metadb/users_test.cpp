#include <gtest/gtest.h>

#include "base/check.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/users_contract.hpp"

namespace telltale::metadb {

class MetaDbMaker {
 public:
  MetaDbMaker() { open(); }
  storage::RecordStore& store() { return *db_; }
  storage::RecordStore& reopened() {
    db_.reset();
    disk_.crash();
    open();
    return *db_;
  }

 private:
  void open() {
    auto opened = open_metadb(disk_, "data/meta", clock_, log_, metrics_);
    TT_CHECK(opened.has_value());
    db_ = *std::move(opened);
  }
  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  io::FaultyFileSystem disk_;
  std::unique_ptr<MetaDb> db_;
};

}  // namespace telltale::metadb

namespace telltale::storage {
INSTANTIATE_TYPED_TEST_SUITE_P(MetaDb, UsersContract, metadb::MetaDbMaker);
}  // namespace telltale::storage
