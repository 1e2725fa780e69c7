// Counts what a set of series is made of, series after series.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/context.hpp"
#include "base/result.hpp"
#include "storage/metric_store.hpp"

namespace telltale::storage {

/// Memory for what was counted is charged to the context while this lives. Not thread-safe.
class CardinalityCounter {
 public:
  explicit CardinalityCounter(WorkContext& context) : context_(context) {}
  ~CardinalityCounter() { context_.release(charged_); }
  CardinalityCounter(const CardinalityCounter&) = delete;
  CardinalityCounter& operator=(const CardinalityCounter&) = delete;

  /// One label of the series that is counted.
  Result<> label(std::string_view name, std::string_view value);
  void series() { ++series_; }
  Cardinality take(std::size_t limit);

 private:
  struct Name {
    std::uint64_t series = 0;
    std::uint64_t bytes = 0;
    std::unordered_map<std::string, std::uint64_t> values;
  };
  WorkContext& context_;
  std::size_t charged_ = 0;
  std::uint64_t series_ = 0;
  std::map<std::string, Name, std::less<>> names_;
  std::string scratch_;
};

}  // namespace telltale::storage
