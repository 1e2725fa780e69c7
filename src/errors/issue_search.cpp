#include "errors/issue_search.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "errors/event_condition.hpp"
#include "errors/event_words.hpp"
#include "errors/issue_views.hpp"
#include "query/executor.hpp"
#include "query/group_walk.hpp"

namespace telltale::errors {
namespace {

using search::Comparison;
using search::Condition;
using search::Conditions;
using search::FieldKind;
using search::FieldSource;
using search::Pattern;
using search::Tree;
using storage::IssueCondition;
using storage::IssueField;
using storage::IssueId;
using Op = storage::IssueCondition::Op;

struct RecordField {
  std::string_view name;
  IssueField field;
};
constexpr RecordField kRecordFields[] = {{"level", IssueField::level},
                                         {"assignee", IssueField::assignee},
                                         {"first_seen", IssueField::first_seen},
                                         {"last_seen", IssueField::last_seen},
                                         {"event_count", IssueField::event_count},
                                         {"user_count", IssueField::user_count},
                                         {"title", IssueField::title},
                                         {"culprit", IssueField::culprit},
                                         {"type", IssueField::type},
                                         {"platform", IssueField::platform},
                                         {"short_id", IssueField::short_id},
                                         {"first_release", IssueField::first_release},
                                         {"last_release", IssueField::last_release},
                                         {"release", IssueField::release},
                                         {"environment", IssueField::environment}};

IssueField record_field(std::string_view name) {
  const auto* found = std::find_if(std::begin(kRecordFields), std::end(kRecordFields),
                                   [&](const auto& f) { return f.name == name; });
  return found == std::end(kRecordFields) ? IssueField::title : found->field;
}

IssueCondition one_of_them(std::vector<IssueCondition> ways) {
  if (ways.size() == 1) return std::move(ways.front());
  return IssueCondition::group(Op::any, std::move(ways));
}
IssueCondition turned_around(IssueCondition c) {
  std::vector<IssueCondition> children;
  children.push_back(std::move(c));
  return IssueCondition::group(Op::none, std::move(children));
}

/// `user`: whose bookmarks.
IssueCondition state_condition(std::string_view key, std::string_view word, std::int64_t user) {
  using storage::IssueStatus;
  using storage::IssueSubstatus;
  const auto number = [](IssueField field, auto value) {
    return IssueCondition::number(Op::in_numbers, field, {static_cast<std::int64_t>(value)});
  };
  if (key == "bookmarked" || word == "bookmarked")
    return IssueCondition::number(Op::in_numbers, IssueField::bookmarked_by, {user});
  if (const auto priority = storage::issue_priority_from(word))
    return number(IssueField::priority, *priority);
  if (word == "unresolved") return number(IssueField::status, IssueStatus::unresolved);
  if (word == "resolved") return number(IssueField::status, IssueStatus::resolved);
  if (word == "ignored" || word == "archived") return number(IssueField::status, IssueStatus::ignored);
  if (word == "new") return number(IssueField::substatus, IssueSubstatus::fresh);
  if (word == "ongoing") return number(IssueField::substatus, IssueSubstatus::ongoing);
  if (word == "regressed") return number(IssueField::substatus, IssueSubstatus::regressed);
  if (word == "escalating") return number(IssueField::substatus, IssueSubstatus::escalating);
  const auto somebody = IssueCondition::text(Op::present, IssueField::assignee);
  return word == "assigned" ? somebody : turned_around(somebody);
}

std::int64_t whole(double v) { return static_cast<std::int64_t>(std::clamp(v, -9e18, 9e18)); }

IssueCondition number_condition(IssueField field, const Condition& c) {
  std::vector<IssueCondition> ways;
  for (const double n : c.numbers) {
    switch (c.comparison) {
      case Comparison::equal:
        if (n == std::floor(n)) ways.push_back(IssueCondition::number(Op::in_numbers, field, {whole(n)}));
        break;
      case Comparison::greater:
        ways.push_back(IssueCondition::number(Op::at_least, field, {whole(std::floor(n)) + 1}));
        break;
      case Comparison::greater_equal:
        ways.push_back(IssueCondition::number(Op::at_least, field, {whole(std::ceil(n))}));
        break;
      case Comparison::less:
        ways.push_back(IssueCondition::number(Op::below, field, {whole(std::ceil(n))}));
        break;
      case Comparison::less_equal:
        ways.push_back(IssueCondition::number(Op::below, field, {whole(std::floor(n)) + 1}));
        break;
    }
  }
  return IssueCondition::group(Op::any, std::move(ways));
}

IssueCondition time_condition(IssueField field, const TimeRange& times) {
  std::vector<IssueCondition> both;
  if (times.from.ns != INT64_MIN)
    both.push_back(IssueCondition::number(Op::at_least, field, {times.from.ns}));
  if (times.to.ns != INT64_MAX) both.push_back(IssueCondition::number(Op::below, field, {times.to.ns}));
  return IssueCondition::group(Op::all, std::move(both));
}

IssueCondition text_condition(IssueField field, const Condition& c) {
  std::vector<IssueCondition> ways;
  std::vector<std::string> literals;
  const bool part = c.field->kind == FieldKind::text;
  for (const Pattern& p : c.values) {
    std::vector<std::string> pieces = p.pieces;
    if (field == IssueField::short_id)
      for (std::string& piece : pieces)
        std::transform(piece.begin(), piece.end(), piece.begin(),
                       [](char ch) { return ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 32) : ch; });
    if (part)
      ways.push_back(IssueCondition::text(Op::contains, field, std::move(pieces)));
    else if (p.literal())
      literals.push_back(std::move(pieces.front()));
    else
      ways.push_back(IssueCondition::text(Op::like, field, std::move(pieces)));
  }
  if (!literals.empty()) ways.push_back(IssueCondition::text(Op::in_texts, field, std::move(literals)));
  if (c.nobody) ways.push_back(turned_around(IssueCondition::text(Op::present, field)));
  return one_of_them(std::move(ways));
}

IssueCondition present_condition(IssueField field) {
  if (field >= IssueField::title) return IssueCondition::text(Op::present, field);
  // Numbers and times are never absent; a level may be unknown, which is 0.
  return IssueCondition::number(Op::at_least, field, {field == IssueField::level ? 1 : 0});
}

IssueCondition words_condition(const Condition& words) {
  std::vector<IssueCondition> all;
  for (const Pattern& p : words.values) {
    std::vector<IssueCondition> ways;
    for (const IssueField field :
         {IssueField::title, IssueField::culprit, IssueField::type, IssueField::short_id})
      ways.push_back(IssueCondition::text(Op::contains, field, p.pieces));
    all.push_back(one_of_them(std::move(ways)));
  }
  return IssueCondition::group(Op::all, std::move(all));
}

IssueCondition condition_on_record(const Condition& c) {
  if (c.name.empty()) return words_condition(c);
  const IssueField field = record_field(c.field->reads);
  if (c.has) return present_condition(field);
  std::vector<IssueCondition> ways;
  switch (c.field->kind) {
    case FieldKind::state:
      for (const Pattern& p : c.values) ways.push_back(state_condition(c.field->reads, p.text(), c.user));
      return one_of_them(std::move(ways));
    case FieldKind::number:
      return number_condition(field, c);
    case FieldKind::time:
      return time_condition(field, c.times);
    case FieldKind::level: {
      std::vector<std::int64_t> levels;
      for (const Level level : c.levels) levels.push_back(static_cast<std::int64_t>(level));
      return IssueCondition::number(Op::in_numbers, field, std::move(levels));
    }
    default:
      return text_condition(field, c);
  }
}

// Of groups that may have the words: how many events are read without looking for their bytes first.
constexpr std::size_t kNewestOfGroup = 6;
constexpr std::size_t kNewestAtLeast = 64;
constexpr std::size_t kNewestAtMost = 2'000;
/// In one filter; with those that a walk leaves out, below limits::kMaxFilterNodes.
constexpr std::size_t kMostGroupsNamed = 4'000;

struct Atom {
  const Conditions* tree;
  bool negated;
};
/// A way to match: conditions on the record and conditions on one event, all of which hold.
struct Branch {
  std::vector<Atom> record;
  std::vector<Atom> event;
};

constexpr unsigned kOnRecord = 1;
constexpr unsigned kOnEvent = 2;
unsigned answered_by(const Conditions& tree) {
  if (tree.kind == Tree::Kind::term) {
    const Condition& c = tree.condition;
    if (c.name.empty()) return kOnRecord | kOnEvent;
    return c.field != nullptr && c.field->source == FieldSource::record ? kOnRecord : kOnEvent;
  }
  unsigned out = 0;
  for (const Conditions& child : tree.children) out |= answered_by(child);
  return out;
}

Error too_mixed() {
  return {ErrorKind::invalid_argument,
          fmt::format("column 1: conditions on issues and on their events are mixed in more than {} ways",
                      limits::kMaxSearchBranches)};
}

Result<std::vector<Branch>> branches_of(const Conditions& tree, bool negated);

Result<std::vector<Branch>> crossed(const std::vector<Conditions>& children, bool negated) {
  std::vector<Branch> out{Branch{}};
  for (const Conditions& child : children) {
    TT_ASSIGN(const auto more, branches_of(child, negated));
    std::vector<Branch> next;
    for (const Branch& a : out) {
      for (const Branch& b : more) {
        if (next.size() >= limits::kMaxSearchBranches) return tl::unexpected(too_mixed());
        Branch both = a;
        both.record.insert(both.record.end(), b.record.begin(), b.record.end());
        both.event.insert(both.event.end(), b.event.begin(), b.event.end());
        next.push_back(std::move(both));
      }
    }
    out = std::move(next);
  }
  return out;
}

Result<std::vector<Branch>> branches_of(const Conditions& tree, bool negated) {
  const unsigned by = answered_by(tree);
  if (by == kOnRecord || by == 0) return std::vector<Branch>{{{{&tree, negated}}, {}}};
  if (by == kOnEvent) return std::vector<Branch>{{{}, {{&tree, negated}}}};
  if (tree.kind == Tree::Kind::term) {
    if (negated) return std::vector<Branch>{{{{&tree, true}}, {}}};
    return std::vector<Branch>{{{{&tree, false}}, {}}, {{}, {{&tree, false}}}};
  }
  const bool below = tree.kind == Tree::Kind::none ? !negated : negated;
  if ((tree.kind == Tree::Kind::any) == negated) return crossed(tree.children, below);
  std::vector<Branch> out;
  for (const Conditions& child : tree.children) {
    TT_ASSIGN(auto more, branches_of(child, below));
    for (Branch& b : more) out.push_back(std::move(b));
    if (out.size() > limits::kMaxSearchBranches) return tl::unexpected(too_mixed());
  }
  return out;
}

/// `release:` or `environment:` by itself: the record knows in which ones an issue was seen.
void ask_record_for(Branch& branch, std::string_view field) {
  if (branch.event.size() != 1 || branch.event.front().negated) return;
  const Conditions& tree = *branch.event.front().tree;
  if (tree.kind != Tree::Kind::term || tree.condition.field == nullptr || tree.condition.field->name != field)
    return;
  // Of events an empty value is none at all.
  for (const Pattern& p : tree.condition.values)
    if (p.literal() && p.text().empty()) return;
  branch.record.push_back(branch.event.front());
  branch.event.clear();
}

class IssueSearcher {
 public:
  IssueSearcher(storage::EventStore& events, storage::RecordStore& records, IssueSearchQuery query,
                WorkContext& context)
      : events_(events),
        records_(records),
        query_(std::move(query)),
        context_(context),
        resolver_(records),
        give_up_(context.clock().steady() + query_.patience) {}

  Result<IssueSearchPlan> run() {
    plan_.records = query_.records;
    if (query_.where.empty()) return std::move(plan_);
    TT_ASSIGN(auto branches, branches_of(query_.where, false));
    TT_ASSIGN(const bool knows_environments, records_.issues().knows_environments());
    std::vector<IssueCondition> ways;
    for (Branch& branch : branches) {
      ask_record_for(branch, "release");
      if (knows_environments) ask_record_for(branch, "environment");
      std::vector<IssueCondition> all;
      for (const Atom& atom : branch.record) {
        IssueCondition c = record_condition(*atom.tree);
        say_when_seen(c);
        all.push_back(atom.negated ? turned_around(std::move(c)) : std::move(c));
      }
      if (!branch.event.empty()) {
        const IssueCondition known = IssueCondition::group(Op::all, all);
        TT_ASSIGN(auto ids, issues_of_events(branch, known));
        all.push_back(IssueCondition::number(Op::in_numbers, IssueField::id, std::move(ids)));
      }
      ways.push_back(IssueCondition::group(Op::all, std::move(all)));
    }
    std::vector<IssueCondition> where;
    if (!plan_.records.where.empty()) where.push_back(std::move(plan_.records.where));
    where.push_back(one_of_them(std::move(ways)));
    plan_.records.where = IssueCondition::group(Op::all, std::move(where));
    return std::move(plan_);
  }

 private:
  using Ids = std::vector<std::int64_t>;

  /// What is asked of releases and environments is about the stretch of time, as it is of events.
  void say_when_seen(IssueCondition& c) const {
    if (c.field == IssueField::release || c.field == IssueField::environment) {
      c.from = query_.records.seen.from.ns;
      c.to = query_.records.seen.to.ns;
    }
    for (IssueCondition& child : c.children) say_when_seen(child);
  }

  Result<Ids> issues_of_events(const Branch& branch, const IssueCondition& known) {
    std::vector<storage::EventFilter> parts;
    bool body = false;
    for (const Atom& atom : branch.event) {
      parts.push_back(event_filter(*atom.tree, atom.negated));
      body = body || reads_body(*atom.tree);
    }
    storage::EventFilter filter = storage::EventFilter::all_of(std::move(parts));
    if (!body) return counted(std::move(filter));
    return said(branch, filter, known);
  }

  /// Columns answer: one pass of the store over them, by group.
  Result<Ids> counted(storage::EventFilter filter) {
    storage::EventAggregateQuery q;
    q.table = Table::errors;
    q.projects = query_.records.projects;
    q.range = query_.records.seen;
    q.filter = std::move(filter);
    q.group_by = {"project", std::string(attr::kGroupHashes)};
    q.measures = {{storage::MeasureOp::count, {}, 0}};
    q.max_groups = limits::kMaxSearchGroups;
    TT_ASSIGN(const auto groups, query::run_grouped(events_, q, context_));
    if (!groups)
      return fail(
          ErrorKind::resource_exhausted,
          fmt::format("query: more than {} groups of events match; narrow it", limits::kMaxSearchGroups));
    std::set<std::int64_t> ids;
    for (const auto& group : *groups) {
      TT_TRY(context_.check());
      EventRow row;
      for (const ProjectId project : query_.records.projects)
        if (std::to_string(project.value) == group.group[0]) row.project = project;
      row.set(std::string(attr::kGroupHashes), group.group[1]);
      TT_ASSIGN(const auto id, resolver_.issue_of(row));
      if (id) ids.insert(id->value);
    }
    return Ids(ids.begin(), ids.end());
  }

  /// The issues that the record's conditions leave, when they are few enough to be looked for one by one.
  Result<std::optional<std::set<IssueId>>> candidates(const IssueCondition& known, TimeRange& range) {
    storage::IssueQuery q = query_.records;
    q.offset = 0;
    q.limit = limits::kMaxSearchCandidates + 1;
    q.sort = storage::IssueSort::last_seen;
    if (!known.empty()) q.where = q.where.empty() ? known : IssueCondition::group(Op::all, {q.where, known});
    TT_ASSIGN(const auto issues, records_.issues().search(q));
    if (issues.size() > limits::kMaxSearchCandidates) return std::optional<std::set<IssueId>>();
    std::set<IssueId> out;
    TimeRange seen{{INT64_MAX}, {INT64_MIN}};
    for (const auto& issue : issues) {
      out.insert(issue.id);
      seen.from = std::min(seen.from, issue.first_seen);
      seen.to = std::max(seen.to, issue.last_seen + Nanos(1));
    }
    range = {std::max(range.from, seen.from), std::min(range.to, seen.to)};
    return std::optional(std::move(out));
  }

  /// What only the events' JSON says: as far as the store knows words, the groups that say them, and of
  /// groups that may the events themselves.
  Result<Ids> said(const Branch& branch, const storage::EventFilter& filter, const IssueCondition& known) {
    Looked looked;
    looked.range = query_.records.seen;
    TT_ASSIGN(looked.wanted, candidates(known, looked.range));
    if (looked.is_over()) return Ids();
    std::vector<const Conditions*> trees;
    std::vector<const Conditions*> negated;
    std::vector<storage::EventFilter> of_columns;
    for (const Atom& atom : branch.event) {
      if (reads_body(*atom.tree)) {
        (atom.negated ? negated : trees).push_back(atom.tree);
      } else {
        of_columns.push_back(event_filter(*atom.tree, atom.negated));
      }
    }
    TT_ASSIGN(const auto groups, groups_of_words(trees, negated, of_columns.empty()));
    TT_ASSIGN(auto check, EventCheck::of(std::move(trees), std::move(negated)));
    if (!groups) {
      TT_TRY(walk_all(check, filter, looked));
    } else {
      const auto columns = storage::EventFilter::all_of(std::move(of_columns));
      TT_TRY(read_groups(*groups, check, filter, columns, looked));
    }
    Ids ids;
    for (const IssueId id : looked.found) ids.push_back(id.value);
    return ids;
  }

  /// Where a search has come to.
  struct Looked {
    TimeRange range;
    std::optional<std::set<IssueId>> wanted;  // others are of no interest
    std::set<IssueId> found;
    std::shared_ptr<const storage::RowPlaces> places;
    bool wants(IssueId id) const { return !found.contains(id) && (!wanted || wanted->contains(id)); }
    bool is_over() const { return (wanted && found.size() == wanted->size()) || range.to <= range.from; }
  };

  /// nullopt: the store cannot tell, all events are to be read.
  Result<std::optional<storage::WordGroups>> groups_of_words(const std::vector<const Conditions*>& trees,
                                                             const std::vector<const Conditions*>& negated,
                                                             bool exact) {
    auto words = word_query_of(trees, negated);
    if (!words) return std::optional<storage::WordGroups>();
    words->exact = words->exact && exact;
    words->projects = query_.records.projects;
    words->range = query_.records.seen;
    return events_.word_groups(*words, context_);
  }

  /// `filter`: events that may match; `columns`: what of it is not about their JSON.
  Result<> read_groups(const storage::WordGroups& groups, EventCheck& check,
                       const storage::EventFilter& filter, const storage::EventFilter& columns,
                       Looked& looked) {
    for (const storage::WordGroup& group : groups.sure) {
      TT_ASSIGN(const auto id, issue_of(group));
      if (id && looked.wants(*id)) looked.found.insert(*id);
    }
    const TimeRange range = looked.range;
    looked.places = groups.places;
    const auto go_to = [&](const TimeRange& at) {
      looked.range = {std::max(range.from, at.from), std::min(range.to, at.to)};
      return !looked.is_over();
    };
    for (auto at = groups.possible_in.rbegin(); at != groups.possible_in.rend(); ++at) {
      TT_ASSIGN(auto left, left_of(groups.possible, looked));
      if (left.empty()) break;
      if (!go_to(*at)) continue;
      // Mostly the newest event of a group settles it: that many are read as they come, which is less than to
      // look for the words' bytes in everything first.
      const std::size_t some = std::min(kNewestOfGroup * left.size() + kNewestAtLeast, kNewestAtMost);
      TT_TRY(walk(check, among(std::move(left), columns), looked, some));
      TT_ASSIGN(left, left_of(groups.possible, looked));
      if (!left.empty() && !looked.is_over()) TT_TRY(walk_all(check, among(std::move(left), filter), looked));
    }
    looked.places = nullptr;
    for (auto at = groups.unknown.rbegin(); at != groups.unknown.rend(); ++at)
      if (go_to(*at)) TT_TRY(walk_all(check, filter, looked));
    return {};
  }

  /// Of more groups than a filter may name, `filter` alone: rows of others are passed over as they come.
  static storage::EventFilter among(std::vector<std::string> groups, const storage::EventFilter& filter) {
    if (groups.size() > kMostGroupsNamed) return filter;
    auto of_groups = storage::EventFilter::one_of(std::string(attr::kGroupHashes), std::move(groups));
    return storage::EventFilter::all_of({std::move(of_groups), filter});
  }

  /// Those of the groups whose issues are not found yet.
  Result<std::vector<std::string>> left_of(const std::vector<storage::WordGroup>& groups,
                                           const Looked& looked) {
    std::vector<std::string> out;
    for (const storage::WordGroup& group : groups) {
      TT_ASSIGN(const auto id, issue_of(group));
      if (id && looked.wants(*id)) out.push_back(group.group);
    }
    return out;
  }

  Result<std::optional<IssueId>> issue_of(const storage::WordGroup& group) {
    TT_TRY(context_.check());
    EventRow row;
    row.project = group.project;
    row.set(std::string(attr::kGroupHashes), group.group);
    return resolver_.issue_of(row);
  }

  /// Reads events of the range, newest first, until every issue is found; says so when it could not.
  Result<> walk_all(EventCheck& check, const storage::EventFilter& filter, Looked& looked) {
    TT_ASSIGN(const auto end, walk(check, filter, looked, limits::kMaxSearchBodies));
    if (end.complete) return {};
    plan_.complete = false;
    if (end.reached && (!plan_.reached || *end.reached > *plan_.reached)) plan_.reached = end.reached;
    return {};
  }

  Result<query::WalkEnd> walk(EventCheck& check, const storage::EventFilter& filter, Looked& looked,
                              std::size_t max_rows) {
    query::GroupWalk walk;
    walk.scan.table = Table::errors;
    walk.scan.projects = query_.records.projects;
    walk.scan.range = looked.range;
    walk.scan.filter = filter;
    walk.scan.fields = check.fields();
    walk.scan.fields.emplace_back(attr::kGroupHashes);
    walk.scan.with_payload = true;
    walk.group = attr::kGroupHashes;
    walk.places = looked.places;
    walk.max_rows = max_rows;
    if (query_.patience.count() > 0) walk.patience = std::max(give_up_ - context_.clock().steady(), Nanos(1));
    const query::GroupVisitor visit = [&](const EventRow& row) -> Result<query::Verdict> {
      TT_ASSIGN(const auto id, resolver_.issue_of(row));
      if (!id || !looked.wants(*id)) return query::Verdict::settled;
      if (!check.matches(row)) return query::Verdict::open;
      looked.found.insert(*id);
      return looked.is_over() ? query::Verdict::enough : query::Verdict::settled;
    };
    return query::walk_groups(events_, walk, visit, plan_.stats, context_);
  }

  storage::EventStore& events_;
  storage::RecordStore& records_;
  IssueSearchQuery query_;
  WorkContext& context_;
  IssueResolver resolver_;
  const Nanos give_up_;  // reading events, where there is a patience
  IssueSearchPlan plan_;
};

}  // namespace

storage::IssueCondition record_condition(const Conditions& tree) {
  if (tree.kind == Tree::Kind::term) return condition_on_record(tree.condition);
  std::vector<IssueCondition> children;
  for (const Conditions& child : tree.children) children.push_back(record_condition(child));
  const Op op = tree.kind == Tree::Kind::any ? Op::any : tree.kind == Tree::Kind::none ? Op::none : Op::all;
  return IssueCondition::group(op, std::move(children));
}

Result<IssueSearchPlan> plan_issue_search(storage::EventStore& events, storage::RecordStore& records,
                                          IssueSearchQuery query, WorkContext& context) {
  return IssueSearcher(events, records, std::move(query), context).run();
}

}  // namespace telltale::errors
