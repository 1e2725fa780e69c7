// The program around the error events: makes the envelopes an SDK would send, into a file or straight to a
// server, or sends what is in such a file; prints one JSON object.
//
//   error_load --recorded FILE --events N --start-ns N --span-s 3600 [--seed 1] [--causes 400]
//              [--first-cause 0] [--each-cause 1] [--encoding gzip|none]
//              --out FILE | --port P --key K
//   error_load --replay FILE [--skip N] [--take N] --port P --key K
//   sending:   [--project 1] [--connections 16] [--rate 0] [--seconds 0]
//
// Compressing costs more than making an event, so that a server is measured with a file: it gets its bytes
// from the page cache. Request i of a file is event i. What a server refuses for being behind (429, 503) is
// sent again.
//
// The checksum is XXH3 chained over the events' JSON: equal checksums mean equal data. `causes` are the
// number of events of each cause that has any, greatest first: what a server's issues ought to count.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/compress.hpp"
#include "base/hash.hpp"
#include "error_events.hpp"
#include "http_load.hpp"

namespace {

constexpr std::string_view kMagic = "TTERRORS1\n";
constexpr std::uint32_t kMaxBody = 1U << 20;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "error_load: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  bench::ErrorOptions data;
  bench::HttpLoadOptions http{8355, 16, 0, 0, true};
  std::string recorded, out, replay, key, project = "1";
  bool gzip = true;
  std::uint64_t skip = 0, take = ~std::uint64_t{0};
};

Options parse_options(int argc, char** argv) {
  Options o;
  o.http.port = 0;
  if (argc % 2 == 0) die("every option needs a value");
  const auto whole = [](const char* text) { return std::strtoull(text, nullptr, 10); };
  using Set = std::function<void(const char*)>;
  const std::map<std::string, Set> known = {
      {"--recorded", [&](const char* v) { o.recorded = v; }},
      {"--events", [&](const char* v) { o.data.events = whole(v); }},
      {"--seed", [&](const char* v) { o.data.seed = whole(v); }},
      {"--causes", [&](const char* v) { o.data.causes = whole(v); }},
      {"--first-cause", [&](const char* v) { o.data.first_cause = whole(v); }},
      {"--each-cause", [&](const char* v) { o.data.each_cause = whole(v) != 0; }},
      {"--start-ns", [&](const char* v) { o.data.start_ns = std::strtoll(v, nullptr, 10); }},
      {"--span-s", [&](const char* v) { o.data.span_ns = static_cast<std::int64_t>(std::atof(v) * 1e9); }},
      {"--encoding", [&](const char* v) { o.gzip = std::strcmp(v, "none") != 0; }},
      {"--out", [&](const char* v) { o.out = v; }},
      {"--replay", [&](const char* v) { o.replay = v; }},
      {"--skip", [&](const char* v) { o.skip = whole(v); }},
      {"--take", [&](const char* v) { o.take = whole(v); }},
      {"--port", [&](const char* v) { o.http.port = static_cast<std::uint16_t>(whole(v)); }},
      {"--key", [&](const char* v) { o.key = v; }},
      {"--project", [&](const char* v) { o.project = v; }},
      {"--connections", [&](const char* v) { o.http.connections = whole(v); }},
      {"--rate", [&](const char* v) { o.http.rate = std::atof(v); }},
      {"--seconds", [&](const char* v) { o.http.seconds = std::atof(v); }},
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end()) die(std::string("unknown option ") + argv[i]);
    found->second(argv[i + 1]);
  }
  if (o.recorded.empty() == o.replay.empty()) die("one of --recorded and --replay");
  if (o.out.empty() == (o.http.port == 0)) die("one of --out and --port");
  if (o.http.port != 0 && o.key.empty()) die("--key is needed");
  if (o.data.causes == 0 || o.http.connections == 0) die("a count must not be 0");
  return o;
}

/// Where bodies come from.
class Source {
 public:
  Source() = default;
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual bool next(std::string& body) = 0;
  /// Members of the JSON object that is printed.
  virtual std::string about() const = 0;
};

class Made : public Source {
 public:
  Made(const std::string& recorded, const Options& options)
      : events_(recorded, options.data), gzip_(options.gzip) {}

  bool next(std::string& body) override {
    if (!events_.next(event_)) return false;
    checksum_ = telltale::hash64(event_.json, checksum_);
    raw_bytes_ += event_.json.size();
    least_ = std::min(least_, event_.json.size());
    most_ = std::max(most_, event_.json.size());
    ++events_made_;
    ++counts_[event_.cause];
    const std::string release = bench::release_name(event_.release);
    plain_.assign("{\"event_id\":\"").append(event_.event_id).append("\",\"trace\":{\"trace_id\":\"");
    plain_.append(event_.trace_id).append("\",\"environment\":\"production\",\"release\":\"").append(release);
    plain_.append("\"}}\n{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":");
    plain_.append(std::to_string(event_.json.size())).append("}\n").append(event_.json).append("\n");
    body = gzip_ ? telltale::compress(telltale::Codec::gzip, plain_) : plain_;
    body_bytes_ += body.size();
    return true;
  }

  std::string about() const override {
    std::vector<std::uint64_t> counts;
    counts.reserve(counts_.size());
    for (const auto& [cause, count] : counts_) counts.push_back(count);
    std::sort(counts.rbegin(), counts.rend());
    char text[256];
    std::snprintf(
        text, sizeof text,
        "\"events\":%llu,\"raw_bytes\":%llu,\"least_bytes\":%zu,\"most_bytes\":%zu,\"body_bytes\":%llu,"
        "\"checksum\":\"%016llx\",\"causes\":[",
        static_cast<unsigned long long>(events_made_), static_cast<unsigned long long>(raw_bytes_), least_,
        most_, static_cast<unsigned long long>(body_bytes_), static_cast<unsigned long long>(checksum_));
    std::string out = text;
    for (const std::uint64_t count : counts) out.append(std::to_string(count)).push_back(',');
    if (!counts.empty()) out.pop_back();
    return out + "]";
  }

 private:
  bench::ErrorEvents events_;
  bench::ErrorEvent event_;
  const bool gzip_;
  std::string plain_;
  std::map<std::size_t, std::uint64_t> counts_;
  std::uint64_t events_made_ = 0, raw_bytes_ = 0, body_bytes_ = 0, checksum_ = 0;
  std::size_t least_ = ~std::size_t{0}, most_ = 0;
};

/// A file of bodies: the magic, then for each its length in four bytes and itself.
class Kept : public Source {
 public:
  explicit Kept(const Options& options) : file_(options.replay, std::ios::binary), left_(options.take) {
    std::string magic(kMagic.size(), '\0');
    if (!file_.read(magic.data(), static_cast<std::streamsize>(magic.size())) || magic != kMagic)
      die("not a file of envelopes: " + options.replay);
    std::string skipped;
    for (std::uint64_t i = 0; i < options.skip; ++i)
      if (!read(skipped)) die("--skip is past the end");
  }
  bool next(std::string& body) override {
    if (left_ == 0 || !read(body)) return false;
    --left_;
    ++bodies_;
    return true;
  }
  std::string about() const override { return "\"events\":" + std::to_string(bodies_); }

 private:
  bool read(std::string& body) {
    std::uint32_t size = 0;
    if (!file_.read(reinterpret_cast<char*>(&size), sizeof size)) return false;
    if (size > kMaxBody) die("a damaged file of envelopes");
    body.resize(size);
    if (!file_.read(body.data(), size)) die("a file of envelopes that is cut off");
    return true;
  }
  std::ifstream file_;
  std::uint64_t left_, bodies_ = 0;
};

void write_file(const Options& options, Source& source) {
  std::ofstream file(options.out, std::ios::binary);
  file << kMagic;
  std::string body;
  while (source.next(body)) {
    const auto size = static_cast<std::uint32_t>(body.size());
    file.write(reinterpret_cast<const char*>(&size), sizeof size);
    file << body;
  }
  if (!file.flush()) die("cannot write " + options.out);
  std::printf("{%s}\n", source.about().c_str());
}

void send(const Options& options, Source& source, bool gzip) {
  const std::string head = "POST /api/" + options.project +
                           "/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: sentry.python/2\r\n"
                           "Content-Type: application/x-sentry-envelope\r\n" +
                           (gzip ? "Content-Encoding: gzip\r\n" : "") +
                           "X-Sentry-Auth: Sentry sentry_key=" + options.key +
                           ", sentry_version=7, sentry_client=sentry.python/2\r\nContent-Length: ";
  std::string body;
  bench::HttpLoad load(options.http, [&](std::string& request) {
    if (!source.next(body)) return false;
    request.assign(head).append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return true;
  });
  bench::HttpOutcome outcome = load.run();
  if (!outcome.first_refusal.empty()) std::fprintf(stderr, "refused: %s\n", outcome.first_refusal.c_str());
  std::printf(
      "{%s,\"accepted\":%llu,\"refused\":%llu,\"repeated\":%llu,\"broken\":%llu,\"sent_bytes\":%llu,"
      "\"seconds\":%.3f,"
      "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
      source.about().c_str(), static_cast<unsigned long long>(outcome.accepted),
      static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.repeated),
      static_cast<unsigned long long>(outcome.broken), static_cast<unsigned long long>(outcome.sent_bytes),
      outcome.seconds, outcome.percentile(0.5), outcome.percentile(0.99), outcome.percentile(1));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  try {
    std::unique_ptr<Source> source;
    if (options.replay.empty()) {
      std::ifstream file(options.recorded, std::ios::binary);
      source = std::make_unique<Made>(std::string(std::istreambuf_iterator<char>(file), {}), options);
    } else {
      source = std::make_unique<Kept>(options);
    }
    if (options.out.empty()) {
      send(options, *source, options.gzip);
    } else {
      write_file(options, *source);
    }
  } catch (const std::exception& problem) {
    die(problem.what());
  }
  return 0;
}
