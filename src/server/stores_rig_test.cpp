#include "server/stores_rig.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "redact/redactor.hpp"

namespace telltale::server::rig {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr int kErrorTypes = 3;

std::string event_id(int n) { return fmt::format("{:032x}", 0xe000000 + n); }
std::string span_id(int n, int i) { return fmt::format("{:016x}", 0x50000000 + n * 16 + i); }

/// The request's answer: good only when nothing of it was left out.
bool accepted(const Result<ingest::Outcome>& outcome, const char* what) {
  if (!outcome) return false;
  for (const auto& e : outcome->rejected) ADD_FAILURE() << what << ": " << e.reason;
  return true;
}

void note(std::map<std::string, bool>& book, const std::string& id, bool acknowledged) {
  bool& entry = book[id];
  entry = entry || acknowledged;
}

}  // namespace

Rig::Rig() : log(clock, LogLevel::error, null_sink()) {
  config.server.data_dir = "data";
  config.journal.segment_bytes = 4096;
  auto made = redact::Redactor::create({});
  EXPECT_TRUE(made);
  redactor = std::move(*made);
}

Result<> Rig::open() {
  metrics = std::make_unique<MetricsRegistry>();
  TT_ASSIGN(stores, Stores::open(
                        disk, config, {}, [] { return true; }, clock, log, *metrics));
  ingest = std::make_unique<ingest::Ingest>(stores->pipeline(), *redactor, clock, *metrics,
                                            ingest::IngestOptions{});
  const auto project = stores->records().projects().get(kProject);
  if (project) return {};
  // The power may go while it is read.
  if (project.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(project.error());
  EXPECT_FALSE(project_promised) << "the project was lost";
  TT_TRY(stores->records().projects().add({kProject, "shop", "Shop", clock.now()}).map([](ProjectId) {}));
  project_promised = true;
  return {};
}

void Rig::close() {
  ingest.reset();
  stores.reset();
}

bool Rig::settle() {
  return stores->pipeline().wait_applied(stores->journal().durable(), std::chrono::seconds(30));
}

bool Client::send_event(Rig& rig, int n) {
  const std::string id = event_id(n);
  const std::string event =
      fmt::format(R"({{"event_id":"{}","timestamp":{},"platform":"python","level":"error","release":"1.{}",)"
                  R"("user":{{"id":"u{}"}},"exception":{{"values":[{{"type":"Error{}","value":"boom"}}]}}}})",
                  id, kNow - n, n % 4, n % 7, n % kErrorTypes);
  const std::string body = fmt::format("{{\"event_id\":\"{}\"}}\n{{\"type\":\"event\"}}\n{}\n", id, event);
  const bool ok = accepted(rig.ingest->sentry_envelope(kProject, body), "event");
  note(book_.events, id, ok);
  return ok;
}

bool Client::send_transaction(Rig& rig, int n) {
  const std::string trace = fmt::format("{:032x}", 0x7000000 + n);
  const auto span = [&](int i) {
    return fmt::format(R"("trace_id":"{}","span_id":"{}","op":"db","start_timestamp":{},"timestamp":{})",
                       trace, span_id(n, i), kNow - n, kNow - n + 1);
  };
  const std::string transaction = fmt::format(
      R"({{"type":"transaction","event_id":"{}","transaction":"/buy","start_timestamp":{},"timestamp":{},)"
      R"("contexts":{{"trace":{{"trace_id":"{}","span_id":"{}","op":"http.server"}}}},"spans":[{{{}}}]}})",
      event_id(n), kNow - n, kNow - n + 1, trace, span_id(n, 0), span(1));
  const std::string body =
      fmt::format("{{\"event_id\":\"{}\"}}\n{{\"type\":\"transaction\"}}\n{}\n", event_id(n), transaction);
  const bool ok = accepted(rig.ingest->sentry_envelope(kProject, body), "transaction");
  for (int i = 0; i < 2; ++i) note(book_.spans, span_id(n, i), ok);
  return ok;
}

bool Client::send_lines(Rig& rig, int n) {
  const std::int64_t ns = (kNow - n) * 1'000'000'000;
  const std::string body = fmt::format(
      R"({{"streams":[{{"stream":{{"app":"shop"}},"values":[["{}","line {}.0"],["{}","line {}.1"]]}}]}})", ns,
      n, ns + 1, n);
  const bool ok = accepted(rig.ingest->loki_push(kProject, body, ingest::LokiFormat::json), "lines");
  for (int i = 0; i < 2; ++i) note(book_.lines, fmt::format("line {}.{}", n, i), ok);
  return ok;
}

bool Client::send_spans(Rig& rig, int n) {
  const std::string body = fmt::format(
      R"({{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","spanId":"{}","name":"call",)"
      R"("startTimeUnixNano":"{}","endTimeUnixNano":"{}"}}]}}]}}]}})",
      0x8000000 + n, span_id(n, 0), (kNow - n) * 1'000'000'000, (kNow - n) * 1'000'000'000 + 5);
  const bool ok = accepted(rig.ingest->otlp_traces(kProject, body, wire::otlp::Encoding::json), "spans");
  note(book_.spans, span_id(n, 0), ok);
  return ok;
}

bool Client::send_samples(Rig& rig, int n) {
  std::vector<std::pair<Labels, Sample>> samples;
  // One series that every request writes, and one that only a few have met.
  for (const int series : {0, 1 + n / 10}) {
    const std::string name = fmt::format("m{}", series);
    const std::int64_t ms = (kNow - n) * 1000;
    samples.emplace_back(Labels({{"__name__", name}}), Sample{{ms}, n + series * 0.5});
  }
  const bool ok = rig.stores->pipeline().write_samples(kProject, rig.clock.now(), samples).has_value();
  for (const auto& [labels, sample] : samples) {
    auto& entry = book_.samples[{std::string(labels.get("__name__")), sample.time.ms}];
    entry = {sample.value, entry.second || ok};
  }
  return ok;
}

bool Client::send(Rig& rig, int n) {
  switch (n % 5) {
    case 0:
      return send_event(rig, n);
    case 1:
      return send_transaction(rig, n);
    case 2:
      return send_lines(rig, n);
    case 3:
      return send_spans(rig, n);
    default:
      return send_samples(rig, n);
  }
}

void Client::resend(Rig& rig, int upto) {
  for (int n = 0; n < upto; ++n) {
    if (n % 5 != 2) {
      ASSERT_TRUE(send(rig, n)) << "request " << n;
    }
  }
}

namespace {

std::vector<EventRow> rows_of(Rig& rig, Table table) {
  WorkContext context(rig.clock, {});
  storage::EventQuery query;
  query.table = table;
  query.projects = {kProject};
  auto rows = storage::collect(rig.stores->events(), query, context);
  EXPECT_TRUE(rows) << rows.error().message();
  return rows ? std::move(*rows) : std::vector<EventRow>{};
}

/// `found` counts what the store holds.
void compare(const char* what, const std::map<std::string, int>& found,
             const std::map<std::string, bool>& book, Unanswered unanswered) {
  for (const auto& [id, acknowledged] : book) {
    const auto entry = found.find(id);
    const int n = entry == found.end() ? 0 : entry->second;
    EXPECT_LE(n, 1) << what << " " << id << " is there more than once";
    if (acknowledged) {
      EXPECT_EQ(n, 1) << what << " " << id << " was acknowledged and is lost";
    } else if (unanswered == Unanswered::must_be_absent) {
      EXPECT_EQ(n, 0) << what << " " << id << " was refused and is there";
    }
  }
  for (const auto& [id, n] : found) EXPECT_TRUE(book.contains(id)) << what << " " << id << " was never sent";
}

std::string text_of(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? std::string() : to_string(*value);
}

/// Each issue counts the events of its type that are there, in all of its counters.
void check_issues(Rig& rig, const std::map<std::string, std::uint64_t>& by_type) {
  storage::IssueQuery query;
  query.projects = {kProject};
  auto& records = rig.stores->records().issues();
  const auto issues = records.search(query);
  ASSERT_TRUE(issues) << issues.error().message();
  std::map<std::string, std::uint64_t> counted;
  for (const auto& issue : *issues) {
    EXPECT_FALSE(counted.contains(issue.type)) << "two issues of " << issue.type;
    counted[issue.type] += issue.event_count;
    std::uint64_t hours = 0;
    const auto hour_counts = records.hour_counts(issue.id, TimeRange{});
    ASSERT_TRUE(hour_counts);
    for (const auto& h : *hour_counts) hours += h.count;
    EXPECT_EQ(hours, issue.event_count) << issue.type << " by hour";
    std::uint64_t releases = 0;
    const auto release_counts = records.releases(issue.id);
    ASSERT_TRUE(release_counts);
    for (const auto& r : *release_counts) releases += r.count;
    EXPECT_EQ(releases, issue.event_count) << issue.type << " by release";
  }
  EXPECT_EQ(counted, by_type) << "issue counts against events";
}

void check_samples(Rig& rig, const Book& book, Unanswered unanswered) {
  WorkContext context(rig.clock, {});
  const storage::SeriesSelect query{{kProject}, {{INT64_MIN}, {INT64_MAX}}, {}, {}};
  auto cursor = rig.stores->metrics().select(query, context);
  ASSERT_TRUE(cursor) << cursor.error().message();
  std::map<std::pair<std::string, std::int64_t>, double> found;
  for (storage::SeriesView view;;) {
    const auto more = (*cursor)->next(view);
    ASSERT_TRUE(more) << more.error().message();
    if (!*more) break;
    const std::string name(view.labels->get("__name__"));
    for (std::size_t i = 0; i < view.times_ms.size(); ++i) {
      EXPECT_TRUE(found.emplace(std::pair(name, view.times_ms[i]), view.values[i]).second)
          << name << " twice";
    }
  }
  for (const auto& [key, entry] : book.samples) {
    const auto sample = found.find(key);
    if (sample != found.end()) {
      EXPECT_EQ(sample->second, entry.first) << "sample of " << key.first << " at " << key.second;
      EXPECT_TRUE(entry.second || unanswered == Unanswered::may_be_there)
          << "sample of " << key.first << " at " << key.second << " was refused and is there";
    } else {
      EXPECT_FALSE(entry.second) << "sample of " << key.first << " at " << key.second
                                 << " was acknowledged and is lost";
    }
  }
  for (const auto& [key, value] : found) EXPECT_TRUE(book.samples.contains(key)) << key.first;
}

}  // namespace

void check_rows(Rig& rig, const Book& book, Unanswered unanswered) {
  const Sequence durable = rig.stores->journal().durable();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (rig.stores->metrics().applied() < durable || rig.stores->events().applied() < durable) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "a store does not apply what is durable";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::map<std::string, int> lines;
  for (const auto& row : rows_of(rig, Table::logs)) ++lines[row.message];
  std::map<std::string, int> spans;
  for (const auto& row : rows_of(rig, Table::spans)) ++spans[row.ids.span_id.hex()];
  compare("line", lines, book.lines, unanswered);
  compare("span", spans, book.spans, unanswered);
  check_samples(rig, book, unanswered);
}

void check(Rig& rig, const Book& book, Unanswered unanswered) {
  ASSERT_TRUE(rig.settle()) << "a store cannot apply what is durable";
  std::map<std::string, int> events;
  std::map<std::string, std::uint64_t> by_type;
  for (const auto& row : rows_of(rig, Table::errors)) {
    ++events[text_of(row, attr::kEventId)];
    ++by_type[text_of(row, attr::kErrorType)];
  }
  compare("event", events, book.events, unanswered);
  check_issues(rig, by_type);
  check_rows(rig, book, unanswered);
}

}  // namespace telltale::server::rig
