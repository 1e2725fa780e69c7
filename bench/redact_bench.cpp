// What redaction costs: JSON log lines like those of a Flask service (about 430 bytes, 3 % with a traceback)
// go through the row's path (read as JSON, ids found, bounded, redacted, encoded for the journal), each step
// timed over batches of 1,000 rows on one thread, in CPU time.
//
//   redact_bench [--rows 200000] [--seed 1]
//
// Prints one JSON object: MB/s of raw lines for redaction alone and the share of the whole path. `hits` are
// lines in which something was masked: 0.5 % hold a secret.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ingest/enrich.hpp"
#include "logs/line.hpp"
#include "redact/redactor.hpp"
#include "storage/batch.hpp"

namespace {

using namespace telltale;

class Lines {
 public:
  explicit Lines(unsigned seed) : rng_(seed) {}

  std::string next() {
    const unsigned template_number = static_cast<unsigned>(rng_() % 200);
    const char* level = rng_() % 100 < 90 ? "INFO" : rng_() % 10 < 7 ? "WARNING" : "ERROR";
    std::string message = fmt::format("step {} of order {} for {} done in {} ms", template_number,
                                      rng_() % 100000, kTickers[rng_() % 5], rng_() % 900);
    if (rng_() % 200 == 0) message += fmt::format(" with token=q{}z{}", rng_() % 1000000, rng_() % 1000000);
    if (rng_() % 100 < 3) message += traceback();
    return fmt::format(
        R"({{"timestamp":"2026-01-08T09:{:02}:{:02}.{:06}Z","level":"{}","logger":"shop.{}","message":"{}","service":"svc-{}","host":"host-{}","environment":"prod","release":"1.4.{}","method":"GET","route":"/api/v1/items/{}","status":{},"duration_ms":{:.3f},"client_ip":"10.0.{}.{}","user_id":"u{}","ticker":"{}","tier":"gold","trace_id":"{}","span_id":"{}","request_id":"{}"}})",
        rng_() % 60, rng_() % 60, rng_() % 1000000, level, rng_() % 12, message, rng_() % 8, rng_() % 20,
        rng_() % 10, rng_() % 40, rng_() % 20 == 0 ? 500 : 200, static_cast<double>(rng_() % 1000000) / 1000,
        rng_() % 256, rng_() % 256, rng_() % 100000, kTickers[rng_() % 5], hex(32), hex(16), hex(32));
  }

 private:
  static constexpr const char* kTickers[] = {"AAPL", "MSFT", "NVDA", "SAP", "ASML"};
  std::string hex(std::size_t n) {
    std::string out;
    while (out.size() < n) out += "0123456789abcdef"[rng_() % 16];
    return out;
  }
  std::string traceback() {
    std::string out = "\\nTraceback (most recent call last):";
    for (unsigned i = 0; i < 10 + rng_() % 20; ++i)
      out += fmt::format(
          "\\n  File \\\"/srv/app/shop/module_{}.py\\\", line {}, in handle_{}\\n    return self.run({})",
          rng_() % 50, rng_() % 900, rng_() % 30, rng_() % 9);
    return out + "\\nValueError: no price";
  }
  std::mt19937_64 rng_;
};

/// This thread's CPU time in seconds: what else runs on the machine is not counted.
double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double since(double start) { return cpu_now() - start; }

}  // namespace

int main(int argc, char** argv) {
  std::size_t rows = 200'000;
  unsigned seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rows") == 0) rows = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seed") == 0)
      seed = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
  }
  const auto redactor = std::move(redact::Redactor::create({})).value();
  // The prefilter is compiled when it is first asked, once in a process.
  std::string first = "x";
  (void)redactor->redact_text(first);
  Lines lines(seed);
  double parse = 0;
  double redaction = 0;
  double encode = 0;
  std::size_t bytes = 0;
  std::size_t stored = 0;
  redact::Counts counts;
  constexpr std::size_t kBatchRows = 1000;
  for (std::size_t done = 0; done < rows; done += kBatchRows) {
    storage::Batch batch;
    batch.logs.resize(kBatchRows);
    for (auto& row : batch.logs) {
      row.message = lines.next();
      bytes += row.message.size();
    }
    double start = cpu_now();
    for (auto& row : batch.logs) {
      logs::normalise_line(row, {TimeZone{}, UnixNanos::from_seconds(1'770'000'000)});
      ingest::bound_row(row);
    }
    parse += since(start);
    start = cpu_now();
    for (auto& row : batch.logs) ingest::redact_row(row, *redactor, counts, 0);
    redaction += since(start);
    start = cpu_now();
    stored += storage::encode_batch(batch).size();
    encode += since(start);
  }
  const double whole = parse + redaction + encode;
  const double mb = static_cast<double>(bytes) / 1e6;
  std::printf(
      "{\"rows\": %zu, \"bytes_a_row\": %.0f, \"hits\": %llu, \"parse_ns_a_row\": %.0f, \"redact_ns_a_row\": "
      "%.0f, "
      "\"encode_ns_a_row\": %.0f, \"redact_mb_s\": %.0f, \"path_mb_s\": %.0f, \"redact_share\": %.3f, "
      "\"stored_bytes\": %zu}\n",
      rows, static_cast<double>(bytes) / static_cast<double>(rows),
      static_cast<unsigned long long>(counts.total()), parse * 1e9 / static_cast<double>(rows),
      redaction * 1e9 / static_cast<double>(rows), encode * 1e9 / static_cast<double>(rows), mb / redaction,
      mb / whole, redaction / whole, stored);
  return 0;
}
