#include "promql/range_cache.hpp"

#include <algorithm>

namespace telltale::promql {

namespace {

/// Adds up how far ahead parts of the expression look; false where steps cannot be kept.
bool add_ahead(const Expr& e, std::int64_t lookback, std::int64_t& ahead) {
  static constexpr std::string_view kOfTheQuery[] = {"start", "end", "range", "step"};
  if (e.at != AtKind::none) return false;
  if (e.kind == ExprKind::call &&
      std::find(std::begin(kOfTheQuery), std::end(kOfTheQuery), e.text) != std::end(kOfTheQuery))
    return false;
  if (e.offset_ms < 0) ahead -= e.offset_ms;
  if (e.extension == Extension::smoothed) ahead += lookback;
  const auto child = [&](const ExprPtr& c) { return c == nullptr || add_ahead(*c, lookback, ahead); };
  return child(e.range) && child(e.step) && child(e.offset) && child(e.param) &&
         std::all_of(e.args.begin(), e.args.end(), child);
}

std::size_t bytes_of(const StepSeries& s) {
  std::size_t out = sizeof s + s.values.capacity() * sizeof(double);
  for (const Label& l : s.labels) out += sizeof l + l.name.capacity() + l.value.capacity();
  return out;
}

std::string key_of(const Labels& labels) {
  std::string out;
  for (const Label& l : labels) {
    out += l.name;
    out += '\xff';
    out += l.value;
    out += '\xfe';
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> looks_ahead(std::string_view text, const Expr& expr, std::int64_t lookback) {
  // Durations may be computed of the step and the range; those are resolved, and gone from the tree.
  for (const std::string_view word : {"step", "range", "start", "end"})
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      std::size_t behind = at + word.size();
      while (behind < text.size() && (text[behind] == ' ' || text[behind] == '\n')) ++behind;
      if (behind < text.size() && text[behind] == '(') return std::nullopt;
    }
  std::int64_t ahead = 0;
  if (!add_ahead(expr, lookback, ahead)) return std::nullopt;
  return ahead;
}

std::size_t RangeCache::Answer::bytes() const {
  std::size_t out = sizeof *this;
  for (const StepSeries& s : series) out += bytes_of(s);
  for (const auto* texts : {&warnings, &infos})
    for (const std::string& t : *texts) out += t.size() + 64;
  return out;
}

std::shared_ptr<const RangeCache::Answer> RangeCache::get(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  slots_.splice(slots_.begin(), slots_, at->second);
  return at->second->answer;
}

void RangeCache::put(const std::string& key, std::shared_ptr<const Answer> answer) {
  const std::size_t bytes = answer->bytes() + 2 * key.size();
  const std::lock_guard lock(mutex_);
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    bytes_ -= at->second->bytes;
    slots_.erase(at->second);
    by_key_.erase(at);
  }
  if (bytes > max_bytes_ / 8) return;
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= slots_.back().bytes;
    by_key_.erase(slots_.back().key);
    slots_.pop_back();
  }
  slots_.push_front({key, std::move(answer), bytes});
  by_key_[key] = slots_.begin();
  bytes_ += bytes;
}

Reusable reusable(const RangeCache::Answer& answer, const Steps& steps, std::int64_t changed_since,
                  std::int64_t ahead) {
  Reusable out;
  const Steps& old = answer.steps;
  if (steps.start < old.start || steps.start > old.last() || changed_since <= INT64_MIN + ahead) return out;
  out.first = static_cast<std::size_t>((steps.start - old.start) / steps.step);
  while (out.count < steps.count && out.first + out.count < old.count &&
         old.at(out.first + out.count) < changed_since - ahead)
    ++out.count;
  // Which of the steps an annotation is of, nobody knows.
  const bool all = out.first == 0 && out.count == old.count;
  if (!all && !(answer.warnings.empty() && answer.infos.empty())) return {};
  return out;
}

std::vector<StepSeries> joined_steps(const RangeCache::Answer& old, const Reusable& use,
                                     std::vector<StepSeries> fresh, std::size_t count) {
  std::vector<StepSeries> out;
  std::unordered_map<std::string, std::size_t> places;
  for (const StepSeries& s : old.series) {
    const auto begin = s.values.begin() + static_cast<std::ptrdiff_t>(use.first);
    const auto end = begin + static_cast<std::ptrdiff_t>(use.count);
    if (std::all_of(begin, end, is_absent)) continue;
    StepSeries& to = out.emplace_back();
    to.labels = s.labels;
    to.values.reserve(count);
    to.values.assign(begin, end);
    to.values.resize(count, absent_value());
    places.emplace(key_of(s.labels), out.size() - 1);
  }
  for (StepSeries& s : fresh) {
    const auto [at, is_new] = places.try_emplace(key_of(s.labels), out.size());
    if (is_new) {
      out.emplace_back().labels = std::move(s.labels);
      out.back().values.assign(count, absent_value());
    }
    StepSeries& to = out[at->second];
    const auto behind = static_cast<std::ptrdiff_t>(use.count);
    std::copy(s.values.begin(), s.values.end(), to.values.begin() + behind);
    if (s.histograms.empty()) continue;
    to.histograms.resize(count);
    std::move(s.histograms.begin(), s.histograms.end(), to.histograms.begin() + behind);
  }
  return out;
}

}  // namespace telltale::promql
