#include "errors/event_condition.hpp"

#include <algorithm>

namespace telltale::errors {
namespace {

using search::Condition;
using search::Conditions;
using search::FieldKind;
using search::FieldSource;
using search::Pattern;
using search::Tree;
using storage::EventFilter;
using storage::FilterOp;

bool is_words(const Condition& c) { return c.name.empty(); }
bool is_body(const Condition& c) { return c.field != nullptr && c.field->source == FieldSource::body; }

const EventBody::Texts& body_texts(const EventBody& body, std::string_view name) {
  if (name == "function") return body.functions;
  if (name == "module") return body.modules;
  if (name == "filename") return body.filenames;
  if (name == "abs_path") return body.abs_paths;
  if (name == "package") return body.packages;
  return body.vars;
}

/// The pattern's bytes in the event's JSON, as far as they stand there as they are.
void add_needles(const Pattern& pattern, bool fold, std::string_view field, std::vector<EventFilter>& into) {
  for (const std::string& piece : pattern.pieces) {
    const std::string_view needle = unescaped_part(piece);
    if (needle.empty()) continue;
    into.push_back(EventFilter::leaf(fold ? FilterOp::icontains : FilterOp::contains, std::string(field),
                                     std::string(needle)));
  }
}

/// nullopt: any event may match.
EventFilter body_filter(const Condition& c) {
  if (c.has) return {};
  std::vector<EventFilter> ways;
  for (const Pattern& p : c.values) {
    std::vector<EventFilter> needles;
    add_needles(p, c.field->kind == FieldKind::text, "payload", needles);
    if (needles.empty()) return {};
    ways.push_back(EventFilter::all_of(std::move(needles)));
  }
  return {FilterOp::any, {}, {}, std::move(ways), {}, false};
}

EventFilter words_filter_of(const Condition& c) {
  std::vector<EventFilter> all;
  for (const Pattern& p : c.values) {
    std::vector<EventFilter> needles;
    add_needles(p, true, "payload", needles);
    if (needles.empty()) continue;
    std::vector<EventFilter> ways;
    ways.push_back(search::text_filter("message", p));
    ways.push_back(EventFilter::all_of(std::move(needles)));
    all.push_back({FilterOp::any, {}, {}, std::move(ways), {}, false});
  }
  return EventFilter::all_of(std::move(all));
}

bool is_true(const EventFilter& f) { return f.op == FilterOp::all && f.children.empty(); }

EventFilter turned(EventFilter f) { return {FilterOp::none, {}, {}, {std::move(f)}, {}, false}; }

}  // namespace

bool reads_body(const Conditions& tree) {
  if (tree.kind == Tree::Kind::term) return is_words(tree.condition) || is_body(tree.condition);
  return std::any_of(tree.children.begin(), tree.children.end(), reads_body);
}

EventFilter event_filter(const Conditions& tree, bool negated) {
  if (tree.kind == Tree::Kind::term) {
    const Condition& c = tree.condition;
    if (is_words(c) || is_body(c))
      return negated ? EventFilter{} : is_words(c) ? words_filter_of(c) : body_filter(c);
    EventFilter exact = search::row_filter(c);
    return negated ? turned(std::move(exact)) : exact;
  }
  // De Morgan: `none` is `all` of what is turned around.
  const bool below = tree.kind == Tree::Kind::none ? !negated : negated;
  const bool all = (tree.kind == Tree::Kind::any) == negated;
  std::vector<EventFilter> children;
  for (const Conditions& child : tree.children) {
    EventFilter f = event_filter(child, below);
    if (all && is_true(f)) continue;
    if (!all && is_true(f)) return {};
    children.push_back(std::move(f));
  }
  if (all) return EventFilter::all_of(std::move(children));
  return {FilterOp::any, {}, {}, std::move(children), {}, false};
}

Result<EventCheck> EventCheck::of(std::vector<const Conditions*> trees,
                                  std::vector<const Conditions*> negated) {
  EventCheck out;
  out.trees_ = std::move(trees);
  out.negated_ = std::move(negated);
  for (const Conditions* tree : out.trees_) TT_TRY(out.prepare(*tree));
  for (const Conditions* tree : out.negated_) TT_TRY(out.prepare(*tree));
  return out;
}

Result<> EventCheck::prepare(const Conditions& tree) {
  for (const Conditions& child : tree.children) TT_TRY(prepare(child));
  if (tree.kind != Tree::Kind::term) return {};
  const Condition& c = tree.condition;
  if (is_words(c)) fields_.insert("message");
  if (is_words(c) || is_body(c)) return {};
  const EventFilter filter = search::row_filter(c);
  TT_ASSIGN(auto compiled, storage::CompiledFilter::compile(filter));
  filters_.emplace(&c, std::move(compiled));
  const std::string_view reads = c.field == nullptr ? std::string_view(c.name) : c.field->reads;
  if (c.field == nullptr) {
    fields_.emplace(reads);
    return {};
  }
  for (std::size_t at = 0; at < reads.size();) {
    const std::size_t end = std::min(reads.find(' ', at), reads.size());
    fields_.emplace(reads.substr(at, end - at));
    at = end + 1;
  }
  return {};
}

bool EventCheck::matches(const EventRow& row) {
  body_ = &reader_.read(row.payload);
  return std::all_of(trees_.begin(), trees_.end(), [&](const auto* t) { return holds(*t, row); }) &&
         std::none_of(negated_.begin(), negated_.end(), [&](const auto* t) { return holds(*t, row); });
}

bool EventCheck::holds(const Conditions& tree, const EventRow& row) {
  const auto child_holds = [&](const Conditions& child) { return holds(child, row); };
  switch (tree.kind) {
    case Tree::Kind::all:
      return std::all_of(tree.children.begin(), tree.children.end(), child_holds);
    case Tree::Kind::any:
      return std::any_of(tree.children.begin(), tree.children.end(), child_holds);
    case Tree::Kind::none:
      return std::none_of(tree.children.begin(), tree.children.end(), child_holds);
    case Tree::Kind::term:
      break;
  }
  const Condition& c = tree.condition;
  if (is_words(c)) return says_all(c, row);
  if (!is_body(c)) return filters_.at(&c).matches(row);
  const auto& texts = body_texts(*body_, c.field->reads);
  if (c.has) return !texts.empty();
  const bool part = c.field->kind == FieldKind::text;
  return std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](std::string_view text) { return part ? p.said_in(text) : p.matches(text); });
  });
}

bool EventCheck::says_all(const Condition& words, const EventRow& row) {
  return std::all_of(words.values.begin(), words.values.end(), [&](const Pattern& p) {
    if (p.said_in(row.message)) return true;
    for (const auto* texts : {&body_->said, &body_->functions, &body_->modules, &body_->filenames,
                              &body_->abs_paths, &body_->packages, &body_->lines, &body_->vars})
      if (std::any_of(texts->begin(), texts->end(), [&](std::string_view text) { return p.said_in(text); }))
        return true;
    return false;
  });
}

}  // namespace telltale::errors
