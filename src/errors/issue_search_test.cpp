// Searches for issues: every query over random issues and events gives what looking at each issue with each
// of its events gives, on the naive store and on the embedded engine.
#include "errors/issue_search.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "base/rng.hpp"
#include "errors/event_words.hpp"
#include "errors/issue_store.hpp"
#include "errors/issue_views.hpp"
#include "eventdb/eventdb.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::errors {
namespace {

using search::Condition;
using search::Conditions;
using search::FieldKind;
using search::FieldSource;
using search::Pattern;
using search::Tree;

struct SearchedEvent {
  EventRow row;
  std::vector<std::string> functions, filenames, vars, said;
};

enum class Truth { no, maybe, yes };  // maybe: an event would have to tell

Truth truth(bool b) { return b ? Truth::yes : Truth::no; }
Truth opposite(Truth t) { return t == Truth::maybe ? t : t == Truth::yes ? Truth::no : Truth::yes; }

/// One condition after the other, on one issue and at most one event.
class OneByOne {
 public:
  OneByOne(const storage::Issue& issue, const SearchedEvent* event) : issue_(issue), event_(event) {}

  Truth holds(const Conditions& tree, bool turned = false) const {
    if (tree.kind == Tree::Kind::term) return condition(tree.condition, turned);
    if (tree.kind == Tree::Kind::none) return opposite(joined(tree.children, Truth::yes, !turned));
    return joined(tree.children, tree.kind == Tree::Kind::any ? Truth::yes : Truth::no, turned);
  }

 private:
  /// `decisive` of one child is that of all.
  Truth joined(const std::vector<Conditions>& children, Truth decisive, bool turned) const {
    Truth out = opposite(decisive);
    for (const Conditions& child : children) {
      const Truth t = holds(child, turned);
      if (t == decisive) return t;
      if (t == Truth::maybe) out = t;
    }
    return out;
  }

  Truth condition(const Condition& c, bool turned) const {
    if (c.name.empty()) return words(c, turned);
    if (c.field != nullptr && c.field->source == FieldSource::record) return truth(record(c));
    if (event_ == nullptr) return Truth::maybe;
    return truth(c.field != nullptr && c.field->source == FieldSource::body ? body(c) : row(c));
  }

  template <class Texts>
  static bool in_one_of(const Pattern& p, const Texts& texts) {
    return std::any_of(texts.begin(), texts.end(), [&](const auto& t) { return p.found_in(t); });
  }

  template <class Texts>
  static bool said_in_one_of(const Pattern& p, const Texts& texts) {
    return std::any_of(texts.begin(), texts.end(), [&](const auto& t) { return p.said_in(t); });
  }

  Truth words(const Condition& c, bool turned) const {
    const std::vector<std::string> own = {issue_.title, issue_.culprit, issue_.type, issue_.short_id};
    const auto all_in = [&](auto f) { return std::all_of(c.values.begin(), c.values.end(), f); };
    if (all_in([&](const Pattern& p) { return in_one_of(p, own); })) return Truth::yes;
    if (turned) return Truth::no;
    if (event_ == nullptr) return Truth::maybe;
    return truth(all_in([&](const Pattern& p) {
      return p.said_in(event_->row.message) || said_in_one_of(p, event_->functions) ||
             said_in_one_of(p, event_->filenames) || said_in_one_of(p, event_->vars) ||
             said_in_one_of(p, event_->said);
    }));
  }

  bool record(const Condition& c) const {
    const std::string_view f = c.field->reads;
    const auto text = [&](const std::string& t) {
      if (c.has) return !t.empty();
      if (c.nobody && t.empty()) return true;
      return std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) {
        return c.field->kind == FieldKind::text ? p.found_in(t) : p.matches(t);
      });
    };
    if (f == "is")
      return std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) { return state(p.text()); });
    if (f == "priority")
      return std::any_of(c.values.begin(), c.values.end(),
                         [&](const Pattern& p) { return to_string(issue_.priority) == p.text(); });
    if (f == "level")
      return c.has || std::find(c.levels.begin(), c.levels.end(), issue_.level) != c.levels.end();
    if (f == "first_seen") return c.has || c.times.contains(issue_.first_seen);
    if (f == "last_seen") return c.has || c.times.contains(issue_.last_seen);
    if (f == "event_count") return c.has || number(c, static_cast<double>(issue_.event_count));
    if (f == "title") return text(issue_.title);
    if (f == "type") return text(issue_.type);
    if (f == "assignee") return text(issue_.assignee);
    ADD_FAILURE() << "no oracle for " << f;
    return false;
  }

  bool state(const std::string& word) const {
    if (word == "assigned") return !issue_.assignee.empty();
    if (word == "unassigned") return issue_.assignee.empty();
    if (word == "archived") return issue_.status == storage::IssueStatus::ignored;
    return to_string(issue_.status) == word || to_string(issue_.substatus) == word;
  }

  static bool number(const Condition& c, double n) {
    const double bound = c.numbers.front();
    switch (c.comparison) {
      case search::Comparison::greater:
        return n > bound;
      case search::Comparison::greater_equal:
        return n >= bound;
      case search::Comparison::less:
        return n < bound;
      case search::Comparison::less_equal:
        return n <= bound;
      case search::Comparison::equal:
        break;
    }
    return std::find(c.numbers.begin(), c.numbers.end(), n) != c.numbers.end();
  }

  bool row(const Condition& c) const {
    const std::string name(c.field == nullptr ? std::string_view(c.name) : c.field->reads);
    const std::string text = field_text(event_->row, name).value_or("");
    if (c.has) return !text.empty();
    if (c.field != nullptr && c.field->kind == FieldKind::boolean)
      return text == ((c.field->name == "error.unhandled") != c.truth ? "true" : "false");
    if (!c.numbers.empty()) return !text.empty() && number(c, std::atof(text.c_str()));
    return !text.empty() && std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) {
      return c.field != nullptr && c.field->kind == FieldKind::text ? p.found_in(text) : p.matches(text);
    });
  }

  bool body(const Condition& c) const {
    const auto& texts = c.field->reads == "function"   ? event_->functions
                        : c.field->reads == "filename" ? event_->filenames
                                                       : event_->vars;
    if (c.has) return !texts.empty();
    return std::any_of(c.values.begin(), c.values.end(), [&](const Pattern& p) {
      return std::any_of(texts.begin(), texts.end(), [&](const std::string& t) {
        return c.field->kind == FieldKind::text ? p.said_in(t) : p.matches(t);
      });
    });
  }

  const storage::Issue& issue_;
  const SearchedEvent* event_;
};

constexpr const char* kWords[] = {"timeout", "Redis",    "card",         "declined",    "pay",
                                  "x\"y",    "a\\b",     "h\xc3\xa9llo", "line\nbreak", "50%",
                                  "4111",    "3bad4f21", "0x7f00ab12"};
constexpr const char* kFunctions[] = {"main", "handle_pay", "handle_cart", "Pool.get<T>", "std::vector::at"};
constexpr const char* kQueries[] = {"is:unresolved",
                                    "priority:high",
                                    "!priority:[low,medium]",
                                    "is:[resolved,ignored]",
                                    "!is:new",
                                    "is:assigned",
                                    "assigned:none",
                                    "assigned:me",
                                    "assignee:b*",
                                    "level:error",
                                    "level:>=error",
                                    "times_seen:>3",
                                    "times_seen:<=2",
                                    "first_seen:-12h",
                                    "last_seen:+6h",
                                    "type:K*",
                                    "title:timeout",
                                    "release:1.*",
                                    "release:[1.0,2.0]",
                                    "!release:1.0",
                                    "environment:prod",
                                    "!environment:prod",
                                    "error.unhandled:true",
                                    "error.handled:true",
                                    "error.value:card",
                                    "user.id:u1",
                                    "has:user.id",
                                    "!has:user.email",
                                    "url:/pay*",
                                    "tier:gold",
                                    "tags[tier]:>2",
                                    "tier:[1,gold]",
                                    "cart.size:>5",
                                    "stack.function:main",
                                    "stack.function:handle_*",
                                    "!stack.function:main",
                                    "stack.function:Pool.get<T>",
                                    "stack.filename:*/pay.py",
                                    "has:stack.vars",
                                    "stack.vars:4111",
                                    "stack.vars:h\xc3\xa9llo",
                                    "stack.vars:\"x\\\"y\"",
                                    "stack.vars:a\\b",
                                    "timeout",
                                    "card declined",
                                    "\"line\nbreak\"",
                                    "hand*pay",
                                    "redis",
                                    "!card",
                                    "50%",
                                    "\"card declined\"",
                                    "STD::VECTOR"};

std::string random_query(Rng& rng, int depth) {
  std::string out;
  const std::size_t n = 1 + rng.below(3);
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0) out += rng.chance(0.3) ? " OR " : rng.chance(0.2) ? " AND " : " ";
    if (depth > 0 && rng.chance(0.25)) {
      out += (rng.chance(0.4) ? "!(" : "(") + random_query(rng, depth - 1) + ")";
      continue;
    }
    out += kQueries[rng.below(std::size(kQueries))];
  }
  return out;
}

class IssueSearch : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    rng_ = Rng(seed);
    db_ = metadb::open_metadb(*fs_, "data", clock_, log_, metrics_).value();
    issues_ = IssueStore::open(*db_, log_, metrics_).value();
    eventdb::EventDbOptions options;
    options.block_rows = 64;
    options.chunk_rows = 32;
    options.words = event_word_indexing();
    engine_ = eventdb::open_eventdb(*fs_, "events", options, clock_, log_, metrics_).value();
  }

  template <std::size_t N>
  std::string one(const char* const (&words)[N]) {
    return words[rng_.below(N)];
  }

  SearchedEvent random_event() {
    SearchedEvent e;
    e.row.project = {rng_.chance(0.2) ? 2u : 1u};
    e.row.time = clock_.now() - Nanos(static_cast<std::int64_t>(rng_.below(24 * 3600)) * 1'000'000'000);
    e.row.received = clock_.now();
    const std::string type = rng_.chance(0.5) ? "KeyError" : "ValueError";
    const std::string value = one(kWords) + " " + one(kWords);
    e.row.message = type + ": " + value;
    e.row.ids.level = rng_.chance(0.7) ? Level::error : Level::warning;
    if (rng_.chance(0.8)) e.row.ids.environment = rng_.chance(0.6) ? "prod" : "staging";
    if (rng_.chance(0.8)) e.row.ids.release = one({"1.0", "1.1", "2.0"});
    if (rng_.chance(0.5)) e.row.ids.user_id = one({"u1", "u2", "u3"});
    // The same hash in two projects is two issues.
    e.row.set(std::string(attr::kGroupHashes), "hash" + std::to_string(rng_.below(30)));
    e.row.set(std::string(attr::kErrorType), type);
    e.row.set(std::string(attr::kErrorValue), value);
    if (rng_.chance(0.7)) e.row.set(std::string(attr::kHandled), rng_.chance(0.5));
    if (rng_.chance(0.5)) e.row.set("url.full", one({"/pay/1", "/cart", "/pay"}));
    if (rng_.chance(0.4)) e.row.set("tier", one({"gold", "1", "3"}));
    if (rng_.chance(0.4)) e.row.set("cart.size", static_cast<std::int64_t>(rng_.below(10)));
    e.said = {type, value};
    write_body(e);
    return e;
  }
  void write_body(SearchedEvent& e) {
    JsonWriter w;
    w.begin_object().key("exception").begin_object().key("values").begin_array().begin_object();
    w.field("type", e.said[0])
        .field("value", e.said[1])
        .key("stacktrace")
        .begin_object()
        .key("frames")
        .begin_array();
    for (std::size_t i = 0, n = rng_.below(4); i < n; ++i) {
      e.functions.emplace_back(one(kFunctions));
      e.filenames.emplace_back(rng_.chance(0.5) ? "shop/pay.py" : "shop/cart.py");
      w.begin_object().field("function", e.functions.back()).field("filename", e.filenames.back());
      if (rng_.chance(0.5)) {
        e.vars.emplace_back("basket");
        e.vars.emplace_back(one(kWords));
        w.key("vars").begin_object().field("basket", e.vars.back());
        if (rng_.chance(0.5)) {
          e.vars.insert(e.vars.end(), {"items", "4111", "size", "true", "50%"});
          w.key("items").begin_array().integer(4111).begin_object().field("size", true).end_object();
          w.string("50%").end_array();
        }
        w.end_object();
      }
      w.end_object();
    }
    w.end_array().end_object().end_object().end_array().end_object().end_object();
    e.row.payload = w.take();
  }

  void fill(std::size_t events) {
    for (std::size_t i = 0; i < events; ++i) {
      events_.push_back(random_event());
      storage::Batch batch;
      batch.project = events_.back().row.project;
      batch.errors = {events_.back().row};
      const Sequence sequence{i + 1};
      ASSERT_TRUE(issues_->apply(sequence, batch));
      ASSERT_TRUE(memory_.apply(sequence, batch));
      ASSERT_TRUE(engine_->apply(sequence, batch));
      if (i == events * 2 / 3) {
        ASSERT_TRUE(engine_->checkpoint());
      }
    }
    storage::IssueQuery every;
    every.projects = {ProjectId{1}, ProjectId{2}};
    every.limit = 1000;
    auto fresh = db_->issues().search(every).value();
    for (auto& issue : fresh) {
      issue.status = static_cast<storage::IssueStatus>(1 + rng_.below(3));
      issue.priority = static_cast<storage::IssuePriority>(1 + rng_.below(3));
      issue.substatus = issue.status == storage::IssueStatus::unresolved
                            ? static_cast<storage::IssueSubstatus>(1 + rng_.below(4))
                            : storage::IssueSubstatus::none;
      if (rng_.chance(0.5)) issue.assignee = one({"ann", "bob", "ben"});
      ASSERT_TRUE(db_->issues().update(issue));
    }
    known_ = db_->issues().search(every).value();
  }

  std::set<std::int64_t> by_hand(const Conditions& where, const storage::Projects& projects) {
    IssueResolver resolver(*db_);
    std::map<std::int64_t, std::vector<const SearchedEvent*>> events;
    for (const SearchedEvent& e : events_) events[resolver.issue_of(e.row).value()->value].push_back(&e);
    std::set<std::int64_t> out;
    for (const storage::Issue& issue : known_) {
      if (std::find(projects.begin(), projects.end(), issue.project) == projects.end()) continue;
      bool found = OneByOne(issue, nullptr).holds(where) == Truth::yes;
      for (const SearchedEvent* e : events[issue.id.value])
        found = found || OneByOne(issue, e).holds(where) == Truth::yes;
      if (found) out.insert(issue.id.value);
    }
    return out;
  }

  void compare(storage::EventStore& store, const std::string& text) {
    const auto where = search::understand(text, {search::Subject::issues, clock_.now(), "ann"});
    ASSERT_TRUE(where) << text << ": " << where.error().message();
    for (const storage::Projects& projects : {storage::Projects{{1}}, storage::Projects{{1}, {2}}}) {
      IssueSearchQuery query;
      query.records.projects = projects;
      query.records.limit = 1000;
      query.where = *where;
      const auto plan = plan_issue_search(store, *db_, std::move(query), context_);
      if (!plan) {
        EXPECT_NE(plan.error().message().find("mixed"), std::string::npos)
            << text << ": " << plan.error().message();
        return;
      }
      EXPECT_TRUE(plan->complete);
      std::set<std::int64_t> ids;
      const auto found = db_->issues().search(plan->records).value();
      for (const auto& issue : found) ids.insert(issue.id.value);
      EXPECT_EQ(ids, by_hand(*where, projects)) << text;
      EXPECT_EQ(db_->issues().count(plan->records).value(), ids.size()) << text;
    }
  }

  Rng rng_{1};
  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  WorkContext context_{clock_, WorkLimits{}};
  std::unique_ptr<io::FileSystem> fs_ = io::make_memory_file_system();
  std::unique_ptr<metadb::MetaDb> db_;
  std::unique_ptr<IssueStore> issues_;
  storage::MemoryEventStore memory_;
  std::unique_ptr<eventdb::EventDb> engine_;
  std::vector<SearchedEvent> events_;
  std::vector<storage::Issue> known_;
};

TEST_F(IssueSearch, EqualsLookingAtEveryIssueWithEveryEvent) {
  fill(300);
  for (const char* query : kQueries) {
    compare(memory_, query);
    compare(*engine_, query);
  }
  for (int round = 0; round < 150; ++round) {
    const std::string query = random_query(rng_, 2);
    compare(memory_, query);
    compare(*engine_, query);
    if (HasFailure()) FAIL() << "query: " << query;
  }
}

constexpr const char* kStackFields[] = {"stack.vars", "stack.function", "stack.filename"};

TEST_F(IssueSearch, WordsAreFoundByAnyPartOfThem) {
  fill(250);
  const auto found_in = [this](storage::EventStore& store, const IssueSearchQuery& asked) {
    const auto plan = plan_issue_search(store, *db_, asked, context_);
    EXPECT_TRUE(plan) << plan.error().message();
    EXPECT_TRUE(plan->complete);
    std::set<std::int64_t> ids;
    const auto found = db_->issues().search(plan->records).value();
    for (const auto& issue : found) ids.insert(issue.id.value);
    return ids;
  };
  const auto part_of_a_text = [this] {
    const SearchedEvent& e = events_[rng_.below(events_.size())];
    std::vector<std::string> texts = e.said;
    for (const auto* more : {&e.functions, &e.filenames, &e.vars})
      texts.insert(texts.end(), more->begin(), more->end());
    std::string text = texts[rng_.below(texts.size())];
    text = text.substr(rng_.below(text.size()));
    text.resize(std::min(text.size(), 1 + rng_.below(8)));
    // No half characters: a filter refuses them.
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0) == 0x80) text.erase(0, 1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
    if (text.empty()) text = "card";
    Pattern p;
    p.pieces = {std::move(text)};
    if (rng_.chance(0.2)) p.pieces.emplace_back("a");
    return p;
  };
  for (int round = 0; round < 400; ++round) {
    if (round == 200) {
      ASSERT_TRUE(engine_->checkpoint());
      ASSERT_TRUE(engine_->maintenance());
    }
    IssueSearchQuery asked;
    asked.records.projects = {{1}, {2}};
    asked.records.limit = 1000;
    if (rng_.chance(0.3)) {
      asked.records.seen.from = clock_.now() - std::chrono::hours(1 + rng_.below(24));
      asked.records.seen.to = asked.records.seen.from + Nanos(std::chrono::hours(1 + rng_.below(12)));
    }
    for (std::size_t i = 0, n = 1 + rng_.below(2); i < n; ++i) {
      Condition c;
      for (std::size_t v = 0, values = rng_.chance(0.3) ? 2 : 1; v < values; ++v)
        c.values.push_back(part_of_a_text());
      if (rng_.chance(0.4)) {
        c.name = kStackFields[rng_.below(std::size(kStackFields))];
        c.field =
            search::understand(c.name + ":x", {search::Subject::issues, clock_.now(), ""})->condition.field;
        ASSERT_NE(c.field, nullptr);
        if (c.field->kind == FieldKind::word && rng_.chance(0.7))
          for (Pattern& p : c.values) p.pieces = {"", p.pieces.front(), ""};
      }
      asked.where.children.push_back(Conditions::of(std::move(c)));
    }
    EXPECT_EQ(found_in(memory_, asked), found_in(*engine_, asked)) << "round " << round;
    if (HasFailure()) break;
  }
}

TEST_F(IssueSearch, AWordIsFoundWithoutReadingEvents) {
  fill(200);
  ASSERT_TRUE(engine_->checkpoint());
  for (const char* text : {"timeout", "handle_pay", "stack.vars:basket", "redi", "nowhere_at_all"}) {
    IssueSearchQuery query;
    query.records.projects = {{1}, {2}};
    query.where = search::understand(text, {search::Subject::issues, clock_.now(), ""}).value();
    const auto plan = plan_issue_search(*engine_, *db_, query, context_);
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(plan->stats.rows, 0u) << text;
  }
}

TEST_F(IssueSearch, ReadsFewBodiesOfFrequentGroups) {
  // One group has nearly all events, and every one of them matches.
  std::vector<EventRow> rows;
  for (int i = 0; i < 20'000; ++i) {
    SearchedEvent e = random_event();
    e.row.project = {1};
    e.row.set(std::string(attr::kGroupHashes), std::string(i % 1000 == 0 ? "rare" : "frequent"));
    e.row.payload = R"({"exception":[{"stacktrace":{"frames":[{"function":"main"}]}}]})";
    rows.push_back(std::move(e.row));
  }
  storage::Batch batch;
  batch.project = {1};
  batch.errors = rows;
  ASSERT_TRUE(issues_->apply(Sequence{1}, batch));
  ASSERT_TRUE(engine_->apply(Sequence{1}, batch));
  ASSERT_TRUE(engine_->checkpoint());
  IssueSearchQuery query;
  query.records.projects = {{1}};
  query.where =
      search::understand("stack.function:main", {search::Subject::issues, clock_.now(), ""}).value();
  const auto plan = plan_issue_search(*engine_, *db_, query, context_);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(db_->issues().search(plan->records)->size(), 2u);
  EXPECT_LT(plan->stats.rows, 4'000u) << "the walk goes on without the frequent group";
}

}  // namespace
}  // namespace telltale::errors
