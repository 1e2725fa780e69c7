// The program around the numbers: sends them as Prometheus' remote write 1.0, or writes the requests to a
// file, and prints one JSON object about them.
//
//   metrics_load --hosts 50 --start-ms N [--span-s 3600] [--seed 1] [--churn 0] [--batch 5000]
//                --port P [--token T] [--path /api/v1/write] [--connections 4] [--rate 0]
//              | --out FILE        each request as 4 bytes of length, little-endian, and a snappy block
//
// The checksum is XXH3 chained over the requests before they are compressed: equal checksums mean equal data.
// A request answered 429 or 503 is sent again after a pause.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "base/compress.hpp"
#include "base/hash.hpp"
#include "http_load.hpp"
#include "metric_series.hpp"

namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "metrics_load: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  bench::MetricOptions data;
  bench::HttpLoadOptions http{0, 4, 0, 0, true};
  std::string token, out, path = "/api/v1/write";
  std::size_t batch = 5000;
};

Options parse_options(int argc, char** argv) {
  Options o;
  if (argc % 2 == 0) die("every option needs a value");
  const auto whole = [](const char* text) { return std::strtoull(text, nullptr, 10); };
  using Set = std::function<void(const char*)>;
  const std::map<std::string, Set> known = {
      {"--hosts", [&](const char* v) { o.data.hosts = whole(v); }},
      {"--start-ms", [&](const char* v) { o.data.start_ms = std::strtoll(v, nullptr, 10); }},
      {"--span-s", [&](const char* v) { o.data.span_ms = static_cast<std::int64_t>(std::atof(v) * 1000); }},
      {"--seed", [&](const char* v) { o.data.seed = whole(v); }},
      {"--churn", [&](const char* v) { o.data.churn = whole(v) != 0; }},
      {"--batch", [&](const char* v) { o.batch = whole(v); }},
      {"--port", [&](const char* v) { o.http.port = static_cast<std::uint16_t>(whole(v)); }},
      {"--token", [&](const char* v) { o.token = v; }},
      {"--path", [&](const char* v) { o.path = v; }},
      {"--connections", [&](const char* v) { o.http.connections = whole(v); }},
      {"--rate", [&](const char* v) { o.http.rate = std::atof(v); }},
      {"--out", [&](const char* v) { o.out = v; }},
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end()) die(std::string("unknown option ") + argv[i]);
    found->second(argv[i + 1]);
  }
  if (o.out.empty() == (o.http.port == 0)) die("one of --out and --port");
  if (o.data.hosts == 0 || o.batch == 0 || o.http.connections == 0) die("a count must not be 0");
  return o;
}

class Bodies {
 public:
  explicit Bodies(const Options& options) : series_(options.data), batch_(options.batch) {}

  /// A whole request's snappy block; false at the end.
  bool next(std::string& body) {
    plain_.clear();
    const std::uint64_t before = series_.samples();
    while (series_.samples() - before < batch_ && series_.next(plain_)) continue;
    if (plain_.empty()) return false;
    checksum_ = telltale::hash64(plain_, checksum_);
    plain_bytes_ += plain_.size();
    body = telltale::compress(telltale::Codec::snappy, plain_);
    body_bytes_ += body.size();
    return true;
  }
  void print(const std::string& more) const {
    std::printf("{\"samples\":%llu,\"plain_bytes\":%llu,\"body_bytes\":%llu,\"checksum\":\"%016llx\"%s}\n",
                static_cast<unsigned long long>(series_.samples()),
                static_cast<unsigned long long>(plain_bytes_), static_cast<unsigned long long>(body_bytes_),
                static_cast<unsigned long long>(checksum_), more.c_str());
  }

 private:
  bench::MetricSeries series_;
  const std::size_t batch_;
  std::string plain_;
  std::uint64_t checksum_ = 0, plain_bytes_ = 0, body_bytes_ = 0;
};

void write_file(const Options& options) {
  std::FILE* file = std::fopen(options.out.c_str(), "wb");
  if (file == nullptr) die("cannot write " + options.out);
  Bodies bodies(options);
  std::string body;
  while (bodies.next(body)) {
    const auto size = static_cast<std::uint32_t>(body.size());
    if (std::fwrite(&size, sizeof size, 1, file) != 1 ||
        std::fwrite(body.data(), 1, body.size(), file) != body.size())
      die("write failed");
  }
  if (std::fclose(file) != 0) die("write failed");
  bodies.print("");
}

void send_all(const Options& options) {
  Bodies bodies(options);
  std::string body;
  std::string head = "POST " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: snappy\r\n" +
                     "Content-Type: application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n";
  if (!options.token.empty()) head += "Authorization: Bearer " + options.token + "\r\n";
  bench::HttpLoad load(options.http, [&](std::string& request) {
    if (!bodies.next(body)) return false;
    request.assign(head).append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    request.append(body);
    return true;
  });
  auto outcome = load.run();
  if (outcome.refused > 0) std::fprintf(stderr, "metrics_load: refused: %s\n", outcome.first_refusal.c_str());
  char more[256];
  std::snprintf(
      more, sizeof more,
      ",\"seconds\":%.3f,\"accepted\":%llu,\"refused\":%llu,\"repeated\":%llu,\"broken\":%llu,"
      "\"p50_ms\":%.2f,\"p99_ms\":%.2f",
      outcome.seconds, static_cast<unsigned long long>(outcome.accepted),
      static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.repeated),
      static_cast<unsigned long long>(outcome.broken), outcome.percentile(0.5), outcome.percentile(0.99));
  bodies.print(more);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  try {
    if (options.out.empty()) {
      send_all(options);
    } else {
      write_file(options);
    }
  } catch (const std::exception& e) {
    die(e.what());
  }
  return 0;
}
