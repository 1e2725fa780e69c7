#include "logql/pipeline.hpp"

#include <algorithm>

#include "logql/pipeline_impl.hpp"
#include "logql/pipeline_plan.hpp"

namespace telltale::logql {

Labels LogEntry::labels() const {
  std::vector<Label> all = stream;
  all.insert(all.end(), metadata.begin(), metadata.end());
  all.insert(all.end(), parsed.begin(), parsed.end());
  return Labels(std::move(all));
}

void sort_labels(std::vector<Label>& labels) {
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
}

WantedLabels wanted_behind(const LogQuery& query, std::size_t index, const WantedLabels& at_end) {
  if (!at_end) return std::nullopt;
  auto out = *at_end;
  for (std::size_t i = index + 1; i < query.stages.size(); ++i)
    if (!add_read_labels(query.stages[i], out)) return std::nullopt;
  if (query.unwrap) {
    out.insert(query.unwrap->label);
    for (const LabelFilter& f : query.unwrap->filters) add_read_labels(f, out);
  }
  return out;
}

Result<StageChain> StageChain::make(const LogQuery& query, const WantedLabels& wanted) {
  StageChain out;
  out.row_ = std::make_unique<RowState>();
  // The selector comes first: a live tail and a store's wider filter need it as well.
  for (const Matcher& m : query.matchers) {
    LabelFilter f;
    f.name = m.name;
    f.op = m.op;
    f.value = m.value;
    TT_ASSIGN(out.stages_.emplace_back(), make_filter_stage(f));
  }
  for (std::size_t i = 0; i < query.stages.size(); ++i) {
    TT_ASSIGN(out.stages_.emplace_back(), make_stage(query.stages[i], wanted_behind(query, i, wanted)));
  }
  return out;
}

bool StageChain::run(const EventRow& row) {
  row_->start(row);
  return std::all_of(stages_.begin(), stages_.end(), [this](const auto& stage) { return stage->run(*row_); });
}

struct Pipeline::Impl {
  LogQuery query;
  StageChain chain;
};

Pipeline::Pipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

Result<Pipeline> Pipeline::compile(const LogQuery& query) {
  TT_ASSIGN(StageChain chain, StageChain::make(query, std::nullopt));
  return Pipeline(std::make_unique<Impl>(Impl{query, std::move(chain)}));
}

Pipeline Pipeline::clone() const {
  auto again = compile(impl_->query);
  return *std::move(again);  // it compiled before
}

storage::EventFilter Pipeline::necessary() const { return push_down(impl_->query).filter; }

bool Pipeline::process(const EventRow& row, LogEntry& out) {
  if (!impl_->chain.run(row)) return false;
  const RowState& state = impl_->chain.row();
  out.time = row.time;
  out.line.assign(state.line());
  out.stream.clear();
  out.metadata.clear();
  out.parsed.clear();
  for (const RowState::Entry& e : state.labels()) {
    auto& home = e.home == LabelHome::stream     ? out.stream
                 : e.home == LabelHome::metadata ? out.metadata
                                                 : out.parsed;
    home.push_back({std::string(e.name), std::string(e.value)});
  }
  if (state.has_error()) out.parsed.push_back({std::string(kErrorLabel), std::string(state.error())});
  if (!state.error_details().empty())
    out.parsed.push_back({std::string(kErrorDetailsLabel), std::string(state.error_details())});
  sort_labels(out.stream);
  sort_labels(out.metadata);
  sort_labels(out.parsed);
  return true;
}

}  // namespace telltale::logql
