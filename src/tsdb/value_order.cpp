#include "tsdb/value_order.hpp"

#include <algorithm>
#include <cstring>

namespace telltale::tsdb {
namespace {

/// How many bytes at their beginning all texts have in common. There is one at least.
std::size_t shared_prefix(const std::vector<ValueOrder::Value>& values) {
  const std::string_view first = values.front().text;
  std::size_t shared = first.size();
  for (const auto& v : values) {
    const std::size_t most = std::min(shared, v.text.size());
    const auto end = v.text.begin() + static_cast<std::ptrdiff_t>(most);
    shared =
        static_cast<std::size_t>(std::mismatch(v.text.begin(), end, first.begin()).first - v.text.begin());
  }
  return shared;
}

}  // namespace

ValueOrder::ValueOrder(std::shared_ptr<const void> arena, std::vector<Value> values)
    : arena_(std::move(arena)) {
  if (values.empty()) return;
  // Values of a label mostly begin alike: what they share is left out, and the eight bytes behind it decide
  // nearly always.
  struct Keyed {
    std::uint64_t key;  // those bytes, as a number that has their order
    const Value* value;
  };
  const std::size_t shared = shared_prefix(values);
  std::vector<Keyed> order;
  order.reserve(values.size());
  for (const Value& v : values) {
    std::uint64_t key = 0;
    std::memcpy(&key, v.text.data() + shared, std::min<std::size_t>(v.text.size() - shared, sizeof key));
    order.push_back({__builtin_bswap64(key), &v});
  }
  std::sort(order.begin(), order.end(), [](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : a.value->text < b.value->text;
  });
  texts_.reserve(order.size());
  series_.reserve(order.size());
  for (const Keyed& k : order) {
    texts_.push_back(k.value->text);
    series_.push_back(k.value->series);
  }
}

void ValueOrder::seen_all(std::uint64_t gone, const storage::MillisRange& range) const {
  MutexLock lock(mutex_);
  seen_gone_ = gone;
  seen_ = range;
}

bool ValueOrder::all_seen(std::uint64_t gone, const storage::MillisRange& range) const {
  MutexLock lock(mutex_);
  return seen_gone_ == gone && seen_.min >= range.min && seen_.max <= range.max;
}

}  // namespace telltale::tsdb
