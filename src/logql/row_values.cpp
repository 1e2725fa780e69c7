#include "logql/row_values.hpp"

#include "base/hash.hpp"
#include "logql/pipeline_impl.hpp"
#include "logql/pipeline_plan.hpp"
#include "logql/units.hpp"
#include "storage/event_store.hpp"

namespace telltale::logql {

struct RowValues::Impl {
  storage::CompiledFilter necessary;  // cheap, and most rows fail it
  StageChain chain;
  std::vector<std::unique_ptr<RowStage>> filters;  // behind unwrap
  std::optional<Unwrap> unwrap;
  std::vector<std::string> by;
  bool as_number = false;
};

RowValues::RowValues(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RowValues::~RowValues() = default;
RowValues::RowValues(RowValues&&) noexcept = default;
RowValues& RowValues::operator=(RowValues&&) noexcept = default;

Result<RowValues> RowValues::compile(const LogQuery& query, std::vector<std::string> by, bool as_number) {
  WantedLabels wanted;
  wanted.emplace(by.begin(), by.end());
  if (query.unwrap) wanted->insert(query.unwrap->label);
  TT_ASSIGN(StageChain chain, StageChain::make(query, wanted));
  TT_ASSIGN(auto necessary, storage::CompiledFilter::compile(push_down(query).filter));
  auto impl = std::make_unique<Impl>(
      Impl{std::move(necessary), std::move(chain), {}, query.unwrap, std::move(by), as_number});
  if (query.unwrap) {
    for (const LabelFilter& f : query.unwrap->filters) {
      TT_ASSIGN(impl->filters.emplace_back(), make_filter_stage(f));
    }
  }
  return RowValues(std::move(impl));
}

RowOutcome RowValues::read(const EventRow& event, RowValue& out) {
  Impl& m = *impl_;
  if (!m.necessary.matches(event) || !m.chain.run(event)) return RowOutcome::filtered;
  RowState& row = m.chain.row();
  if (m.unwrap) {
    const auto text = row.get(m.unwrap->label);
    if (!text || text->empty()) return RowOutcome::unusable;
    if (m.as_number) {
      const auto number = unwrapped_number(*text, m.unwrap->conversion);
      if (!number) return RowOutcome::unusable;
      out.number = *number;
    } else {
      out.hash = hash64(*text);
    }
    for (const auto& f : m.filters)
      if (!f->run(row)) return RowOutcome::filtered;
  }
  if (row.has_error()) return RowOutcome::unusable;
  out.group.resize(m.by.size());
  for (std::size_t i = 0; i < m.by.size(); ++i)
    out.group[i].assign(row.get(m.by[i]).value_or(std::string_view()));
  return RowOutcome::counted;
}

}  // namespace telltale::logql
