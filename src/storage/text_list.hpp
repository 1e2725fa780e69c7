// Texts in order, handed out without copying them: views, and what keeps the bytes they point to. A store
// that has ten thousand values in order already says them by sharing its list.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telltale::storage {

class TextList {
 public:
  using Views = std::vector<std::string_view>;

  TextList() = default;
  /// Views into what `keeps` owns.
  TextList(std::shared_ptr<const void> keeps, Views views) {
    auto kept = std::make_shared<const std::pair<std::shared_ptr<const void>, Views>>(std::move(keeps),
                                                                                      std::move(views));
    views_ = kept->second;
    keeps_ = std::move(kept);
  }
  /// Views that others have, too; `keeps` owns them and what they point into.
  static TextList shared(std::shared_ptr<const void> keeps, std::span<const std::string_view> views) {
    TextList out;
    out.keeps_ = std::move(keeps);
    out.views_ = views;
    return out;
  }
  static TextList of(std::vector<std::string> texts) {
    auto kept = std::make_shared<const std::vector<std::string>>(std::move(texts));
    Views views(kept->begin(), kept->end());
    return {std::move(kept), std::move(views)};
  }
  /// What is in any of the lists, each text once.
  static TextList united(std::vector<TextList> lists) {
    if (lists.size() == 1) return std::move(lists.front());
    Views views;
    for (const TextList& list : lists) views.insert(views.end(), list.begin(), list.end());
    std::sort(views.begin(), views.end());
    views.erase(std::unique(views.begin(), views.end()), views.end());
    return {std::make_shared<const std::vector<TextList>>(std::move(lists)), std::move(views)};
  }
  /// The first `limit`; 0: all.
  TextList first(std::size_t limit) && {
    if (limit > 0 && views_.size() > limit) views_ = views_.first(limit);
    return std::move(*this);
  }

  using Iterator = std::span<const std::string_view>::iterator;
  Iterator begin() const { return views_.begin(); }
  Iterator end() const { return views_.end(); }
  std::size_t size() const { return views_.size(); }
  bool empty() const { return views_.empty(); }
  std::string_view operator[](std::size_t i) const { return views_[i]; }
  friend bool operator==(const TextList& a, const TextList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator==(const TextList& a, const std::vector<std::string>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::shared_ptr<const void> keeps_;
  std::span<const std::string_view> views_;
};

}  // namespace telltale::storage
