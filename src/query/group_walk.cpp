#include "query/group_walk.hpp"

#include <map>
#include <unordered_set>
#include <vector>

#include "base/limits.hpp"

namespace telltale::query {
namespace {

constexpr std::size_t kBytesPerGroup = 96;

class GroupWalker {
 public:
  GroupWalker(storage::EventStore& store, const GroupWalk& walk, const GroupVisitor& visit, ScanStats& stats,
              WorkContext& context)
      : store_(store),
        walk_(walk),
        visit_(visit),
        stats_(stats),
        context_(context),
        give_up_(context.clock().steady() + walk.patience) {}

  Result<WalkEnd> run() {
    TimeRange range = walk_.scan.range;
    while (true) {
      TT_ASSIGN(const bool anew, pass(range));
      if (!anew) return end_;
      range.to = UnixNanos{end_.reached->ns + 1};  // rows of this very time are met again
    }
  }

 private:
  storage::EventQuery query_for(TimeRange range) const {
    storage::EventQuery q;
    q.table = walk_.scan.table;
    q.projects = walk_.scan.projects;
    q.range = range;
    q.fields = walk_.scan.fields;
    q.with_payload = walk_.scan.with_payload;
    q.places = walk_.places;
    q.filter = walk_.scan.filter;
    std::vector<storage::EventFilter> left_out;
    for (const auto& [project, groups] : settled_) {
      auto of_project =
          storage::EventFilter::leaf(storage::FilterOp::eq, "project", std::to_string(project.value));
      auto names = storage::EventFilter::one_of(walk_.group, {groups.begin(), groups.end()});
      left_out.push_back(storage::EventFilter::all_of({std::move(of_project), std::move(names)}));
    }
    if (left_out.empty()) return q;
    storage::EventFilter none{storage::FilterOp::none, {}, {}, std::move(left_out), {}, false};
    q.filter = storage::EventFilter::all_of({std::move(none), std::move(q.filter)});
    return q;
  }

  /// True: the walk goes on with another pass.
  Result<bool> pass(TimeRange range) {
    storage::EventQuery query = query_for(range);
    const std::size_t known = count_;
    if (walk_.patience.count() > 0) query.patience = std::max(give_up_ - context_.clock().steady(), Nanos(1));
    TT_ASSIGN(const auto cursor, store_.select(query, context_));
    std::vector<EventRow> rows;
    std::size_t wasted = 0;
    while (true) {
      TT_TRY(context_.check());
      TT_TRY(cursor->next(rows));
      if (rows.empty()) {
        if (const auto reached = cursor->reached()) end_ = {false, *reached};
        return false;
      }
      for (const EventRow& row : rows) {
        ++stats_.rows;
        stats_.bytes += row.message.size() + row.payload.size();
        end_.reached = row.time;
        TT_ASSIGN(const Step step, look_at(row));
        if (step == Step::stop) return false;
        if (step == Step::wasted) ++wasted;
      }
      if (walk_.patience.count() > 0 && context_.clock().steady() >= give_up_) {
        end_.complete = false;
        return false;
      }
      // Leaving out what the store was told already would gain nothing.
      const bool worth_it = count_ > known && count_ <= limits::kMaxSkippedGroups;
      if (walk_.wasted_rows > 0 && wasted >= walk_.wasted_rows * passes_ && worth_it) {
        ++passes_;
        return true;
      }
    }
  }

  enum class Step : unsigned char { looked, wasted, stop };
  Result<Step> look_at(const EventRow& row) {
    const std::string group = field_text(row, walk_.group).value_or(std::string());
    auto& settled = settled_[row.project];
    if (walk_.max_rows > 0 && ++looked_ > walk_.max_rows) {
      end_.complete = false;
      return Step::stop;
    }
    if (settled.contains(group)) return Step::wasted;
    TT_ASSIGN(const Verdict verdict, visit_(row));
    if (verdict == Verdict::enough) return Step::stop;
    if (verdict == Verdict::settled) {
      TT_TRY(context_.charge(group.size() + kBytesPerGroup));
      settled.insert(group);
      ++count_;
    }
    return Step::looked;
  }

  storage::EventStore& store_;
  const GroupWalk& walk_;
  const GroupVisitor& visit_;
  ScanStats& stats_;
  WorkContext& context_;
  const Nanos give_up_;
  std::map<ProjectId, std::unordered_set<std::string>> settled_;
  std::size_t count_ = 0;
  std::size_t looked_ = 0;
  std::size_t passes_ = 1;  // later ones are longer, so that many groups do not make many of them
  WalkEnd end_;
};

}  // namespace

Result<WalkEnd> walk_groups(storage::EventStore& store, const GroupWalk& walk, const GroupVisitor& visit,
                            ScanStats& stats, WorkContext& context) {
  return GroupWalker(store, walk, visit, stats, context).run();
}

}  // namespace telltale::query
