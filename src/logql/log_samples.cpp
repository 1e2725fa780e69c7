#include "logql/log_samples.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "logql/pipeline_impl.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

constexpr std::string_view kPreserveLabel = "__preserve_error__";

/// Series by the labels they keep. A row's labels in the order it has them are remembered as they are, so
/// that most rows cost one look-up and no sorting.
class SeriesNumbers {
 public:
  SeriesNumbers(Grouping grouping, std::string dropped)
      : grouping_(std::move(grouping)), dropped_(std::move(dropped)) {}

  std::uint32_t number(RowState& row) {
    key_.clear();
    if (grouping_.given && !grouping_.without) {
      for (const std::string& name : grouping_.labels)
        add_key({}, row.get(name).value_or(std::string_view()));
    } else {
      for (const RowState::Entry& e : row.labels())
        if (counts(e.name)) add_key(e.name, e.value);
    }
    if (const auto found = seen_.find(key_); found != seen_.end()) return found->second;
    std::vector<Label> labels;
    if (grouping_.given && !grouping_.without) {
      for (const std::string& name : grouping_.labels)
        labels.push_back({name, std::string(row.get(name).value_or(std::string_view()))});
    } else {
      for (const RowState::Entry& e : row.labels())
        if (counts(e.name)) labels.push_back({std::string(e.name), std::string(e.value)});
    }
    Labels sorted(std::move(labels));
    const auto [at, fresh] = numbers_.try_emplace(sorted, static_cast<std::uint32_t>(series_.size()));
    if (fresh) series_.push_back(std::move(sorted));
    if (seen_.size() > 4 * limits::kMaxQuerySeries) seen_.clear();
    seen_.emplace(key_, at->second);
    return at->second;
  }
  const std::vector<Labels>& series() const { return series_; }

 private:
  bool counts(std::string_view name) const {
    if (name == dropped_) return false;
    return !grouping_.without ||
           std::find(grouping_.labels.begin(), grouping_.labels.end(), name) == grouping_.labels.end();
  }
  void add_key(std::string_view name, std::string_view value) {
    const auto sizes = static_cast<std::uint64_t>(name.size()) << 32 | value.size();
    key_.append(reinterpret_cast<const char*>(&sizes), sizeof sizes);
    key_ += name;
    key_ += value;
  }

  struct LabelsHash {
    std::size_t operator()(const Labels& l) const { return l.hash(); }
  };
  const Grouping grouping_;
  const std::string dropped_;  // the unwrapped label
  std::string key_;
  std::unordered_map<std::string, std::uint32_t> seen_;
  std::unordered_map<Labels, std::uint32_t, LabelsHash> numbers_;
  std::vector<Labels> series_;
};

class LogSampleReader final : public query::SampleReader {
 public:
  static Result<std::unique_ptr<query::SampleReader>> make(const LogQuery& q, SampleValue value,
                                                           const Grouping& grouping) {
    WantedLabels wanted;
    if (grouping.given && !grouping.without) wanted.emplace(grouping.labels.begin(), grouping.labels.end());
    TT_ASSIGN(StageChain chain, StageChain::make(q, wanted));
    auto out = std::make_unique<LogSampleReader>(std::move(chain), value, grouping,
                                                 q.unwrap ? q.unwrap->label : std::string());
    if (q.unwrap) {
      out->unwrap_ = *q.unwrap;
      for (const LabelFilter& f : q.unwrap->filters) {
        TT_ASSIGN(out->filters_.emplace_back(), make_filter_stage(f));
      }
    }
    return out;
  }
  LogSampleReader(StageChain chain, SampleValue value, const Grouping& grouping, std::string dropped)
      : chain_(std::move(chain)),
        value_(value),
        numbers_(grouping, grouping.given && !grouping.without ? "" : std::move(dropped)) {}

  Result<bool> read(const EventRow& event, query::WindowSample& sample, std::uint32_t& series) override {
    if (!chain_.run(event)) return false;
    RowState& row = chain_.row();
    if (value_ == SampleValue::bytes) sample.value = static_cast<double>(row.line().size());
    if (value_ == SampleValue::one) sample.value = 1;
    if (unwrap_) {
      const auto text = row.get(unwrap_->label);
      if (!text || text->empty()) return false;
      if (value_ == SampleValue::text) {
        sample.hash = hash64(*text);
      } else {
        convert(*text, row, sample.value);
      }
      for (const auto& f : filters_)
        if (!f->run(row)) return false;
    }
    if (row.has_error() && !row.get(kPreserveLabel)) return errored(row);
    series = numbers_.number(row);
    return true;
  }
  const std::vector<Labels>& series() const override { return numbers_.series(); }

 private:
  void convert(std::string_view text, RowState& row, double& out) const {
    const auto v = unwrapped_number(text, unwrap_->conversion);
    if (!v)
      row.set_error(pipeline_error::kSample,
                    fmt::format("{}: \"{}\" is no number of the kind wanted", unwrap_->label, text));
    out = v.value_or(0);
  }

  static tl::unexpected<Error> errored(const RowState& row) {
    std::vector<Label> labels;
    for (const auto& e : row.labels())
      if (e.home != LabelHome::parsed) labels.push_back({std::string(e.name), std::string(e.value)});
    return fail(ErrorKind::execution,
                fmt::format("pipeline error: '{}' in {}: {}. Lines with an error are left out by | "
                            "__error__=\"\" at the end of the "
                            "pipeline, behind unwrap if there is one.",
                            row.error(), Labels(std::move(labels)).to_string(), row.error_details()));
  }

  StageChain chain_;
  const SampleValue value_;
  std::optional<Unwrap> unwrap_;
  std::vector<std::unique_ptr<RowStage>> filters_;
  SeriesNumbers numbers_;
};

}  // namespace

Result<std::unique_ptr<query::SampleReader>> make_sample_reader(const LogQuery& query, SampleValue value,
                                                                const Grouping& grouping) {
  return LogSampleReader::make(query, value, grouping);
}

}  // namespace telltale::logql
