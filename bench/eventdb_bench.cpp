// The event engine alone: makes rows as bench/README.md describes the logs, applies them through the store's
// contract on a real folder, and times the questions people ask of them.
//
//   eventdb_bench DIR [rows=2000000] [form=doc|line] [batch=1000]
//   eventdb_bench DIR ask       the questions alone, to a folder that an earlier run has left
//
// `doc`: message and fields apart, as documents arrive; `line`: the message is the whole JSON line and the
// fields were read out of it, and what counts and measures is asked in LogQL, too. Prints microseconds and
// bytes a row, and milliseconds a question (median and worst of the runs), with the sizes of the answers. The
// seed is fixed: two runs make the same rows.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "logql/engine.hpp"
#include "storage/batch.hpp"

namespace telltale {
namespace {

using eventdb::EventDb;
using storage::EventFilter;
using storage::FilterOp;
using storage::MeasureOp;

constexpr std::int64_t kFirstSecond = 1'767'830'400;  // 2026-01-08
constexpr double kSecondsOfData = 3600 * 6;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Template {
  std::vector<std::string> pieces;  // variables between them
};

class LogMaker {
 public:
  LogMaker(std::uint64_t rows, bool lines)
      : rng_(42), lines_(lines), step_ns_(kSecondsOfData * 1e9 / static_cast<double>(rows)) {
    static constexpr std::string_view kWords[] = {
        "fetched", "quote", "for",  "order",   "cache", "miss",  "on",   "retry",  "after", "wrote", "rows",
        "in",      "ms",    "user", "session", "queue", "depth", "task", "failed", "with",  "status"};
    for (int t = 0; t < 200; ++t) {
      Template made;
      const auto variables = rng_.below(6);
      for (std::uint64_t v = 0; v <= variables; ++v) {
        std::string piece;
        for (auto w = 1 + rng_.below(4); w > 0; --w)
          piece += std::string(kWords[rng_.below(std::size(kWords))]) + " ";
        made.pieces.push_back(piece);
      }
      made.pieces[0] += std::to_string(t);
      templates_.push_back(std::move(made));
    }
  }

  EventRow next() {
    if (left_ == 0) begin_request();
    --left_;
    time_ += -std::log(1 - rng_.unit()) * step_ns_;
    EventRow row;
    row.project.value = 1;
    // Microseconds, as Python writes them.
    row.time.ns = kFirstSecond * 1'000'000'000 + static_cast<std::int64_t>(time_ / 1000) * 1000;
    // Several requests run at once.
    std::swap(current_, requests_[rng_.below(requests_.size())]);
    const Request& r = current_;
    const double level = rng_.unit();
    const char* level_text = level < 0.90 ? "INFO" : level < 0.97 ? "WARNING" : "ERROR";
    row.ids = {r.environment, r.release, r.service, r.host, r.trace,
               r.span,        r.request, r.user,    "",     level_from(level_text)};
    std::string message = text();
    const double duration = std::round(std::exp(3 + 1.2 * normal()) * 100) / 100;
    const AttrKind kind = lines_ ? AttrKind::parsed : AttrKind::metadata;
    const auto set = [&](const char* name, AttrValue value) {
      row.attributes.push_back({name, std::move(value), kind});
    };
    std::string stamp = format_rfc3339(row.time);
    set("timestamp", stamp);
    set("level", std::string(level_text));
    set("logger", "app.module" + std::to_string(rng_.below(12)));
    set("message", message);
    set("service", r.service);
    set("host", r.host);
    set("environment", r.environment);
    set("release", r.release);
    set("method", r.method);
    set("route", r.route);
    set("status", r.status);
    set("duration_ms", duration);
    set("client_ip", r.ip);
    set("user_id", r.user);
    set("ticker", r.ticker);
    set("tier", r.tier);
    set("trace_id", r.trace.hex());
    set("span_id", r.span.hex());
    set("request_id", r.request);
    const bool traceback = rng_.chance(0.03);
    std::string trace_text;
    if (traceback) {
      trace_text = "Traceback (most recent call last):\n";
      for (auto n = 20 + rng_.below(41); n > 0; --n)
        trace_text += "  File \"/srv/app/module" + std::to_string(rng_.below(40)) + ".py\", line " +
                      std::to_string(rng_.below(400)) + ", in handler_" + std::to_string(rng_.below(90)) +
                      "\n";
      set("exception", trace_text);
    }
    if (lines_) {
      row.message = json(row);
    } else {
      // Documents: the message and the time are columns of their own.
      row.message = std::move(message);
      row.attributes.erase(row.attributes.begin() + 3);
      row.attributes.erase(row.attributes.begin());
    }
    raw_bytes_ += lines_ ? row.message.size() + 1 : 436 + trace_text.size();
    row.received.ns = row.time.ns / 1'000'000'000 * 1'000'000'000 + 1'000'000'000;
    return row;
  }
  std::uint64_t raw_bytes() const { return raw_bytes_; }

 private:
  struct Request {
    std::string environment, release, service, host, request, user, method, route, ip, ticker, tier;
    std::int64_t status = 200;
    Id128 trace;
    Id64 span;
  };

  std::uint64_t zipf(std::uint64_t n) {  // continuous approximation, exponent 1
    return static_cast<std::uint64_t>(std::exp(rng_.unit() * std::log(static_cast<double>(n)))) - 1;
  }
  double normal() {
    return std::sqrt(-2 * std::log(1 - rng_.unit())) * std::cos(6.283185307179586 * rng_.unit());
  }
  Request request() {
    Request r;
    r.environment = rng_.chance(0.9) ? "production" : "staging";
    r.release = "2026.1." + std::to_string(static_cast<int>(time_ / (kSecondsOfData * 1e8)) % 10);
    r.service = "service-" + std::to_string(rng_.below(8));
    r.host = "host-" + std::to_string(rng_.below(20));
    r.trace = {rng_.next(), rng_.next()};
    r.span = {rng_.next()};
    const std::string hex = Id128{rng_.next(), rng_.next()}.hex();
    r.request = hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
                hex.substr(16, 4) + "-" + hex.substr(20);
    r.user = "u" + std::to_string(zipf(100'000));
    r.method = rng_.chance(0.8) ? "GET" : "POST";
    r.route = "/api/v1/resource" + std::to_string(zipf(40)) + "/<id>";
    r.ip = fmt::format("10.{}.{}.{}", rng_.below(256), rng_.below(256), rng_.below(256));
    r.ticker = "T" + std::to_string(zipf(5000));
    r.tier = rng_.chance(0.7) ? "free" : rng_.chance(0.5) ? "pro" : "team";
    r.status = rng_.chance(0.95) ? 200 : rng_.chance(0.5) ? 404 : 500;
    return r;
  }
  void begin_request() {
    if (requests_.empty())
      for (int i = 0; i < 16; ++i) requests_.push_back(request());
    current_ = request();
    left_ = 1 + rng_.below(12);
  }
  std::string text() {
    const Template& t = templates_[zipf(200)];
    std::string out;
    for (std::size_t i = 0; i < t.pieces.size(); ++i) {
      if (i > 0) out += i % 2 == 0 ? std::to_string(rng_.below(10'000)) : "T" + std::to_string(zipf(5000));
      if (i > 0) out += ' ';
      out += t.pieces[i];
    }
    return out;
  }
  static void quote(std::string& out, std::string_view s) {
    out += '"';
    for (const char c : s) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  }
  static std::string json(const EventRow& row) {
    std::string out = "{";
    for (const Attr& a : row.attributes) {
      if (out.size() > 1) out += ", ";
      quote(out, a.name);
      out += ": ";
      if (const auto* s = std::get_if<std::string>(&a.value)) {
        quote(out, *s);
      } else {
        out += to_string(a.value);
      }
    }
    return out + "}";
  }

  Rng rng_;
  const bool lines_;
  const double step_ns_;
  double time_ = 0;
  std::vector<Template> templates_;
  std::vector<Request> requests_;
  Request current_;
  std::uint64_t left_ = 0;
  std::uint64_t raw_bytes_ = 0;
};

struct Bench {
  SystemClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> fs = io::make_posix_file_system();
  std::unique_ptr<EventDb> db;
  std::vector<EventRow> samples;
  double raw_gb = 0;

  template <class F>
  void time(const char* what, int runs, F f, bool scan = false) {
    std::vector<double> ms;
    std::size_t answer = 0;
    for (int i = 0; i < runs; ++i) {
      WorkLimits limits;
      limits.timeout = std::chrono::minutes(10);
      limits.max_memory_bytes = std::size_t{1} << 30;
      WorkContext context(clock, limits);
      const auto start = std::chrono::steady_clock::now();
      const double cpu = cpu_seconds();
      answer = f(context, i);
      const double cpu_ms = (cpu_seconds() - cpu) * 1000;
      const double wall =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      ms.push_back(scan ? cpu_ms : wall);
    }
    std::sort(ms.begin(), ms.end());
    fmt::print("{:<44} median {:>9.2f} ms  p99 {:>9.2f} ms  worst {:>9.2f} ms  answer {}", what,
               ms[ms.size() / 2], ms[(ms.size() * 99 + 99) / 100 - 1], ms.back(), answer);
    if (scan) fmt::print("  = {:.2f} GB/s raw a core", raw_gb / (ms[ms.size() / 2] / 1000));
    fmt::print("\n");
    std::fflush(stdout);
  }
  std::size_t select(WorkContext& context, EventFilter filter, std::size_t limit) {
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    q.filter = std::move(filter);
    q.limit = limit;
    auto rows = storage::collect(*db, q, context);
    if (!rows) {
      fmt::print("error: {}\n", rows.error().message());
      std::exit(1);
    }
    return rows->size();
  }
  /// Over everything, as one number a series.
  std::size_t logql(WorkContext& context, const std::string& query) {
    const auto expr = logql::parse(query);
    logql::QueryRequest request;
    request.projects = {ProjectId{1}};
    request.end = UnixNanos::from_seconds(kFirstSecond + static_cast<std::int64_t>(kSecondsOfData) + 60);
    const auto result = logql::run(*db, *expr, request, context);
    if (!result) {
      fmt::print("error: {}\n", result.error().message());
      std::exit(1);
    }
    return result->series.size();
  }
  std::size_t count_where(WorkContext& context, EventFilter filter) {
    return aggregate(context, std::move(filter), {}, {{MeasureOp::count, "", 0}}, true);
  }
  std::size_t aggregate(WorkContext& context, EventFilter filter, std::vector<std::string> by,
                        std::vector<storage::Measure> measures, bool first_value = false) {
    storage::EventAggregateQuery q;
    q.projects = {ProjectId{1}};
    q.filter = std::move(filter);
    q.group_by = std::move(by);
    q.measures = std::move(measures);
    q.max_groups = 1'000'000;
    auto rows = db->aggregate(q, context);
    if (!rows) {
      fmt::print("error: {}\n", rows.error().message());
      std::exit(1);
    }
    if (first_value) return rows->empty() ? 0 : static_cast<std::size_t>(rows->front().values.at(0));
    return rows->size();
  }
};

void load(Bench& bench, std::uint64_t rows, bool lines, std::size_t batch_rows) {
  LogMaker maker(rows, lines);
  double apply_cpu = 0;
  double checkpoint_cpu = 0;
  double merge_cpu = 0;
  const auto timed = [](double& sum, const auto& f) {
    const double start = cpu_seconds();
    f();
    sum += cpu_seconds() - start;
  };
  const auto good = [](const Result<>& r) {
    if (r) return;
    fmt::print("error: {}\n", r.error().message());
    std::exit(1);
  };
  std::uint64_t sequence = 0;
  for (std::uint64_t done = 0; done < rows;) {
    storage::Batch batch;
    batch.project.value = 1;
    for (std::size_t i = 0; i < batch_rows && done < rows; ++i, ++done) batch.logs.push_back(maker.next());
    if (done % 97 < batch_rows && bench.samples.size() < 400)
      bench.samples.push_back(batch.logs[batch.logs.size() / 2]);
    timed(apply_cpu, [&] {
      good(bench.db->apply_shared(Sequence{++sequence},
                                  std::make_shared<const storage::Batch>(std::move(batch))));
    });
    if (!bench.db->wants_checkpoint()) continue;
    timed(checkpoint_cpu, [&] { good(bench.db->checkpoint()); });
    timed(merge_cpu, [&] { good(bench.db->maintenance()); });
  }
  timed(checkpoint_cpu, [&] { good(bench.db->checkpoint()); });
  timed(merge_cpu, [&] { good(bench.db->maintenance()); });
  const double n = static_cast<double>(rows);
  const auto stats = bench.db->stats();
  bench.raw_gb = static_cast<double>(maker.raw_bytes()) / 1e9;
  fmt::print("{} rows, {:.0f} raw bytes a row\n", rows, static_cast<double>(maker.raw_bytes()) / n);
  fmt::print("apply {:.2f} + checkpoint {:.2f} + merges {:.2f} = {:.2f} us a row\n", apply_cpu * 1e6 / n,
             checkpoint_cpu * 1e6 / n, merge_cpu * 1e6 / n,
             (apply_cpu + checkpoint_cpu + merge_cpu) * 1e6 / n);
  fmt::print("disk {:.1f} bytes a row in {} parts; {:.1f} MB of footers in memory\n",
             static_cast<double>(stats.disk_bytes.at(Table::logs)) / n, stats.parts,
             static_cast<double>(stats.part_memory_bytes) / 1e6);
}

/// Rows from all over what an earlier run has left.
void find_samples(Bench& bench) {
  WorkContext context(bench.clock, WorkLimits{});
  for (int i = 0; i < 400; ++i) {
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    q.range.from =
        UnixNanos::from_seconds(kFirstSecond + static_cast<std::int64_t>(kSecondsOfData) * i / 400);
    q.order = storage::Order::oldest_first;
    q.limit = 1;
    const auto rows = storage::collect(*bench.db, q, context);
    if (rows && !rows->empty()) bench.samples.push_back(rows->front());
  }
  bench.raw_gb = static_cast<double>(bench.db->stats().part_rows) * 503 / 1e9;
}

void ask_logql(Bench& bench) {
  const std::string all = "{environment=~\".+\"} | json ";
  const std::string span = fmt::format("[{}s]", static_cast<int>(kSecondsOfData) + 120);
  for (const std::string field : {"level", "route", "status"})
    bench.time(("LogQL: count by " + field).c_str(), 5, [&](WorkContext& c, int) {
      return bench.logql(c, "sum by (" + field + ") (count_over_time(" + all + span + "))");
    });
  bench.time("LogQL: errors by route", 5, [&](WorkContext& c, int) {
    return bench.logql(c, "sum by (route) (count_over_time(" + all + "| status >= 500 " + span + "))");
  });
  bench.time("LogQL: p95 of duration by route", 5, [&](WorkContext& c, int) {
    return bench.logql(c,
                       "quantile_over_time(0.95, " + all + "| unwrap duration_ms " + span + ") by (route)");
  });
}

void ask(Bench& bench) {
  const auto& samples = bench.samples;
  const auto sample = [&](int i) -> const EventRow& {
    return samples[static_cast<std::size_t>(i) * 37 % samples.size()];
  };
  const auto eq = [](const char* field, std::string value) {
    return EventFilter::leaf(FilterOp::eq, field, std::move(value));
  };
  bench.time("needle by trace_id", 200, [&](WorkContext& c, int i) {
    return bench.select(c, eq("trace_id", sample(i).ids.trace_id.hex()), 1000);
  });
  bench.time("needle by request_id", 200, [&](WorkContext& c, int i) {
    return bench.select(c, eq("request_id", sample(i).ids.request_id), 1000);
  });
  bench.time("absent trace_id", 200, [&](WorkContext& c, int i) {
    return bench.select(c, eq("trace_id", Id128{7, static_cast<std::uint64_t>(i) + 1}.hex()), 1000);
  });
  bench.time("newest 50 of a service and level", 40, [&](WorkContext& c, int i) {
    return bench.select(c, EventFilter::all_of({eq("service", sample(i).ids.service), eq("level", "error")}),
                        50);
  });
  bench.time("newest 50 of a user", 20, [&](WorkContext& c, int i) {
    return bench.select(c, eq("user_id", sample(i).ids.user_id), 50);
  });
  const auto message = [](FilterOp op, const char* value) { return EventFilter::leaf(op, "message", value); };
  bench.time(
      "substring, rare: count", 3,
      [&](WorkContext& c, int) {
        return bench.count_where(c, message(FilterOp::contains, "etried to fetchx"));
      },
      true);
  bench.time(
      "substring, common: count", 3,
      [&](WorkContext& c, int) { return bench.count_where(c, message(FilterOp::contains, "ueue dep")); },
      true);
  bench.time(
      "ignoring case: count", 3,
      [&](WorkContext& c, int) { return bench.count_where(c, message(FilterOp::icontains, "QUEUE DEP")); },
      true);
  bench.time(
      "regex: count", 3,
      [&](WorkContext& c, int) { return bench.count_where(c, message(FilterOp::regex, "queue depth \\d+")); },
      true);
  bench.time(
      "regex without a literal: count", 3,
      [&](WorkContext& c, int) {
        return bench.count_where(c, message(FilterOp::regex, "(cache|queue) [a-z]+ 9\\d9"));
      },
      true);
  bench.time(
      "any field contains: count", 3,
      [&](WorkContext& c, int) {
        return bench.count_where(c, EventFilter::leaf(FilterOp::contains, "*", "T4999"));
      },
      true);
  const std::vector<storage::Measure> rows{{MeasureOp::count, "", 0}};
  bench.time("count by level", 5,
             [&](WorkContext& c, int) { return bench.aggregate(c, {}, {"level"}, rows); });
  bench.time("count by route", 5,
             [&](WorkContext& c, int) { return bench.aggregate(c, {}, {"route"}, rows); });
  bench.time("count by service and status", 5, [&](WorkContext& c, int) {
    return bench.aggregate(c, {}, {"service", "status"}, rows);
  });
  bench.time("count by ticker", 5,
             [&](WorkContext& c, int) { return bench.aggregate(c, {}, {"ticker"}, rows); });
  bench.time("count by user_id", 3,
             [&](WorkContext& c, int) { return bench.aggregate(c, {}, {"user_id"}, rows); });
  bench.time("p95 of duration by route", 5, [&](WorkContext& c, int) {
    return bench.aggregate(c, {}, {"route"}, {{MeasureOp::quantile, "duration_ms", 0.95}});
  });
  bench.time("distinct users by service", 3, [&](WorkContext& c, int) {
    return bench.aggregate(c, {}, {"service"}, {{MeasureOp::distinct, "user_id", 0}});
  });
  bench.time("fields", 3, [&](WorkContext& c, int) {
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    return bench.db->fields(q, c)->size();
  });
}

}  // namespace
}  // namespace telltale

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: eventdb_bench DIR [rows] [doc|line] [rows a batch]\n");
    return 2;
  }
  using namespace telltale;
  const std::string dir = argv[1];
  const std::uint64_t rows = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2'000'000;
  const bool only_ask = argc > 2 && std::string_view(argv[2]) == "ask";
  const bool lines = argc > 3 && std::string_view(argv[3]) == "line";
  const std::size_t batch = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1000;
  if (!only_ask) std::filesystem::remove_all(dir);
  Bench bench;
  auto db = eventdb::open_eventdb(*bench.fs, dir, {}, bench.clock, bench.log, bench.metrics);
  if (!db) {
    fmt::print(stderr, "{}\n", db.error().message());
    return 1;
  }
  bench.db = *std::move(db);
  if (only_ask) {
    find_samples(bench);
  } else {
    load(bench, rows, lines, batch);
  }
  ask(bench);
  if (!bench.samples.empty() && bench.samples.front().message.starts_with('{')) ask_logql(bench);
  return 0;
}
