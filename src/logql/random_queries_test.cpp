// Thousands of random queries over random rows, answered by the engine and by an evaluator that is as plain
// as can be: every step looks at every row, a row's labels are a map, nothing is pushed down, remembered or
// shared. The seed is printed; TELLTALE_SEED repeats a run.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <re2/re2.h>
#include <simdjson.h>

#include "base/rng.hpp"
#include "logql/engine.hpp"
#include "logql/units.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::logql {
namespace {

constexpr std::int64_t kBegin = 1'700'000'000;

/// A row in the plain evaluator's hands.
struct PlainRow {
  UnixNanos time;
  std::string line;
  std::map<std::string, std::string> labels;
  std::set<std::string> base;
  std::set<std::string> parsed_names;
  std::map<std::string, std::string> fields;  // read at ingest, not shown
  std::string error;

  std::string get(const std::string& name) const {
    if (name == "__error__") return error;
    if (const auto l = labels.find(name); l != labels.end()) return l->second;
    const auto f = fields.find(name);
    return f == fields.end() ? "" : f->second;
  }
  void extract(std::string name, const std::string& value) {
    if (base.count(name) != 0) name += "_extracted";
    if (!parsed_names.insert(name).second) return;
    labels[name] = value;
  }
  void set(const std::string& name, const std::string& value) {
    labels[name] = value;
    parsed_names.insert(name);
  }
  void erase(const std::string& name) {
    if (name == "__error__") error.clear();
    labels.erase(name);
    parsed_names.erase(name);
    fields.erase(name);
  }
};

std::string plain_name(std::string name) {
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != ':') c = '_';
  return name;
}

bool plain_json(PlainRow& row) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (parser.parse(row.line).get(root) != simdjson::SUCCESS) return false;
  const std::function<void(simdjson::dom::object, const std::string&)> walk = [&](simdjson::dom::object o,
                                                                                  const std::string& prefix) {
    for (const auto [key, value] : o) {
      const std::string name = plain_name(prefix + std::string(key));
      if (value.is_object()) walk(value.get_object().value_unsafe(), name + "_");
      if (value.is_string()) row.extract(name, std::string(value.get_string().value_unsafe()));
      if (value.is_int64()) row.extract(name, std::to_string(value.get_int64().value_unsafe()));
      if (value.is_bool()) row.extract(name, value.get_bool().value_unsafe() ? "true" : "false");
    }
  };
  walk(root, "");
  return true;
}

/// The lines of the tests have no quotes with spaces in them.
void plain_logfmt(PlainRow& row) {
  std::size_t at = 0;
  while (at < row.line.size()) {
    const std::size_t end = std::min(row.line.find(' ', at), row.line.size());
    const std::string word = row.line.substr(at, end - at);
    at = end + 1;
    const std::size_t eq = word.find('=');
    if (eq == std::string::npos || eq == 0 || eq + 1 == word.size()) continue;
    if (word.find('=', eq + 1) != std::string::npos || word.find('"') != std::string::npos) continue;
    row.extract(plain_name(word.substr(0, eq)), word.substr(eq + 1));
  }
}

std::string plain_template(const PlainRow& row, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "{{.") == 0) {
      const std::size_t end = text.find("}}", i);
      out += row.get(text.substr(i + 3, end - i - 3));
      i = end + 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

bool plain_text_match(CompareOp op, const std::string& value, const std::string& want) {
  if (op == CompareOp::eq) return value == want;
  if (op == CompareOp::ne) return value != want;
  return re2::RE2::FullMatch(value, want) == (op == CompareOp::re);
}

bool plain_filter(PlainRow& row, const LabelFilter& f) {
  if (f.kind == LabelFilterKind::both)
    return plain_filter(row, f.children[0]) && plain_filter(row, f.children[1]);
  if (f.kind == LabelFilterKind::either) {
    const bool a = plain_filter(row, f.children[0]);
    return a || plain_filter(row, f.children[1]);
  }
  const std::string value = row.get(f.name);
  if (f.kind == LabelFilterKind::text) return plain_text_match(f.op, value, f.value);
  if (!row.error.empty()) return true;
  if (value.empty()) return false;
  double v = 0;
  if (f.kind == LabelFilterKind::number) {
    char* stop = nullptr;
    v = std::strtod(value.c_str(), &stop);
    if (*stop != '\0') row.error = "LabelFilterErr";
  } else {
    const auto d = parse_go_duration(value);
    if (!d) row.error = "LabelFilterErr";
    v = d ? static_cast<double>(d->count()) : 0;
  }
  if (!row.error.empty()) return true;
  switch (f.op) {
    case CompareOp::eq:
      return v == f.number;
    case CompareOp::ne:
      return v != f.number;
    case CompareOp::gt:
      return v > f.number;
    case CompareOp::ge:
      return v >= f.number;
    case CompareOp::lt:
      return v < f.number;
    default:
      return v <= f.number;
  }
}

bool plain_line(const PlainRow& row, const EventRow& event, const Stage& s) {
  bool any = false;
  for (const LineTerm& t : s.terms) {
    std::vector<std::string> texts = {row.line};
    if (t.kind == TermKind::any_field)
      for (const Attr& a : event.attributes) texts.push_back(telltale::to_string(a.value));
    re2::RE2::Options options;
    options.set_dot_nl(true);
    const re2::RE2 regex(t.text, options);
    for (const std::string& text : texts) {
      const bool plain = s.line_op == LineOp::contains || s.line_op == LineOp::not_contains;
      any = any || (plain ? text.find(t.text) != std::string::npos : re2::RE2::PartialMatch(text, regex));
    }
  }
  return any != is_negative(s.line_op);
}

void plain_keep(PlainRow& row, const Stage& s) {
  std::map<std::string, std::string> kept;
  for (const auto& [name, value] : row.labels)
    for (const LabelChoice& c : s.choices)
      if (c.name == name && (!c.matcher || plain_text_match(c.matcher->op, value, c.matcher->value)))
        kept[name] = value;
  row.labels = kept;
  row.fields.clear();
  std::set<std::string> names;
  for (const auto& [name, value] : kept)
    if (row.parsed_names.count(name) != 0) names.insert(name);
  row.parsed_names = names;
}

bool plain_stage(PlainRow& row, const EventRow& event, const Stage& s) {
  switch (s.kind) {
    case StageKind::line_filter:
      return plain_line(row, event, s);
    case StageKind::label_filter:
      return plain_filter(row, s.filter);
    case StageKind::json:
      if (!plain_json(row)) row.error = "JSONParserErr";
      return true;
    case StageKind::logfmt:
      plain_logfmt(row);
      return true;
    case StageKind::line_format:
      row.line = plain_template(row, s.text);
      return true;
    case StageKind::label_format:
      for (const Assignment& a : s.assignments) {
        if (!a.is_label) {
          row.set(a.label, plain_template(row, a.value));
        } else if (!row.get(a.value).empty() || row.labels.count(a.value) != 0) {
          const std::string value = row.get(a.value);
          row.erase(a.value);
          row.set(a.label, value);
        }
      }
      return true;
    case StageKind::drop:
      for (const LabelChoice& c : s.choices) {
        const bool present = row.labels.count(c.name) != 0 || !row.get(c.name).empty();
        if (!c.matcher || (present && plain_text_match(c.matcher->op, row.get(c.name), c.matcher->value)))
          row.erase(c.name);
      }
      return true;
    case StageKind::keep:
      plain_keep(row, s);
      return true;
    default:
      ADD_FAILURE() << "a stage that the plain evaluator does not know";
      return false;
  }
}

PlainRow plain_row(const EventRow& event) {
  PlainRow row;
  row.time = event.time;
  row.line = event.message;
  for (const Attr& a : event.attributes) {
    const std::string name = plain_name(a.name);
    if (a.kind == AttrKind::parsed) {
      row.fields.emplace(name, telltale::to_string(a.value));
    } else {
      row.labels[name] = telltale::to_string(a.value);
      row.base.insert(name);
    }
  }
  return row;
}

std::optional<PlainRow> plain_pipeline(const EventRow& event, const LogQuery& q) {
  PlainRow row = plain_row(event);
  for (const Matcher& m : q.matchers)
    if (!plain_text_match(m.op, row.get(m.name), m.value)) return std::nullopt;
  for (const Stage& s : q.stages)
    if (!plain_stage(row, event, s)) return std::nullopt;
  return row;
}

using PlainLabels = std::map<std::string, std::string>;
using PlainVector = std::map<PlainLabels, double>;
struct PlainError {};

PlainLabels plain_group(const PlainRow* row, PlainLabels labels, const Grouping& g) {
  PlainLabels out;
  if (!g.given) return labels;
  if (!g.without) {
    for (const std::string& name : g.labels) {
      const std::string value = row != nullptr ? row->get(name) : labels[name];
      if (!value.empty()) out[name] = value;
    }
    return out;
  }
  for (const auto& [name, value] : labels)
    if (std::find(g.labels.begin(), g.labels.end(), name) == g.labels.end()) out[name] = value;
  return out;
}

double plain_window(RangeOp op, std::vector<double> v, double q, double seconds,
                    const std::set<std::string>& texts) {
  double sum = 0;
  for (const double x : v) sum += x;
  const double n = static_cast<double>(v.size());
  double squares = 0;
  for (const double x : v) squares += (x - sum / n) * (x - sum / n);
  switch (op) {
    case RangeOp::rate:
    case RangeOp::bytes_rate:
      return sum / seconds;
    case RangeOp::avg_over_time:
      return sum / n;
    case RangeOp::min_over_time:
      return *std::min_element(v.begin(), v.end());
    case RangeOp::max_over_time:
      return *std::max_element(v.begin(), v.end());
    case RangeOp::stdvar_over_time:
      return squares / n;
    case RangeOp::stddev_over_time:
      return std::sqrt(squares / n);
    case RangeOp::first_over_time:
      return v.front();
    case RangeOp::last_over_time:
      return v.back();
    case RangeOp::distinct_over_time:
      return static_cast<double>(texts.size());
    case RangeOp::rate_counter: {
      double up = 0;
      for (std::size_t i = 1; i < v.size(); ++i) up += v[i] >= v[i - 1] ? v[i] - v[i - 1] : v[i];
      return up / seconds;
    }
    case RangeOp::quantile_over_time: {
      std::sort(v.begin(), v.end());
      const double rank = q * (n - 1);
      const auto low = static_cast<std::size_t>(std::floor(rank));
      const std::size_t high = std::min(low + 1, v.size() - 1);
      return v[low] * (1 - (rank - std::floor(rank))) + v[high] * (rank - std::floor(rank));
    }
    default:
      return sum;
  }
}

/// By time, then in the order of acceptance.
PlainVector plain_range(const Expr& e, const Grouping& g, const std::vector<EventRow>& rows, UnixNanos t) {
  std::map<PlainLabels, std::pair<std::vector<double>, std::set<std::string>>> groups;
  const std::int64_t end = t.ns - e.log.offset.count();
  for (const EventRow& event : rows) {
    if (event.time.ns <= end - e.log.range.count() || event.time.ns > end) continue;
    auto row = plain_pipeline(event, e.log);
    if (!row) continue;
    double value = e.range_op == RangeOp::bytes_over_time || e.range_op == RangeOp::bytes_rate
                       ? static_cast<double>(row->line.size())
                       : 1;
    std::string text;
    if (e.log.unwrap) {
      text = row->get(e.log.unwrap->label);
      if (text.empty()) continue;
      char* stop = nullptr;
      value = std::strtod(text.c_str(), &stop);
      if (e.range_op != RangeOp::distinct_over_time && *stop != '\0') row->error = "SampleExtractionErr";
      bool kept = true;
      for (const LabelFilter& f : e.log.unwrap->filters) kept = kept && plain_filter(*row, f);
      if (!kept) continue;
    }
    if (!row->error.empty()) throw PlainError();
    PlainLabels labels;
    for (const auto& [name, v] : row->labels)
      if (!v.empty()) labels[name] = v;
    if (e.log.unwrap && !(g.given && !g.without)) labels.erase(e.log.unwrap->label);
    auto& group = groups[plain_group(&*row, labels, g)];
    group.first.push_back(value);
    group.second.insert(text);
  }
  PlainVector out;
  const double seconds = static_cast<double>(e.log.range.count()) / 1e9;
  for (const auto& [labels, samples] : groups)
    out[labels] = plain_window(e.range_op, samples.first, e.parameter.value_or(0), seconds, samples.second);
  return out;
}

PlainVector plain_eval(const Expr& e, const std::vector<EventRow>& rows, UnixNanos t);

PlainVector plain_aggregate(const Expr& e, const std::vector<EventRow>& rows, UnixNanos t) {
  const Expr& inner = e.args[0];
  // A sum right around reaches what a row has, not only what its series shows.
  const bool direct = e.vector_op == VectorOp::sum && inner.kind == ExprKind::range &&
                      (inner.range_op == RangeOp::rate || inner.range_op == RangeOp::count_over_time ||
                       inner.range_op == RangeOp::bytes_over_time || inner.range_op == RangeOp::bytes_rate ||
                       inner.range_op == RangeOp::sum_over_time);
  Grouping g = e.grouping;
  g.given = true;
  if (direct) return plain_range(inner, g, rows, t);
  std::map<PlainLabels, std::vector<double>> groups;
  for (const auto& [labels, v] : plain_eval(inner, rows, t))
    groups[plain_group(nullptr, labels, g)].push_back(v);
  PlainVector out;
  for (const auto& [labels, v] : groups) {
    const RangeOp same = e.vector_op == VectorOp::avg      ? RangeOp::avg_over_time
                         : e.vector_op == VectorOp::min    ? RangeOp::min_over_time
                         : e.vector_op == VectorOp::max    ? RangeOp::max_over_time
                         : e.vector_op == VectorOp::stddev ? RangeOp::stddev_over_time
                         : e.vector_op == VectorOp::stdvar ? RangeOp::stdvar_over_time
                                                           : RangeOp::sum_over_time;
    out[labels] =
        e.vector_op == VectorOp::count ? static_cast<double>(v.size()) : plain_window(same, v, 0, 1, {});
  }
  return out;
}

PlainVector plain_eval(const Expr& e, const std::vector<EventRow>& rows, UnixNanos t) {
  if (e.kind == ExprKind::range) return plain_range(e, e.grouping, rows, t);
  if (e.kind == ExprKind::aggregate) return plain_aggregate(e, rows, t);
  if (e.kind == ExprKind::vector) return {{{}, e.number}};
  PlainVector left = plain_eval(e.args[0], rows, t);
  PlainVector out;
  if (e.args[1].kind == ExprKind::number) {
    for (const auto& [labels, v] : left) {
      if (e.binary_op == BinaryOp::mul) out[labels] = v * e.args[1].number;
      if (e.binary_op == BinaryOp::gt && v > e.args[1].number) out[labels] = v;
    }
    return out;
  }
  const PlainVector right = plain_eval(e.args[1], rows, t);
  for (const auto& [labels, v] : left) {
    const auto other = right.find(labels);
    if (e.binary_op == BinaryOp::or_ || (e.binary_op == BinaryOp::unless && other == right.end()))
      out[labels] = v;
    if (other == right.end()) continue;
    if (e.binary_op == BinaryOp::and_) out[labels] = v;
    if (e.binary_op == BinaryOp::add) out[labels] = v + other->second;
  }
  if (e.binary_op == BinaryOp::or_)
    for (const auto& [labels, v] : right) out.emplace(labels, v);
  return out;
}

class QueryMaker {
 public:
  explicit QueryMaker(Rng& rng) : rng_(rng) {}

  std::string any() { return rng_.chance(0.3) ? log() : metric(2); }

  std::vector<EventRow> rows() {
    std::vector<EventRow> out;
    const std::size_t n = 20 + rng_.below(60);
    for (std::size_t i = 0; i < n; ++i) out.push_back(row());
    std::stable_sort(out.begin(), out.end(),
                     [](const EventRow& a, const EventRow& b) { return a.time < b.time; });
    return out;
  }

 private:
  std::string pick(std::initializer_list<const char*> list) {
    return *(list.begin() + rng_.below(list.size()));
  }

  EventRow row() {
    EventRow r;
    r.project = ProjectId{1};
    r.time = UnixNanos{(kBegin + static_cast<std::int64_t>(rng_.below(300))) * 1'000'000'000};
    r.set("app", pick({"a", "b", "c"}), AttrKind::label);
    if (rng_.chance(0.8)) r.set("pod", pick({"1", "2", "3"}), AttrKind::label);
    if (rng_.chance(0.3)) r.set("trace.id", pick({"t1", "t2"}), AttrKind::metadata);
    if (rng_.chance(0.1)) r.set("user", pick({"m1", "m2"}), AttrKind::metadata);
    const std::string user = pick({"u1", "u2", "u3"});
    const auto n = static_cast<std::int64_t>(rng_.below(12));
    const std::string d = pick({"5ms", "1s", "90s", "long"});
    const std::string x = pick({"y", "z"});
    const std::size_t kind = rng_.below(10);
    if (kind < 4) {
      r.message = "{\"user\":\"" + user + "\",\"n\":" + std::to_string(n) + ",\"d\":\"" + d +
                  "\",\"t\":{\"x\":\"" + x + "\"},\"app\":\"in\"}";
    } else if (kind < 8) {
      r.message = "user=" + user + " n=" + std::to_string(n) + " d=" + d + " t_x=" + x + " word";
    } else {
      r.message = pick({"plain error line", "another word", "{\"cut\":", ""});
    }
    // What was taken in may have been parsed, or not.
    if (kind < 8 && rng_.chance(0.7)) {
      if (r.find("user") == nullptr) r.set("user", user, AttrKind::parsed);
      r.set("n", n, AttrKind::parsed);
      r.set("d", d, AttrKind::parsed);
      r.set("t.x", x, AttrKind::parsed);
    }
    return r;
  }

  std::string selector() {
    return pick({"{}", "{app=\"a\"}", "{app=~\"a|b\"}", "{app!=\"a\"}", "{pod!~\"1|2\"}", "{pod=\"\"}",
                 "{app=~\".+\", pod=\"1\"}", "{user=\"u1\"}"});
  }
  std::string filter() {
    switch (rng_.below(9)) {
      case 0:
        return "user=\"" + pick({"u1", "u2", "m1", ""}) + "\"";
      case 1:
        return "user!=\"" + pick({"u1", "", "m2"}) + "\"";
      case 2:
        return "n " + pick({">", ">=", "<", "<=", "==", "!="}) + " " + std::to_string(rng_.below(12));
      case 3:
        return "d " + pick({">", "<=", "=="}) + " " + pick({"10ms", "1s", "2m"});
      case 4:
        return "t_x=~\"" + pick({"y|q", ".", "z"}) + "\"";
      case 5:
        return "pod!~\"" + pick({"1", "2|3"}) + "\"";
      case 6:
        return pick({"__error__=\"\"", "__error__!=\"JSONParserErr\""});
      case 7:
        return "(" + filter() + pick({" or ", " and "}) + filter() + ")";
      default:
        return filter() + pick({" or ", " and ", ", "}) + filter();
    }
  }
  std::string stage() {
    switch (rng_.below(14)) {
      case 0:
        return "|= \"" + pick({"u1", "word", "error", "\\\"n\\\":5", "n=5"}) + "\"";
      case 1:
        return "!= \"" + pick({"u2", "plain", "word"}) + "\"";
      case 2:
        return "|~ \"" + pick({"u[12]", "n.{1,2}5", "(?i)WORD", "^user", "line$", "e+r", "u1.*word"}) + "\"";
      case 3:
        return "!~ \"" + pick({"u[12]", "word|line"}) + "\"";
      case 4:
        return "|= \"" + pick({"u1", "u2"}) + "\" or \"" + pick({"plain", "zzz"}) + "\"";
      case 5:
      case 6:
        return "| json";
      case 7:
        return "| logfmt";
      case 8:
        return "| line_format \"" + pick({"{{.user}} {{.n}}", "n={{.n}} user={{.app}}", "fixed"}) + "\"";
      case 9:
        return "| label_format " +
               pick({"z=user", "z=\"{{.app}}-{{.pod}}\"", "app=\"all\"", "user=pod", "n=\"7\""});
      case 10:
        return "| drop " + pick({"pod", "user", "app=\"a\"", "n, d", "__error__"});
      case 11:
        return "| keep " + pick({"app, user", "pod", "app=~\"a|b\", n"});
      case 12:
        return "|= any(\"" + pick({"t1", "u3", "m1"}) + "\")";
      default:
        return "| " + filter();
    }
  }
  std::string log() {
    std::string out = selector();
    for (std::size_t i = rng_.below(5); i > 0; --i) out += " " + stage();
    return out;
  }
  std::string range() {
    const std::string window =
        " [" + pick({"10s", "45s", "1m", "150s"}) + "]" + pick({"", "", "", " offset 30s", " offset -20s"});
    switch (rng_.below(3)) {
      case 0:
        return pick({"count_over_time(", "rate(", "bytes_over_time(", "bytes_rate("}) + log() + window + ")";
      case 1:
        return pick({"sum_over_time(", "rate(", "rate_counter("}) + log() + " | unwrap n" +
               pick({"", " | __error__=\"\""}) + window + ")";
      default:
        return pick({"avg_over_time(", "min_over_time(", "max_over_time(", "stdvar_over_time(",
                     "stddev_over_time(", "first_over_time(", "last_over_time(", "quantile_over_time(0.7, ",
                     "distinct_over_time("}) +
               log() + " | unwrap n" + pick({"", " | __error__=\"\""}) + window + ")" +
               pick({"", " by (app)", " by (user, pod)", " without (pod, user)", " by ()"});
    }
  }
  std::string metric(int depth) {
    if (depth == 0 || rng_.chance(0.3)) return range();
    switch (rng_.below(5)) {
      case 0:
        return "(" + metric(depth - 1) + ")" + pick({" * 2", " > 1"});
      case 1:
        return "(" + metric(depth - 1) + ")" + pick({" + ", " and ", " or ", " unless "}) + "(" +
               metric(depth - 1) + ")";
      default:
        return pick({"sum", "sum", "avg", "min", "max", "count", "stddev", "stdvar"}) +
               pick({"", " by (app)", " by (user)", " by (app, t_x)", " without (pod)"}) + "(" +
               metric(depth - 1) + ")";
    }
  }
  Rng& rng_;
};

std::string show_plain(const PlainVector& v) {
  std::string out;
  for (const auto& [labels, value] : v) {
    out += "{";
    for (const auto& [name, text] : labels) out += name + "=" + text + ",";
    out += "}=" + format_plain_float(value) + " ";
  }
  return out;
}

bool close_enough(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

void check_log(storage::EventStore& store, const Expr& e, const std::vector<EventRow>& rows,
               QueryRequest request, WorkContext& context) {
  std::vector<std::pair<std::int64_t, std::string>> want;
  for (const EventRow& event : rows) {
    if (event.time < request.start || event.time >= request.end) continue;
    auto row = plain_pipeline(event, e.log);
    if (!row) continue;
    std::string text = row->line + " {";
    if (!row->error.empty()) row->labels["__error__"] = row->error;
    for (const auto& [name, value] : row->labels) text += name + "=" + value + ",";
    want.emplace_back(row->time.ns, text + "}");
  }
  const auto got = run(store, e, request, context);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->entries.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    std::map<std::string, std::string> labels;
    for (const auto* list : {&got->entries[i].stream, &got->entries[i].metadata, &got->entries[i].parsed})
      for (const Label& l : *list)
        if (l.name != "__error_details__") labels[l.name] = l.value;
    std::string text = got->entries[i].line + " {";
    for (const auto& [name, value] : labels) text += name + "=" + value + ",";
    ASSERT_EQ(std::pair(got->entries[i].time.ns, text + "}"), want[i]);
  }
}

void check_metric(storage::EventStore& store, const Expr& e, const std::vector<EventRow>& rows,
                  const QueryRequest& request, WorkContext& context) {
  std::vector<PlainVector> want;
  bool fails = false;
  try {
    for (UnixNanos t = request.start; t <= request.end; t = t + request.step)
      want.push_back(plain_eval(e, rows, t));
  } catch (const PlainError&) {
    fails = true;
  }
  const auto got = run(store, e, request, context);
  ASSERT_EQ(!got, fails) << (got ? "" : got.error().message());
  if (fails) return;
  std::size_t points = 0;
  std::size_t wanted = 0;
  for (const PlainVector& v : want) wanted += v.size();
  for (const Series& s : got->series) {
    PlainLabels labels;
    for (const Label& l : s.labels) labels[l.name] = l.value;
    for (const Point& p : s.points) {
      const auto k = static_cast<std::size_t>((p.time - request.start) / request.step);
      const auto found = want[k].find(labels);
      ASSERT_TRUE(found != want[k].end())
          << s.labels.to_string() << " at step " << k << ", wanted " << show_plain(want[k]);
      ASSERT_TRUE(close_enough(found->second, p.value))
          << s.labels.to_string() << " at step " << k << ": " << p.value << ", wanted " << found->second;
      ++points;
    }
  }
  ASSERT_EQ(points, wanted);
}

TEST(LogqlRandom, QueriesMeanWhatThePlainEvaluatorSays) {
  const char* given = std::getenv("TELLTALE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  FakeClock clock;
  for (int history = 0; history < 60; ++history) {
    QueryMaker maker(rng);
    const std::vector<EventRow> rows = maker.rows();
    storage::MemoryEventStore store;
    storage::Batch batch;
    batch.project = ProjectId{1};
    batch.rows(Table::logs) = rows;
    ASSERT_TRUE(store.apply(Sequence{1}, batch));
    for (int i = 0; i < 50; ++i) {
      const std::string text = maker.any();
      SCOPED_TRACE(text);
      auto expr = parse(text);
      ASSERT_TRUE(expr) << expr.error().message();
      const auto again = parse(format(*expr));
      ASSERT_TRUE(again) << format(*expr);
      ASSERT_EQ(format(*again), format(*expr));
      QueryRequest request;
      request.projects = {ProjectId{1}};
      request.start = UnixNanos::from_seconds(kBegin + static_cast<std::int64_t>(rng.below(100)));
      request.end = request.start + std::chrono::seconds(10 + rng.below(250));
      request.step = std::chrono::seconds(7 + rng.below(90));
      request.limit = 0;
      request.direction = storage::Order::oldest_first;
      WorkContext context(clock, {});
      if (expr->is_log()) {
        check_log(store, *expr, rows, request, context);
      } else {
        check_metric(store, *expr, rows, request, context);
      }
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace telltale::logql
