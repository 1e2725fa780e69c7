// promql_fuzz --seed N --rounds N: the engine against the naive evaluator, a round after the other; ends with
// `N passed, N failed`.
// promql_fuzz --emit N --seed N --base-ms N: data and N queries as lines of JSON, for servers to be compared
// by. First a line for each series: {"labels": {…}, "samples": [[time in ms, "value"]]}, where a stale marker
// is "stale". Then the queries: {"query", "start", "end", "step"} in ms, step 0 for an instant query, and
// "old": the names in which Prometheus 2 differs. Queries whose answer hangs on rounding are left out.
// promql_fuzz --parts QUERY: what is left when a part of the query stands for what it is part of, one a line.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/json.hpp"
#include "promql/differential/differential.hpp"
#include "promql/engine.hpp"

namespace {

using namespace telltale;
using namespace telltale::promql::naive;

constexpr int kQueriesARound = 100;

void print_series(const Series& s) {
  JsonWriter w;
  w.begin_object().key("labels").begin_object();
  for (const Label& l : s.labels) w.field(l.name, l.value);
  w.end_object().key("samples").begin_array();
  for (const Point& p : s.points) {
    w.begin_array().integer(p.time_ms);
    w.string(is_stale_nan(p.value) ? "stale" : promql::format_value(p.value)).end_array();
  }
  w.end_array().end_object();
  std::printf("%s\n", w.take().c_str());
}

void print_query(const Case& c) {
  JsonWriter w;
  w.begin_object()
      .field("query", c.query.text)
      .field("start", c.query.span.start)
      .field("end", c.query.span.end);
  w.field("step", c.query.span.step).key("old").begin_array();
  for (const std::string& name : differs_from_old(c)) w.string(name);
  w.end_array().end_object();
  std::printf("%s\n", w.take().c_str());
}

int emit(std::uint64_t seed, std::int64_t base_ms, long queries) {
  Rng rng(seed);
  Shape shape;
  shape.off_edges = true;
  shape.base_ms = base_ms / 60'000 * 60'000;
  Case c{random_series(rng, shape), {}};
  for (const Series& s : c.data) print_series(s);
  while (queries > 0) {
    c.query = random_query(rng, shape);
    if (is_open(c)) continue;
    print_query(c);
    --queries;
  }
  return 0;
}

int compare(std::uint64_t seed, long rounds) {
  const SystemClock clock;
  int passed = 0;
  int failed = 0;
  for (long round = 0; round < rounds; ++round, ++seed) {
    Rng rng(seed);
    Shape shape;
    shape.off_edges = rng.chance(0.3);
    Case c{random_series(rng, shape), {}};
    for (int i = 0; i < kQueriesARound; ++i) {
      c.query = random_query(rng, shape);
      if (compare_with_engine(c, clock).verdict != Verdict::differ) {
        ++passed;
        continue;
      }
      ++failed;
      const Case small = shrunk(c, clock);
      std::printf("seed %llu query %d: %s\n%s", static_cast<unsigned long long>(seed), i,
                  compare_with_engine(small, clock).why.c_str(), to_text(small).c_str());
      std::fflush(stdout);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::int64_t base_ms = Shape{}.base_ms;
  long rounds = 20;
  long queries = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* value = argv[i + 1];
    if (std::strcmp(argv[i], "--parts") == 0) {
      for (const std::string& text : smaller_queries(value)) std::printf("%s\n", text.c_str());
      return 0;
    }
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(value, nullptr, 10);
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::strtol(value, nullptr, 10);
    if (std::strcmp(argv[i], "--emit") == 0) queries = std::strtol(value, nullptr, 10);
    if (std::strcmp(argv[i], "--base-ms") == 0) base_ms = std::strtoll(value, nullptr, 10);
  }
  return queries > 0 ? emit(seed, base_ms, queries) : compare(seed, rounds);
}
