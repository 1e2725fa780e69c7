#include "api/loki/tail.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "api/loki/encode.hpp"
#include "api/loki/params.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/mutex.hpp"

namespace telltale::api {
namespace loki {
namespace {

constexpr std::size_t kDefaultHistory = 100;
constexpr Nanos kMaxDelay = std::chrono::seconds(5);
constexpr std::size_t kMaxDropped = 100;  // described one by one; more are counted
constexpr int kPolicyViolation = 1008;

/// What tells a row of the store and the same row on its way from the journal apart from every other; rows
/// that agree in all of it cannot be told apart by anybody, and are counted.
Id128 identity(const EventRow& row) {
  std::string text = fmt::format("{}/{}/{}/", row.project.value, row.time.ns, row.received.ns);
  text += row.message;
  for (const Attr& a : row.attributes) {
    text += '\0';
    text += a.name;
    text += '\0';
    text += telltale::to_string(a.value);
  }
  return hash128(text);
}

class LiveTail {
 public:
  LiveTail(std::shared_ptr<net::WebSocketSession> session, logql::Pipeline pipeline, bool categories)
      : session_(std::move(session)),
        live_(pipeline.clone()),
        past_(std::move(pipeline)),
        categories_(categories) {}

  /// The newest rows of before, oldest first; then what came in while they were read.
  Result<> open(storage::EventStore& store, storage::EventQuery query, std::size_t limit,
                WorkContext& context) {
    std::vector<logql::LogEntry> entries;
    TT_TRY(read_history(store, query, limit, context, entries));
    std::reverse(entries.begin(), entries.end());
    const MutexLock lock(mutex_);
    send(entries);
    open_ = true;
    std::vector<logql::LogEntry> meanwhile;
    for (auto& [id, entry] : held_) {
      if (!was_shown(id)) meanwhile.push_back(std::move(entry));
    }
    held_.clear();
    send(meanwhile);
    return {};
  }

  /// The hub's thread.
  bool take(const std::vector<const EventRow*>& rows, std::uint64_t dropped) {
    const MutexLock lock(mutex_);
    std::vector<logql::LogEntry> entries;
    logql::LogEntry entry;
    for (const EventRow* row : rows) {
      if (open_ && was_shown(*row)) continue;
      if (!live_.process(*row, entry)) continue;
      if (open_) {
        entries.push_back(entry);
      } else if (held_.size() < limits::kTailQueueRows) {
        // Whether the history has it, too, is known once that is read.
        held_.emplace_back(identity(*row), entry);
      } else {
        ++uncounted_;
      }
    }
    uncounted_ += dropped;
    if (open_) send(entries);
    return true;
  }

 private:
  Result<> read_history(storage::EventStore& store, const storage::EventQuery& query, std::size_t limit,
                        WorkContext& context, std::vector<logql::LogEntry>& entries) {
    if (limit == 0 || query.range.from >= query.range.to) return {};
    TT_ASSIGN(const auto cursor, store.select(query, context));
    std::vector<EventRow> batch;
    logql::LogEntry entry;
    while (entries.size() < limit) {
      TT_TRY(cursor->next(batch));
      if (batch.empty()) break;
      for (const EventRow& row : batch) {
        if (entries.size() == limit) break;
        if (!past_.process(row, entry)) continue;
        entries.push_back(entry);
        const MutexLock lock(mutex_);
        shown_.insert(identity(row));
        newest_received_ = std::max(newest_received_, row.received);
      }
    }
    return {};
  }

  /// True once for each row of the history that comes again.
  bool was_shown(const EventRow& row) TT_REQUIRES(mutex_) {
    if (shown_.empty()) return false;
    // Rows come in the order of their acceptance, but for the delay: nothing of the history follows.
    if (row.received > newest_received_ + 2 * kMaxDelay) shown_.clear();
    return was_shown(identity(row));
  }
  bool was_shown(const Id128& id) TT_REQUIRES(mutex_) {
    const auto found = shown_.find(id);
    if (found == shown_.end()) return false;
    shown_.erase(found);
    return true;
  }

  void send(const std::vector<logql::LogEntry>& entries) TT_REQUIRES(mutex_) {
    std::vector<logql::LogEntry> frame;
    std::size_t bytes = 0;
    for (const auto& entry : entries) {
      frame.push_back(entry);
      bytes += entry.line.size();
      if (frame.size() < limits::kTailFrameRows && bytes < limits::kTailFrameBytes) continue;
      send_frame(frame);
      frame.clear();
      bytes = 0;
    }
    if (!frame.empty() || uncounted_ != 0) send_frame(frame);
  }

  void send_frame(const std::vector<logql::LogEntry>& entries) TT_REQUIRES(mutex_) {
    JsonWriter w;
    w.begin_object().key("streams");
    write_streams(w, entries, categories_);
    if (!dropped_.empty() || uncounted_ != 0) write_dropped(w);
    write_flags(w, categories_);
    w.end_object();
    if (session_->send_text(w.take())) {
      dropped_.clear();
      uncounted_ = 0;
      return;
    }
    for (const auto& entry : entries) {
      if (dropped_.size() < kMaxDropped) {
        dropped_.emplace_back(entry.time, entry.stream);
      } else {
        ++uncounted_;
      }
    }
  }

  void write_dropped(JsonWriter& w) TT_REQUIRES(mutex_) {
    w.key("dropped_entries").begin_array();
    for (const auto& [time, labels] : dropped_) {
      w.begin_object().key("labels");
      write_label_object(w, labels);
      w.field("timestamp", std::to_string(time.ns)).end_object();
    }
    if (uncounted_ != 0) {
      w.begin_object().key("labels").begin_object();
      w.field("dropped", std::to_string(uncounted_)).end_object();
      w.field("timestamp", "0").end_object();
    }
    w.end_array();
  }

  const std::shared_ptr<net::WebSocketSession> session_;
  logql::Pipeline live_;  // the hub's thread
  logql::Pipeline past_;  // the opening thread
  const bool categories_;
  Mutex mutex_;
  bool open_ TT_GUARDED_BY(mutex_) = false;
  std::vector<std::pair<Id128, logql::LogEntry>> held_ TT_GUARDED_BY(mutex_);
  std::multiset<Id128> shown_ TT_GUARDED_BY(mutex_);
  UnixNanos newest_received_ TT_GUARDED_BY(mutex_);
  std::vector<std::pair<UnixNanos, std::vector<Label>>> dropped_ TT_GUARDED_BY(mutex_);
  std::uint64_t uncounted_ TT_GUARDED_BY(mutex_) = 0;
};

/// The credential of the upgrade, asked again and again.
std::function<bool()> tail_stands(const Services& services, const net::HttpRequest& request,
                                  const std::shared_ptr<net::WebSocketSession>& session,
                                  const storage::Projects& projects) {
  return [&services, request, session, projects] {
    const auto now = projects_param(services, request);
    const bool stands = now && std::all_of(projects.begin(), projects.end(), [&](ProjectId project) {
                          return std::find(now->begin(), now->end(), project) != now->end();
                        });
    if (!stands) session->close(kPolicyViolation, "the credential of this tail is gone");
    return stands;
  };
}

Result<net::WebSocketCallbacks> open_loki_tail(const Services& services, ingest::TailHub& hub,
                                               const std::function<void()>& settle,
                                               const net::HttpRequest& request,
                                               const std::shared_ptr<net::WebSocketSession>& session) {
  ingest::TailRequest wanted;
  TT_ASSIGN(wanted.projects, projects_param(services, request));
  const auto text = request.param("query");
  if (!text || text->empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  TT_ASSIGN(const auto expr, logql::parse(*text));
  if (!expr.is_log()) return fail(ErrorKind::invalid_argument, "query: only a log query can be followed");
  TT_ASSIGN(auto pipeline, logql::Pipeline::compile(expr.log));
  wanted.filter = pipeline.necessary();
  TT_ASSIGN(wanted.delay, span_param(request, "delay_for", Nanos{0}));
  if (wanted.delay > kMaxDelay) return fail(ErrorKind::invalid_argument, "delay_for: at most 5 seconds");
  TT_ASSIGN(const auto window, window_param(services, request));
  std::size_t limit = 0;
  if (request.param("limit").value_or("") != "0") {
    TT_ASSIGN(limit, count_param(request, "limit", kDefaultHistory, limits::kMaxTailHistory));
  }
  wanted.still_allowed = tail_stands(services, request, session, wanted.projects);
  storage::EventQuery past;
  past.projects = wanted.projects;
  past.filter = wanted.filter;
  past.range.from = window.start;
  const auto tail = std::make_shared<LiveTail>(session, std::move(pipeline), wants_categories(request));
  TT_ASSIGN(const auto id, hub.subscribe(wanted, [tail](const auto& rows, std::uint64_t dropped) {
    return tail->take(rows, dropped);
  }));
  settle();
  WorkContext context(services.clock, services.query_limits);
  if (const auto opened = tail->open(services.events, past, limit, context); !opened) {
    hub.unsubscribe(id);
    return tl::unexpected<Error>(opened.error());
  }
  net::WebSocketCallbacks callbacks;
  callbacks.on_close = [&hub, id] { hub.unsubscribe(id); };
  return callbacks;
}

}  // namespace
}  // namespace loki

net::WebSocketAccept loki_tail_accept(const Services& services, ingest::TailHub& hub,
                                      std::function<void()> settle) {
  return [&services, &hub, settle = std::move(settle)](
             const net::HttpRequest& request, const std::shared_ptr<net::WebSocketSession>& session) {
    return loki::open_loki_tail(services, hub, settle, request, session);
  };
}

}  // namespace telltale::api
