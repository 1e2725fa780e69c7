// A load generator for one purpose: Sentry envelopes over keep-alive HTTP/1.1 (`http_load.hpp`).
//
//   http_bench --port 8355 --key DSN_KEY --seconds 10 [--rate 1000] [--connections 64] [--bytes 8192]
//
// Prints one JSON object.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http_load.hpp"

namespace {

struct Options {
  std::uint16_t port = 8355;
  std::string key;
  double seconds = 10;
  double rate = 0;  // requests a second; 0: flat out
  std::size_t connections = 64;
  std::size_t bytes = 8192;  // of the event in the envelope
  bool noise = false;        // the event carries random text, so that it does not compress
};

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "http_bench: %s\n", why.c_str());
  std::exit(1);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--key")
      options.key = value;
    else if (name == "--seconds")
      options.seconds = std::atof(value);
    else if (name == "--rate")
      options.rate = std::atof(value);
    else if (name == "--connections")
      options.connections = static_cast<std::size_t>(std::atoi(value));
    else if (name == "--bytes")
      options.bytes = static_cast<std::size_t>(std::atoi(value));
    else if (name == "--noise")
      options.noise = std::atoi(value) != 0;
    else
      die("unknown option " + std::string(name));
  }
  if (argc % 2 == 0) die("every option needs a value");
  if (options.key.empty() || options.connections == 0) die("--key and at least one connection are needed");
  return options;
}

// One request, whole, with the places of the event id kept, so that a fresh one costs 64 bytes of copying.
// The event is what a Python web application reports: a stack of twenty frames with source lines,
// breadcrumbs, request and tags.
class RequestTemplate {
 public:
  explicit RequestTemplate(const Options& options) {
    const std::string event = options.noise ? make_noisy_event(options.bytes) : make_event(options.bytes);
    const std::string body = "{\"event_id\":\"" + std::string(kMark) +
                             "\"}\n{\"type\":\"event\",\"length\":" + std::to_string(event.size()) + "}\n" +
                             event + "\n";
    text_ =
        "POST /api/1/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: http_bench/1.0\r\n"
        "Content-Type: application/x-sentry-envelope\r\nX-Sentry-Auth: Sentry sentry_version=7, sentry_key=" +
        options.key + ", sentry_client=http_bench/1.0\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    for (auto at = text_.find(kMark); at != std::string::npos; at = text_.find(kMark, at + 1))
      marks_.push_back(at);
    find_noise();
  }

  void write(std::string& out, std::mt19937_64& random) const {
    out = text_;
    char id[33];
    std::snprintf(id, sizeof id, "%016llx%016llx", static_cast<unsigned long long>(random()),
                  static_cast<unsigned long long>(random()));
    for (const auto at : marks_) std::memcpy(out.data() + at, id, 32);
    // Other random text in every request: a stretch of the pool from another place.
    for (const auto& [at, size] : noise_) {
      std::memcpy(out.data() + at, noise_pool_.data() + random() % (noise_pool_.size() - size), size);
    }
  }
  std::size_t size() const { return text_.size(); }

 private:
  static constexpr std::string_view kNoiseMark = "noise:";
  static constexpr std::string_view kMark = "EVENTIDEVENTIDEVENTIDEVENTIDXXXX";

  static constexpr std::size_t kNoiseField = 1024;
  static constexpr std::size_t kNoisePool = std::size_t{16} << 20;

  // The same event with `extra` fields of letters drawn at random, which no compressor makes much of.
  std::string make_noisy_event(std::size_t bytes) {
    static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    std::mt19937_64 random(1);
    noise_pool_.resize(kNoisePool);
    for (char& c : noise_pool_) c = kLetters[random() % 64];
    std::string event = make_event(0);
    event.back() = ',';
    event += "\"extra\":{\"note\":\"noise\"";
    for (int i = 0; event.size() + kNoiseField < bytes; ++i) {
      event += ",\"blob" + std::to_string(i) + "\":\"" + std::string(kNoiseMark) +
               std::string(kNoiseField, 'n') + "\"";
    }
    return event + "}}";
  }

  void find_noise() {
    for (auto at = text_.find(kNoiseMark); at != std::string::npos; at = text_.find(kNoiseMark, at + 1)) {
      noise_.emplace_back(at + kNoiseMark.size(), kNoiseField);
    }
  }

  static std::string make_event(std::size_t bytes) {
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "%.3f", now);
    std::string event =
        "{\"event_id\":\"" + std::string(kMark) + "\",\"timestamp\":" + stamp +
        ",\"platform\":\"python\",\"level\":\"error\",\"release\":\"shop@4.2.0\",\"environment\":"
        "\"production\","
        "\"server_name\":\"web-3\",\"transaction\":\"/cart/{id}/checkout\","
        "\"tags\":{\"region\":\"eu-west\",\"tier\":\"gold\"},\"user\":{\"id\":\"48213\"},"
        "\"request\":{\"method\":\"POST\",\"url\":\"https://shop.example/cart/77/checkout\"},"
        "\"exception\":{\"values\":[{\"type\":\"StockError\",\"value\":\"item 4711 is sold out\","
        "\"stacktrace\":{\"frames\":[";
    for (int i = 0; i < 20; ++i) {
      const auto n = std::to_string(i);
      event += std::string(i ? "," : "") + "{\"filename\":\"shop/step_" + n +
               ".py\",\"module\":\"shop.step_" + n + "\",\"function\":\"run_step_" + n +
               "\",\"lineno\":" + std::to_string(40 + i) +
               ",\"context_line\":\"    return self.next.run(cart, now)\",\"in_app\":true}";
    }
    event += "]}}]},\"breadcrumbs\":{\"values\":[";
    for (int i = 0; event.size() + 160 < bytes; ++i) {
      event += std::string(i ? "," : "") + "{\"timestamp\":" + stamp +
               ",\"category\":\"query\",\"level\":\"info\",\"message\":\"SELECT "
               "quantity FROM stock WHERE item_id = " +
               std::to_string(1000 + i) + "\"}";
    }
    return event + "]}}";
  }

  std::string text_;
  std::vector<std::size_t> marks_;
  std::string noise_pool_;
  std::vector<std::pair<std::size_t, std::size_t>> noise_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  const RequestTemplate request(options);
  std::mt19937_64 random{std::random_device{}()};
  bench::HttpLoad load({options.port, options.connections, options.rate, options.seconds, false},
                       [&](std::string& out) {
                         request.write(out, random);
                         return true;
                       });
  bench::HttpOutcome outcome = load.run();
  const std::size_t requests = outcome.latencies_ms.size();
  std::printf(
      "{\"requests\":%zu,\"accepted\":%llu,\"refused\":%llu,\"broken\":%llu,\"seconds\":%.3f,\"requests_per_"
      "s\":%.1f,"
      "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"request_bytes\":%zu}\n",
      requests, static_cast<unsigned long long>(outcome.accepted),
      static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.broken),
      outcome.seconds, static_cast<double>(requests) / outcome.seconds, outcome.percentile(0.5),
      outcome.percentile(0.99), outcome.percentile(1), request.size());
  return 0;
}
