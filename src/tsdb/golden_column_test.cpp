// Columns of every form stay readable: tests/golden/tsdb-columns was made by the writer of the form's time
// (this test with TELLTALE_WRITE_GOLDEN_COLUMNS set to a folder) out of values that are made here again.
// Never change one of golden_columns(); a new form gets one of its own.
#include <bit>
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/file_system.hpp"
#include "model/sample.hpp"
#include "tsdb/column.hpp"

namespace telltale::tsdb {
namespace {

struct GoldenColumn {
  const char* name;
  std::vector<double> values;
};

std::vector<double> grown(std::size_t n, double first, const std::function<double(Rng&)>& step) {
  Rng rng(n);
  std::vector<double> out{first};
  while (out.size() < n) out.push_back(out.back() + step(rng));
  return out;
}

std::vector<GoldenColumn> golden_columns() {
  const auto below = [](Rng& rng, std::uint64_t bound) { return static_cast<double>(rng.below(bound)); };
  std::vector<GoldenColumn> out;
  out.push_back({"one", std::vector<double>(300, 42.5)});
  out.push_back({"even", grown(300, 7, [](Rng&) { return 3; })});
  out.push_back({"decimals", grown(300, 7, [&](Rng& r) { return below(r, 300); })});
  out.back().values[150] = stale_nan();
  out.push_back({"bits", grown(300, 1e9, [](Rng& r) { return r.unit(); })});
  out.push_back({"xor", {}});
  for (Rng rng(5); out.back().values.size() < 300;)
    out.back().values.push_back(std::bit_cast<double>(rng.next() & 0xFFFF'0000'0000'0000));
  out.back().values[150] = stale_nan();
  out.push_back({"curves", {5}});
  for (double step = 0; out.back().values.size() < 300;
       step += static_cast<double>(out.back().values.size() % 7))
    out.back().values.push_back(out.back().values.back() + step);
  out.push_back({"multiples", grown(300, 1 << 30, [&](Rng& r) { return (below(r, 201) - 100) * 4096; })});
  out.push_back({"steps", grown(300, 0, [&](Rng& r) { return below(r, 15'000'000'000) / 1e9; })});
  out.push_back({"steps_corrected", {0}});
  for (Rng rng(9); out.back().values.size() < 300;) {
    double sum = out.back().values.back();
    for (int i = 0; i < 20; ++i) sum += below(rng, 1'000'000) / 1e9;
    out.back().values.push_back(sum);
  }
  out.back().values[150] = stale_nan();
  return out;
}

constexpr const char* kGoldenFolder = TELLTALE_SOURCE_DIR "/tests/golden/tsdb-columns/";

TEST(GoldenColumns, AreReadAsTheyWereWritten) {
  const auto disk = io::make_posix_file_system();
  for (const auto& [name, values] : golden_columns()) {
    SCOPED_TRACE(name);
    const auto bytes = io::read_file(*disk, std::string(kGoldenFolder) + name);
    ASSERT_TRUE(bytes) << bytes.error().message();
    ByteReader in(*bytes);
    std::vector<double> got(values.size());
    ASSERT_TRUE(decode_doubles(in, got));
    EXPECT_TRUE(in.empty());
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint64_t>(got[i]), std::bit_cast<std::uint64_t>(values[i])) << i;
  }
}

TEST(GoldenColumns, AreWrittenWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_GOLDEN_COLUMNS");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_GOLDEN_COLUMNS is not set";
  const auto disk = io::make_posix_file_system();
  for (const auto& [name, values] : golden_columns()) {
    ByteWriter bytes;
    encode_doubles(values, bytes);
    ASSERT_TRUE(io::publish_file(*disk, std::string(dir) + "/" + name, bytes.view()));
  }
}

/// For fuzz/targets/tsdb_files.cpp.
TEST(GoldenColumns, AreFuzzSeedsWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_FUZZ_SEEDS");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_FUZZ_SEEDS is not set";
  const auto disk = io::make_posix_file_system();
  for (const auto& [name, values] : golden_columns()) {
    ByteWriter column;
    column.bytes("\1c");
    encode_doubles(std::span(values).last(100), column);
    ASSERT_TRUE(io::publish_file(*disk, std::string(dir) + "/column_" + name, column.view()));
  }
}

}  // namespace
}  // namespace telltale::tsdb
