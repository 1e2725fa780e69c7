#include "log_lines.hpp"

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

constexpr std::size_t kTemplates = 200;
constexpr std::size_t kUsers = 100'000;
constexpr std::size_t kTickers = 5'000;
constexpr std::size_t kRoutes = 40;
constexpr std::size_t kHosts = 20;
constexpr std::size_t kReleases = 10;
constexpr std::size_t kOpenRequests = 64;
constexpr std::uint64_t kIncidentLines = 5;  // in the middle, with words that stand nowhere else

constexpr std::array<std::string_view, 12> kLoggers = {"views",  "orders", "quotes",     "auth",
                                                       "db",     "cache",  "http",       "tasks",
                                                       "alerts", "mail",   "sqlalchemy", "werkzeug"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::array<std::string_view, 3> kTiers = {"free", "plus", "professional"};
constexpr std::array<std::string_view, 10> kThings = {"quote",   "order",   "portfolio",  "watchlist",
                                                      "session", "invoice", "alert rule", "price feed",
                                                      "report",  "account"};
// Twenty sentences about ten things each make the 200 templates. i: integer, f: price, d: milliseconds, x:
// hex id, t: ticker, u: user, p: path, a: address, w: word.
constexpr std::array<std::string_view, 20> kSentences = {
    "Loaded # for user {u} in {d} ms",
    "Created # {i} for {t} at {f} (user {u})",
    "Cache miss for # {x}",
    "Cache hit for # {x} after {d} ms",
    "# {i} of {t} updated: quantity {i}, limit {f}, fee {f}",
    "Handled request for # {p} with status {i} in {d} ms",
    "Retrying # {i}, attempt {i} of {i}",
    "# service answered in {d} ms from {a}",
    "Fetched {i} rows of # for {t} from {a} in {d} ms",
    "Validated # payload",
    "Rendering # template {p}",
    "# {x} queued behind {i} others",
    "Released # lock held for {d} ms by worker {i}",
    "Price of {t} in # moved from {f} to {f}",
    "User {u} opened # {i} from {a}",
    "Slow query on # took {d} ms: {i} rows scanned, {i} returned",
    "# limit for {w} customers reached: {i} of {i} used by {u}",
    "Published # event {x} to {w} subscribers",
    "Scheduled # refresh of {t} every {i} seconds",
    "Finished # batch {i}: {i} done, {i} skipped, {d} ms, {f} % of budget"};
constexpr std::array<std::string_view, 8> kErrors = {
    "KeyError",        "ValueError",        "TimeoutError",    "OperationalError",
    "ConnectionError", "ZeroDivisionError", "PermissionError", "StaleQuoteError"};
constexpr std::array<std::string_view, 16> kFunctions = {"dispatch_request",
                                                         "full_dispatch_request",
                                                         "view",
                                                         "load_quote",
                                                         "place_order",
                                                         "fetch_rows",
                                                         "_execute",
                                                         "commit",
                                                         "refresh",
                                                         "with_retry",
                                                         "decode",
                                                         "authorize",
                                                         "render",
                                                         "apply_limits",
                                                         "publish",
                                                         "_send_batch"};

void put_route(std::string& out, std::size_t route) {
  static constexpr std::array<std::string_view, 8> kResources = {
      "quotes", "orders", "portfolios", "watchlists", "alerts", "invoices", "reports", "accounts"};
  static constexpr std::array<std::string_view, 5> kForms = {"", "/<id>", "/<id>/history", "/search",
                                                             "/<id>/items"};
  out.append("/").append(kResources[route % 8]).append(kForms[route / 8]);
}

void put_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"").append(value).push_back('"');
}

}  // namespace

LogLines::LogLines(const LogOptions& options)
    : options_(options),
      random_(options.seed),
      templates_of_(kTemplates, 1.0),
      users_(kUsers, 1.0),
      tickers_(kTickers, 1.0),
      routes_(kRoutes, 0.8),
      services_(kServices.size(), 0.7),
      hosts_(kHosts, 0.3) {
  make_templates();
  for (std::size_t i = 0; i < kReleases; ++i) {
    releases_.push_back("2." + std::to_string(14 + i) + ".0");
  }
  requests_.resize(kOpenRequests);
}

void LogLines::make_templates() {
  for (std::size_t i = 0; i < kTemplates; ++i) {
    std::string text(kSentences[i % kSentences.size()]);
    text.replace(text.find('#'), 1, kThings[i / kSentences.size()]);
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    templates_.push_back({std::move(text)});
  }
  // Popularity must not follow the order of the sentences.
  Random shuffle(42);
  for (std::size_t i = kTemplates; i > 1; --i) std::swap(templates_[i - 1], templates_[shuffle.below(i)]);
}

void LogLines::open(OpenRequest& r) {
  r.lines_left = 1 + static_cast<unsigned>(random_.below(12));
  r.fresh = true;
  r.service = services_.draw(random_);
  r.environment = random_.below(10) == 0 ? 1 : 0;
  r.host = hosts_.draw(random_);
  r.method = std::min<std::size_t>(random_.below(12) / 2, 7) % kMethods.size();
  r.route = routes_.draw(random_);
  r.user = users_.draw(random_);
  r.ticker = tickers_.draw(random_);
  r.tier = std::min<std::size_t>(random_.below(10) / 4, kTiers.size() - 1);
  r.client_ip = static_cast<std::uint32_t>(random_.below(1U << 22));
  r.trace = {random_.next(), random_.next()};
  r.request = random_.next();
  static constexpr std::array<unsigned, 8> kStatuses = {200, 200, 200, 200, 201, 304, 404, 500};
  r.status = kStatuses[random_.below(kStatuses.size())];
}

std::string_view LogLines::release_now() const {
  return releases_[std::min<std::uint64_t>(made_ * kReleases / std::max<std::uint64_t>(options_.lines, 1),
                                           kReleases - 1)];
}

void LogLines::put_duration(std::string& out) {
  // Log-normal by Box and Muller: median 12 ms, 1 % above 200 ms.
  const double normal =
      std::sqrt(-2 * std::log(1 - random_.unit())) * std::cos(6.283185307179586 * random_.unit());
  const double ms = std::min(12 * std::exp(1.2 * normal), 60'000.0);
  const auto micros = static_cast<std::uint64_t>(ms * 1000);
  put_number(out, micros / 1000);
  out.push_back('.');
  put_padded(out, micros % 1000, 3);
}

void LogLines::put_variable(std::string& out, char type, const OpenRequest& r) {
  static constexpr std::array<std::string_view, 6> kWords = {"retail",  "internal", "premium",
                                                             "partner", "mobile",   "legacy"};
  switch (type) {
    case 'i':
      return put_number(out, random_.below(random_.below(2) == 0 ? 100 : 100'000));
    case 'f':
      return put_price(out, random_);
    case 'd':
      return put_duration(out);
    case 'x':
      return put_hex(out, random_.next(), 12);
    case 't':
      return put_ticker(out, r.ticker);
    case 'u':
      return put_number(out, 10'000 + r.user);
    case 'p':
      return put_route(out, r.route);
    case 'a':
      return put_address(out, static_cast<std::uint32_t>(random_.below(1U << 12)));
    default:
      out.append(kWords[random_.below(kWords.size())]);
  }
}

void LogLines::put_message(std::string& out, const OpenRequest& r) {
  const std::string_view text = templates_[templates_of_.draw(random_)].text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      out.push_back(text[i]);
      continue;
    }
    put_variable(out, text[i + 1], r);
    i += 2;
  }
}

void LogLines::put_traceback(std::string& out, const OpenRequest& r) {
  out.append(R"(,"exc_info":"Traceback (most recent call last):\n)");
  const std::uint64_t frames = (20 + random_.below(41) - 2) / 2;
  for (std::uint64_t i = 0; i < frames; ++i) {
    const std::string_view function = kFunctions[random_.below(kFunctions.size())];
    out.append(R"(  File \"stockapp/)")
        .append(kServices[(r.service + i) % kServices.size()])
        .append(R"(.py\", line )");
    put_number(out, 10 + random_.below(900));
    out.append(", in ").append(function).append(R"(\n    )").append(function).append(R"(()\n)");
  }
  out.append(kErrors[random_.below(kErrors.size())]).append(": ");
  put_variable(out, 'x', r);
  out.push_back('"');
}

bool LogLines::next(LogLine& line) {
  if (made_ >= options_.lines) return false;
  OpenRequest& r = requests_[random_.below(requests_.size())];
  if (r.lines_left == 0) open(r);
  --r.lines_left;
  line.begins_request = r.fresh;
  r.fresh = false;
  const double share =
      options_.lines < 2 ? 0 : static_cast<double>(made_) / static_cast<double>(options_.lines - 1);
  line.time_ns = options_.start_ns + static_cast<std::int64_t>(share * static_cast<double>(options_.span_ns));
  const std::uint64_t dice = random_.below(100);
  line.severity = dice < 90 ? Severity::info : dice < 97 ? Severity::warning : Severity::error;
  line.service = r.service;
  line.environment = r.environment;

  std::string& out = line.json;
  out.assign("{\"timestamp\":\"");
  put_time(out, line.time_ns);
  out.push_back('"');
  static constexpr std::array<std::string_view, 3> kLevels = {"INFO", "WARNING", "ERROR"};
  put_field(out, "level", kLevels[static_cast<std::size_t>(line.severity)]);
  put_field(out, "logger", kLoggers[random_.below(kLoggers.size())]);
  out.append(",\"message\":\"");
  if (made_ >= options_.lines / 2 && made_ < options_.lines / 2 + kIncidentLines) {
    out.append("Settlement ledger out of balance");
  } else {
    put_message(out, r);
  }
  out.push_back('"');
  put_field(out, "service", kServices[r.service]);
  out.append(",\"host\":\"web-");
  put_padded(out, r.host, 2);
  out.push_back('"');
  put_field(out, "environment", kEnvironments[r.environment]);
  put_field(out, "release", release_now());
  put_field(out, "method", kMethods[r.method]);
  out.append(",\"route\":\"");
  put_route(out, r.route);
  out.append("\",\"status\":");
  put_number(out, r.status);
  out.append(",\"duration_ms\":");
  put_duration(out);
  out.append(",\"client_ip\":\"");
  put_address(out, r.client_ip);
  out.append("\",\"user_id\":\"");
  put_number(out, 10'000 + r.user);
  out.append("\",\"ticker\":\"");
  put_ticker(out, r.ticker);
  out.push_back('"');
  put_field(out, "tier", kTiers[r.tier]);
  out.append(",\"trace_id\":\"");
  const std::size_t trace_at = out.size();
  put_hex(out, r.trace[0]);
  put_hex(out, r.trace[1]);
  out.append("\",\"span_id\":\"");
  put_hex(out, random_.next());
  out.append("\",\"request_id\":\"");
  const std::size_t request_at = out.size();
  put_hex(out, r.request);
  out.push_back('"');
  if (line.severity == Severity::error) put_traceback(out, r);
  out.push_back('}');
  line.trace_id = std::string_view(out).substr(trace_at, 32);
  line.request_id = std::string_view(out).substr(request_at, 16);
  ++made_;
  return true;
}

}  // namespace bench
