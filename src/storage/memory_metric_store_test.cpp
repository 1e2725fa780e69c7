#include "storage/memory_metric_store.hpp"

#include "storage/metric_store_contract.hpp"

namespace telltale::storage::contract {

struct MemoryMaker {
  std::unique_ptr<MetricStore> make(std::size_t max_series) { return make_memory_metric_store(max_series); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, MetricStoreContract, MemoryMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, HistogramStoreContract, MemoryMaker);

}  // namespace telltale::storage::contract
