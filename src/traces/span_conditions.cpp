#include "traces/span_conditions.hpp"

#include "traces/span_facts.hpp"

namespace telltale::traces {
namespace {

using search::Condition;
using search::Pattern;
using search::Tree;
using storage::EventFilter;
using storage::FilterOp;

EventFilter turned_around(EventFilter f) { return {FilterOp::none, {}, {}, {std::move(f)}, {}, false}; }

/// `error` is what span_facts.hpp calls failed, whatever word the source has for it.
EventFilter status_filter(Condition c) {
  std::vector<EventFilter> ways;
  std::vector<Pattern> others;
  for (Pattern& p : c.values) {
    if (p.literal() && p.text() == "error")
      ways.push_back(failed_filter());
    else
      others.push_back(std::move(p));
  }
  c.values = std::move(others);
  if (c.has || !c.values.empty()) ways.push_back(search::row_filter(c));
  return {FilterOp::any, {}, {}, std::move(ways), {}, false};
}

EventFilter condition_filter(const Condition& c) {
  if (c.name.empty()) {
    std::vector<EventFilter> all;
    for (const Pattern& p : c.values) all.push_back(search::text_filter("*", p));
    return EventFilter::all_of(std::move(all));
  }
  if (c.field != nullptr && c.field->name == "error") {
    return c.has || c.truth ? failed_filter() : turned_around(failed_filter());
  }
  if (c.field != nullptr && c.field->name == "status") return status_filter(c);
  return search::row_filter(c);
}

}  // namespace

EventFilter span_filter(const search::Conditions& tree) {
  if (tree.kind == Tree::Kind::term) return condition_filter(tree.condition);
  EventFilter out;
  out.op = tree.kind == Tree::Kind::any    ? FilterOp::any
           : tree.kind == Tree::Kind::none ? FilterOp::none
                                           : FilterOp::all;
  for (const search::Conditions& child : tree.children) out.children.push_back(span_filter(child));
  return out;
}

}  // namespace telltale::traces
