// A series' identity: label names and values, sorted by name, no empty values (an empty value equals absence
// in Prometheus' data model). `__name__` is a label like any other.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telltale {

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

inline constexpr std::string_view kMetricName = "__name__";

/// Value type. Invariants: sorted by name, names unique, values not empty.
class Labels {
 public:
  Labels() = default;
  /// Sorts, keeps the last of equal names, drops empty values.
  explicit Labels(std::vector<Label> labels);

  /// Empty when absent.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  /// An empty value removes the label.
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name) { set(name, {}); }

  bool empty() const { return labels_.empty(); }
  std::size_t size() const { return labels_.size(); }
  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }
  const std::vector<Label>& items() const { return labels_; }

  std::uint64_t hash() const;
  /// `name{a="b", c="d"}` as PromQL prints it.
  std::string to_string() const;

  auto operator<=>(const Labels&) const = default;

 private:
  std::vector<Label> labels_;
};

}  // namespace telltale
