#include "eventdb/message_gatherer.hpp"

namespace telltale::eventdb {

namespace {

// Lines of JSON that do not become skeletons are common enough to stop trying after so many.
constexpr std::size_t kSkeletonTrial = 256;
constexpr std::size_t kMostSkeletons = 1024;
// Skeletons of one shape that a row is compared with before it is taken apart.
constexpr std::size_t kMostCompared = 4;

}  // namespace

MessageGatherer::MessageGatherer(std::size_t rows) : texts_(rows), codes_(rows) {}

std::uint16_t MessageGatherer::code_of(const EventRow& row, std::int64_t shape) {
  const auto number = static_cast<std::size_t>(shape);
  if (by_shape_.size() <= number) by_shape_.resize(number + 1);
  auto& known = by_shape_[number];
  for (std::size_t k = 0; k < known.size(); ++k) {
    if (!known[k].matcher.fits(row, scratch_)) continue;
    if (k > 0) std::swap(known[k], known[0]);
    return known[0].code;
  }
  auto skeleton = make_skeleton(row);
  if (!skeleton) return 0;
  const auto at = skeletons_.find(*skeleton);
  if (at == skeletons_.end() && skeletons_.size() == kMostSkeletons) return 0;
  const auto fresh = static_cast<std::uint16_t>(skeletons_.size() + 1);
  const std::uint16_t code = at != skeletons_.end() ? at->second : fresh;
  if (auto matcher = SkeletonMatcher::make(*skeleton, row)) {
    if (known.size() == kMostCompared) known.pop_back();
    known.push_front({*std::move(matcher), code});
  }
  if (at == skeletons_.end()) skeletons_.emplace(*std::move(skeleton), code);
  return code;
}

void MessageGatherer::add(const EventRow& row, std::size_t number, std::int64_t shape, bool simple) {
  if (row.message.empty()) return;
  ++present_;
  const bool worth_it = tried_ < kSkeletonTrial || made_ * 2 > tried_;
  if (row.message.front() == '{' && worth_it && simple) {
    ++tried_;
    if (const std::uint16_t code = code_of(row, shape); code != 0) {
      ++made_;
      codes_[number] = code;
      return;
    }
  }
  texts_.add(number, row.message);
}

std::pair<TextValues, TextValues> MessageGatherer::take() {
  TextValues skeletons;
  skeletons.rows = codes_.size();
  skeletons.first_is_absent = true;
  skeletons.entries.resize(skeletons_.size() + 1);
  for (const auto& [skeleton, code] : skeletons_) skeletons.entries[code] = skeleton;
  skeletons.codes = std::move(codes_);
  return {texts_.take(), std::move(skeletons)};
}

}  // namespace telltale::eventdb
