#include "ingest/tail_hub.hpp"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/thread_pool.hpp"

namespace telltale::ingest {
namespace {

std::size_t row_count(const storage::Batch& batch) {
  return batch.logs.size() + batch.spans.size() + batch.errors.size();
}

/// Rows for one call of a sink.
struct Frame {
  std::vector<const EventRow*> rows;
  std::size_t bytes = 0;

  /// True when it is full.
  bool add(const EventRow& row) {
    rows.push_back(&row);
    bytes += row.message.size() + row.payload.size();
    return rows.size() >= limits::kTailFrameRows || bytes >= limits::kTailFrameBytes;
  }
  std::vector<const EventRow*> take() {
    bytes = 0;
    return std::exchange(rows, {});
  }
};

}  // namespace

struct TailHub::Subscriber {
  Subscriber(const TailRequest& request, storage::CompiledFilter f, TailSink s)
      : table(request.table),
        projects(request.projects),
        filter(std::move(f)),
        sink(std::move(s)),
        still_allowed(request.still_allowed),
        delay(request.delay) {}

  bool may_see(ProjectId project) const {
    return std::find(projects.begin(), projects.end(), project) != projects.end();
  }

  const Table table;
  const storage::Projects projects;
  const storage::CompiledFilter filter;
  const TailSink sink;
  const std::function<bool()> still_allowed;
  const Nanos delay;
  struct Held {
    std::chrono::steady_clock::time_point due;
    BatchPtr batch;
    const EventRow* row;
  };
  std::multimap<UnixNanos, Held> held;  // by the rows' own time; the hub's thread only
  std::chrono::steady_clock::time_point checked = std::chrono::steady_clock::now();  // the hub's thread only
  std::atomic<std::uint64_t> dropped{0};                                             // not yet told
};

TailHub::TailHub(MetricsRegistry& metrics, TailHubOptions options)
    : options_(options),
      rows_total_(metrics.counter("telltale_tail_rows_total", "Rows pushed to live tails.")),
      dropped_total_(metrics.counter("telltale_tail_dropped_total", "Rows that live tails missed.")) {
  thread_ = std::thread([this] { run(); });
}

TailHub::~TailHub() { stop(); }

Result<std::uint64_t> TailHub::subscribe(const TailRequest& request, TailSink sink) {
  TT_ASSIGN(auto filter, storage::CompiledFilter::compile(request.filter));
  auto subscriber = std::make_shared<Subscriber>(request, std::move(filter), std::move(sink));
  const MutexLock lock(mutex_);
  if (stopping_) return fail(ErrorKind::unavailable, "the server is stopping");
  if (subscribers_.size() >= options_.max_subscribers) {
    return fail(ErrorKind::resource_exhausted,
                fmt::format("{} live tails are open already", options_.max_subscribers));
  }
  const std::uint64_t id = next_id_++;
  subscribers_.emplace(id, std::move(subscriber));
  return id;
}

void TailHub::unsubscribe(std::uint64_t id) {
  std::shared_ptr<Subscriber> gone;  // its sink may own a session; that ends outside the lock
  const MutexLock lock(mutex_);
  const auto place = subscribers_.find(id);
  if (place == subscribers_.end()) return;
  gone = std::move(place->second);
  subscribers_.erase(place);
}

std::size_t TailHub::subscribers() const {
  const MutexLock lock(mutex_);
  return subscribers_.size();
}

void TailHub::offer(const BatchPtr& batch) {
  const std::size_t rows = row_count(*batch);
  if (rows == 0) return;
  const MutexLock lock(mutex_);
  if (subscribers_.empty() || stopping_) return;
  // An empty queue takes any batch, so that one larger than the limit is still seen.
  if (queued_rows_ != 0 && queued_rows_ + rows > options_.max_queued_rows) {
    for (const auto& [id, s] : subscribers_) {
      const std::size_t missed = s->may_see(batch->project) ? batch->rows(s->table).size() : 0;
      s->dropped += missed;
      dropped_total_.add(missed);
    }
    return;
  }
  queued_rows_ += rows;
  queue_.push_back(batch);
  wake_.notify_one();
}

void TailHub::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    queue_.clear();
    queued_rows_ = 0;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

TailHub::SubscriberList TailHub::snapshot() const {
  SubscriberList list;
  for (const auto& [id, s] : subscribers_) list.push_back(s);
  return list;
}

void TailHub::run() {
  name_thread("tail");
  while (true) {
    BatchPtr batch;
    SubscriberList list;
    {
      const MutexLock lock(mutex_);
      if (queue_.empty() && !stopping_) {
        // With nobody watching there is nothing to tell; the first batch offered wakes us.
        if (subscribers_.empty()) {
          wake_.wait(mutex_);
        } else {
          const Nanos until_due = next_due_ - std::chrono::steady_clock::now();
          (void)wake_.wait_for(
              mutex_,
              std::max(Nanos{0}, std::min({options_.retry_interval, options_.check_interval, until_due})));
        }
      }
      if (stopping_) return;
      list = snapshot();
      if (!queue_.empty()) {
        batch = std::move(queue_.front());
        queue_.pop_front();
        queued_rows_ -= row_count(*batch);
      }
    }
    end_unwelcome(list);
    if (batch) {
      deliver(list, batch);
    } else {
      tell_drops(list);
    }
    release_due(list);
  }
}

void TailHub::end_unwelcome(SubscriberList& subscribers) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(subscribers, [&](const std::shared_ptr<Subscriber>& s) {
    if (!s->still_allowed || now - s->checked < options_.check_interval) return false;
    s->checked = now;
    if (s->still_allowed()) return false;
    const MutexLock lock(mutex_);
    std::erase_if(subscribers_, [&](const auto& known) { return known.second == s; });
    return true;
  });
}

void TailHub::deliver(const SubscriberList& subscribers, const BatchPtr& batch) {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& s : subscribers) {
    Frame frame;
    for (const EventRow& row : batch->rows(s->table)) {
      if (!s->may_see(row.project) || !s->filter.matches(row)) continue;
      if (s->delay.count() > 0) {
        // A row that is late already waits for less.
        const Nanos wait = std::clamp<Nanos>(s->delay + (row.time - row.received), Nanos{0}, s->delay);
        s->held.emplace(row.time, Subscriber::Held{now + wait, batch, &row});
      } else if (frame.add(row)) {
        hand_over(*s, frame.take());
      }
    }
    if (!frame.rows.empty()) hand_over(*s, frame.rows);
  }
}

void TailHub::release_due(const SubscriberList& subscribers) {
  const auto now = std::chrono::steady_clock::now();
  next_due_ = std::chrono::steady_clock::time_point::max();
  for (const auto& s : subscribers) {
    Frame frame;
    std::vector<BatchPtr> batches;  // of the rows in the frame
    while (!s->held.empty()) {
      const auto first = s->held.begin();
      if (first->second.due > now && s->held.size() <= options_.max_queued_rows) {
        next_due_ = std::min(next_due_, first->second.due);
        break;
      }
      batches.push_back(std::move(first->second.batch));
      const EventRow& row = *first->second.row;
      s->held.erase(first);
      if (!frame.add(row)) continue;
      hand_over(*s, frame.take());
      batches.clear();
    }
    if (!frame.rows.empty()) hand_over(*s, frame.rows);
  }
}

void TailHub::tell_drops(const SubscriberList& subscribers) {
  for (const auto& s : subscribers) {
    if (s->dropped.load() != 0) hand_over(*s, {});
  }
}

void TailHub::hand_over(Subscriber& subscriber, const std::vector<const EventRow*>& rows) {
  const std::uint64_t dropped = subscriber.dropped.exchange(0);
  if (subscriber.sink(rows, dropped)) {
    rows_total_.add(rows.size());
    return;
  }
  subscriber.dropped += dropped + rows.size();
  dropped_total_.add(rows.size());
}

}  // namespace telltale::ingest
