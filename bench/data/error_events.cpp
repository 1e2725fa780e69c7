#include "error_events.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::size_t kUsers = 50'000;
constexpr std::size_t kTickers = 5'000;
constexpr char kOpen = '\1', kClose = '\2';

constexpr std::array<std::string_view, 24> kWords = {
    "amber",  "basket", "copper", "drift",  "ember",  "fiscal", "garden", "harbor",
    "island", "jungle", "kernel", "ledger", "meadow", "nickel", "orchid", "pepper",
    "quarry", "ribbon", "saddle", "timber", "umbra",  "velvet", "walnut", "yonder"};
constexpr std::array<std::string_view, 4> kAgents = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "StockApp/4.2 (Android 16; Pixel 9)"};
constexpr std::array<std::string_view, 3> kTiers = {"free", "basic", "premium"};
constexpr std::array<std::string_view, 22> kMarks = {
    "event", "trace",  "span",   "span2",    "request", "ref",  "user", "email",
    "ip",    "agent",  "ticker", "tier",     "release", "time", "line", "address",
    "price", "digits", "module", "function", "type",    "words"};

void put_uuid(std::string& out, const std::array<std::uint64_t, 2>& id) {
  put_hex(out, id[0] >> 32, 8);
  out.push_back('-');
  put_hex(out, id[0] >> 16, 4);
  out.push_back('-');
  put_hex(out, id[0], 4);
  out.push_back('-');
  put_hex(out, id[1] >> 48, 4);
  out.push_back('-');
  put_hex(out, id[1], 12);
}

}  // namespace

std::string release_name(std::size_t release) { return "stockapp@4." + std::to_string(release) + ".0"; }

ErrorEvents::Piece ErrorEvents::parse_mark(std::string_view mark) {
  const std::string_view name = mark.substr(0, mark.find(':'));
  const auto known = std::find(kMarks.begin(), kMarks.end(), name);
  if (known == kMarks.end()) throw std::runtime_error("a mark that is not known: " + std::string(mark));
  Piece piece;
  piece.mark = static_cast<Mark>(known - kMarks.begin());
  if (name.size() < mark.size()) {
    const std::string arguments(mark.substr(name.size() + 1));
    char* rest = nullptr;
    piece.first = static_cast<std::uint32_t>(std::strtoul(arguments.c_str(), &rest, 10));
    if (*rest == ':') piece.second = static_cast<std::uint32_t>(std::strtoul(rest + 1, nullptr, 10));
  }
  return piece;
}

ErrorEvents::Kind ErrorEvents::parse(std::string_view line) {
  Kind kind;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t open = line.find(kOpen, at);
    const std::size_t close = line.find(kClose, at);
    if (open == std::string_view::npos) break;
    if (close == std::string_view::npos) throw std::runtime_error("a mark without an end");
    Piece piece = parse_mark(line.substr(open + 1, close - open - 1));
    piece.text = line.substr(at, open - at);
    at = close + 1;
    kind.pieces.push_back(std::move(piece));
  }
  kind.tail = line.substr(std::min(at, line.size()));
  return kind;
}

ErrorEvents::ErrorEvents(const std::string& recorded, const ErrorOptions& options)
    : options_(options),
      random_(options.seed),
      causes_(options.causes, 1.0),
      users_(kUsers, 1.0),
      tickers_(kTickers, 1.0) {
  for (std::size_t at = 0; at < recorded.size();) {
    const std::size_t end = std::min(recorded.find('\n', at), recorded.size());
    if (end > at) kinds_.push_back(parse(std::string_view(recorded).substr(at, end - at)));
    at = end + 1;
  }
  if (kinds_.empty()) throw std::runtime_error("no recorded events");
}

void ErrorEvents::put_cause_words(std::string& out, std::size_t cause, char between, bool capital) const {
  // At least two words, so that no cause's are the beginning of another's.
  std::size_t rest = cause;
  for (int i = 0; i < 2 || rest != 0; ++i, rest /= kWords.size()) {
    const std::string_view word = kWords[rest % kWords.size()];
    if (between != 0) out.push_back(between);
    out.push_back(capital ? static_cast<char>(word[0] - 'a' + 'A') : word[0]);
    out.append(word.substr(1));
  }
}

void ErrorEvents::put(std::string& out, const Piece& piece, const Person& person, const ErrorEvent& event) {
  switch (piece.mark) {
    case Mark::event:
      out.append(event.event_id);
      return;
    case Mark::trace:
      out.append(event.trace_id);
      return;
    case Mark::span:
      return put_hex(out, person.span);
    case Mark::span2:
      return put_hex(out, person.parent);
    case Mark::request:
      return put_uuid(out, person.request);
    case Mark::ref:
      return put_hex(out, person.ref, 12);
    case Mark::user:
      return put_number(out, 10'000 + person.user);
    case Mark::email:
      out.append("person");
      put_number(out, 10'000 + person.user);
      out.append("@mail.example");
      return;
    case Mark::ip:
      return put_address(out, static_cast<std::uint32_t>(person.user * 83));
    case Mark::agent:
      out.append(kAgents[person.user % kAgents.size()]);
      return;
    case Mark::ticker:
      return put_ticker(out, person.ticker);
    case Mark::tier:
      out.append(kTiers[person.user % kTiers.size()]);
      return;
    case Mark::release:
      out.append(release_name(event.release));
      return;
    case Mark::time:  // `first` breadcrumbs before the event, which are some 40 ms apart
      return put_time(out, person.time_ns - piece.first * (30'000'000 + random_.below(20'000'000)), 6);
    case Mark::line:  // every release moves each file's code by some lines
      return put_number(out, piece.first + (event.release * (piece.second + 1)) % 31);
    case Mark::address:
      out.append("0x7f");
      return put_hex(out, random_.next(), 10);
    case Mark::price:
      return put_price(out, random_);
    case Mark::digits: {
      std::uint64_t below = 9;
      for (std::uint32_t i = 1; i < std::min(piece.first, 18U); ++i) below *= 10;
      return put_number(out, below / 9 + random_.below(below));
    }
    case Mark::module:
    case Mark::function:
      return put_cause_words(out, event.cause, '_', false);
    case Mark::type:
      return put_cause_words(out, event.cause, 0, true);
    case Mark::words:
      put_cause_words(out, event.cause, ' ', false);
      out.append(": ");
      return;
  }
}

bool ErrorEvents::next(ErrorEvent& event) {
  if (made_ >= options_.events) return false;
  const bool every = options_.each_cause && made_ < options_.causes;
  event.cause = options_.first_cause + (every ? made_ : causes_.draw(random_));
  const double share =
      options_.events < 2 ? 0 : static_cast<double>(made_) / static_cast<double>(options_.events - 1);
  event.release = std::min(static_cast<std::size_t>(share * kReleases), kReleases - 1);
  Person person;
  for (auto* id : {&person.event, &person.trace, &person.request}) *id = {random_.next(), random_.next()};
  person.span = random_.next();
  person.parent = random_.next();
  person.ref = random_.next();
  person.user = users_.draw(random_);
  person.ticker = tickers_.draw(random_);
  person.time_ns =
      options_.start_ns + static_cast<std::int64_t>(share * static_cast<double>(options_.span_ns));
  event.event_id.clear();
  put_hex(event.event_id, person.event[0]);
  put_hex(event.event_id, person.event[1]);
  event.trace_id.clear();
  put_hex(event.trace_id, person.trace[0]);
  put_hex(event.trace_id, person.trace[1]);
  const Kind& kind = kinds_[event.cause % kinds_.size()];
  event.json.clear();
  for (const Piece& piece : kind.pieces) {
    event.json.append(piece.text);
    put(event.json, piece, person, event);
  }
  event.json.append(kind.tail);
  ++made_;
  return true;
}

}  // namespace bench
