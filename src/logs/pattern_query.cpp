#include "logs/pattern_query.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "logs/pattern_miner.hpp"

namespace telltale::logs {
namespace {

std::int64_t floor_to(std::int64_t ns, std::int64_t step) {
  const std::int64_t past = ns % step;
  return ns - (past < 0 ? past + step : past);
}

/// Lines of one (service, cluster, level), by bucket: those looked at, or an estimate.
struct Tally {
  std::map<std::size_t, double> by_bucket;
};

class PatternSearch {
 public:
  PatternSearch(storage::EventStore& store, const PatternQuery& query, WorkContext& context)
      : store_(store), query_(query), context_(context) {}
  ~PatternSearch() { context_.release(charged_); }

  Result<PatternReport> run() {
    TT_TRY(lay_out());
    for (std::size_t from = 0; from < report_.buckets.size(); from += piece_) {
      TT_TRY(search_piece(from, std::min(from + piece_, report_.buckets.size())));
    }
    return finish();
  }

 private:
  using Key = std::pair<std::size_t, PatternMiner::Cluster>;  // number of the miner, cluster
  struct Miner {
    std::string service;
    PatternMiner patterns;
  };
  struct Sample {
    std::map<std::pair<Key, Level>, std::map<std::size_t, std::uint64_t>> seen;
    std::uint64_t looked_at = 0;
    std::uint64_t kept = 0;
    bool whole = true;
  };

  Result<> lay_out() {
    const std::int64_t width = query_.range.to.ns - query_.range.from.ns;
    if (query_.step.count() <= 0 || width <= 0 || query_.range.from.ns < 0) {
      return fail(ErrorKind::invalid_argument, "patterns: an empty range or step");
    }
    std::int64_t step = query_.step.count();
    const auto most = static_cast<std::int64_t>(limits::kMaxPatternBuckets);
    if (width / step >= most) step *= (width / step + most - 1) / (most - 1);
    report_.step = Nanos(step);
    for (std::int64_t at = floor_to(query_.range.from.ns, step); at < query_.range.to.ns; at += step) {
      report_.buckets.push_back({at});
    }
    const std::size_t pieces = std::min(report_.buckets.size(), limits::kPatternPieces);
    piece_ = (report_.buckets.size() + pieces - 1) / pieces;
    const std::size_t rows = query_.max_rows != 0 ? query_.max_rows : limits::kMaxPatternRows;
    rows_a_piece_ = std::max<std::size_t>(rows / ((report_.buckets.size() + piece_ - 1) / piece_), 1);
    return {};
  }

  std::size_t bucket_of(UnixNanos time) const {
    return static_cast<std::size_t>((time.ns - report_.buckets.front().ns) / report_.step.count());
  }

  Result<> search_piece(std::size_t from, std::size_t to) {
    TimeRange range;
    range.from = std::max(report_.buckets[from], query_.range.from);
    range.to = std::min(report_.buckets[to - 1] + report_.step, query_.range.to);
    Sample sample;
    TT_TRY(look_at(range, sample));
    report_.sampled_rows += sample.looked_at;
    if (sample.whole) {
      for (const auto& [key, buckets] : sample.seen) {
        for (const auto& [bucket, rows] : buckets)
          tallies_[key].by_bucket[bucket] += static_cast<double>(rows);
      }
      total_ += static_cast<double>(sample.kept);
      return {};
    }
    report_.exact = false;
    return share_out(range, sample);
  }

  /// The newest rows of the piece, each in its cluster.
  Result<> look_at(TimeRange range, Sample& sample) {
    storage::EventQuery rows;
    rows.projects = query_.projects;
    rows.range = range;
    rows.filter = query_.filter;
    rows.limit = rows_a_piece_ + 1;
    if (!query_.keep || !query_.fields.empty()) {
      rows.fields = query_.fields;
      for (const char* field : {"message", "service", "level"}) rows.fields.emplace_back(field);
    }
    TT_ASSIGN(const auto cursor, store_.select(rows, context_));
    std::vector<EventRow> batch;
    while (true) {
      TT_TRY(cursor->next(batch));
      if (batch.empty()) break;
      for (EventRow& row : batch) {
        if (sample.looked_at == rows_a_piece_) {
          sample.whole = false;
          break;
        }
        ++sample.looked_at;
        if (query_.keep && !query_.keep(row)) continue;
        ++sample.kept;
        const std::size_t number = miner_of(row.ids.service);
        const Key key{number, miners_[number]->patterns.add(row.message)};
        ++sample.seen[{key, row.ids.level}][bucket_of(row.time)];
      }
      TT_TRY(charge());
    }
    return {};
  }

  /// Rows of the piece by bucket from the store's counts, in the sample's proportions.
  Result<> share_out(TimeRange range, const Sample& sample) {
    storage::EventCountQuery count;
    count.projects = query_.projects;
    count.range = range;
    count.filter = query_.filter;
    count.bucket = report_.step;
    TT_ASSIGN(const auto counts, store_.count(count, context_));
    std::map<std::pair<Key, Level>, double> shares;
    for (const auto& [key, buckets] : sample.seen) {
      std::uint64_t rows = 0;
      for (const auto& [bucket, n] : buckets) rows += n;
      shares[key] = static_cast<double>(rows) / static_cast<double>(sample.looked_at);
    }
    for (const auto& c : counts) {
      const std::size_t bucket = bucket_of(c.bucket);
      for (const auto& [key, share] : shares) {
        tallies_[key].by_bucket[bucket] += share * static_cast<double>(c.count);
      }
      total_ += static_cast<double>(c.count) * static_cast<double>(sample.kept) /
                static_cast<double>(sample.looked_at);
    }
    return {};
  }

  /// Each service has its own; beyond limits::kPatternServices the rest shares one.
  std::size_t miner_of(const std::string& service) {
    const auto found = by_service_.find(service);
    if (found != by_service_.end()) return found->second;
    const bool full = miners_.size() >= limits::kPatternServices;
    if (full && others_ == SIZE_MAX) others_ = add_miner("");
    const std::size_t number = full ? others_ : add_miner(service);
    if (by_service_.size() < limits::kPatternServices * 16) by_service_.emplace(service, number);
    return number;
  }
  std::size_t add_miner(const std::string& service) {
    miners_.push_back(std::make_unique<Miner>(Miner{service, PatternMiner()}));
    return miners_.size() - 1;
  }

  Result<> charge() {
    std::size_t held = 0;
    for (const auto& miner : miners_) held += miner->patterns.memory_bytes();
    if (held <= charged_) return {};
    const std::size_t more = held - charged_;
    charged_ = held;
    return context_.charge(more);
  }

  Result<PatternReport> finish() {
    std::map<std::pair<std::size_t, PatternMiner::Cluster>, PatternEntry> found;
    for (const auto& [key, tally] : tallies_) {
      const auto& [cluster, level] = key;
      const PatternMiner& miner = miners_[cluster.first]->patterns;
      const auto root = miner.root(cluster.second);
      PatternEntry& entry = found[{cluster.first, root}];
      if (entry.pattern.empty()) {
        entry.pattern = miner.pattern(root);
        entry.service = miners_[cluster.first]->service;
        entry.example = miner.example(root);
      }
      auto& counts = entry.counts[level];
      counts.resize(report_.buckets.size());
      for (const auto& [bucket, rows] : tally.by_bucket) {
        const auto whole = static_cast<std::uint64_t>(std::llround(rows));
        counts[bucket] += whole;
        entry.count += whole;
      }
    }
    for (auto& [key, entry] : found) {
      if (entry.count != 0) report_.patterns.push_back(std::move(entry));
    }
    std::sort(report_.patterns.begin(), report_.patterns.end(), [](const auto& a, const auto& b) {
      return a.count != b.count ? a.count > b.count
                                : std::tie(a.service, a.pattern) < std::tie(b.service, b.pattern);
    });
    if (report_.patterns.size() > limits::kMaxPatternAnswers) {
      report_.patterns.resize(limits::kMaxPatternAnswers);
    }
    report_.total = static_cast<std::uint64_t>(std::llround(total_));
    return std::move(report_);
  }

  storage::EventStore& store_;
  const PatternQuery& query_;
  WorkContext& context_;
  PatternReport report_;
  std::size_t piece_ = 1;  // buckets of a piece
  std::size_t rows_a_piece_ = 0;
  std::vector<std::unique_ptr<Miner>> miners_;
  std::map<std::string, std::size_t> by_service_;
  std::size_t others_ = SIZE_MAX;
  std::map<std::pair<Key, Level>, Tally> tallies_;
  double total_ = 0;
  std::size_t charged_ = 0;
};

}  // namespace

Result<PatternReport> find_patterns(storage::EventStore& store, const PatternQuery& query,
                                    WorkContext& context) {
  return PatternSearch(store, query, context).run();
}

}  // namespace telltale::logs
