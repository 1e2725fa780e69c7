// The file: "TTMI", a version byte, then a CRC-32C over the rest: the version of batches whose items follow,
// the sequence it goes up to and, for each project, its exemplars in the order of their arrival and its
// families, as batches of that version have them.
#include "metricinfo/metric_info.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/metric_limits.hpp"
#include "storage/batch_items.hpp"

namespace telltale::metricinfo {
namespace {

constexpr std::string_view kMagic = "TTMI";
constexpr std::uint8_t kFormat = 1;
// The journal keeps everything from durable() on. A small file is written often, a large one only when there
// is something new in it, or so much behind it.
constexpr std::size_t kSmallFile = 1024 * 1024;
constexpr Nanos kSmallPause = std::chrono::seconds(20);
constexpr Nanos kLargePause = std::chrono::seconds(60);
constexpr std::uint64_t kMostBehind = 20'000;  // batches
constexpr std::size_t kSameLooked = 16;        // newest exemplars of a series that one may be the same as

tl::unexpected<Error> damaged(const std::string& why) {
  return fail(ErrorKind::corruption, "metricinfo: " + why);
}

bool matches_any(const std::vector<std::vector<storage::LabelMatcher>>& selectors, const Labels& labels) {
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const auto& matchers) { return storage::matches_all(matchers, labels); });
}

}  // namespace

MetricInfo::MetricInfo(io::FileSystem& fs, std::string path, const Clock& clock, const Logger& log,
                       MetricsRegistry& metrics)
    : fs_(fs),
      path_(std::move(path)),
      clock_(clock),
      log_(log),
      exemplars_gauge_(metrics.gauge("telltale_exemplars", "Exemplars that are kept.")),
      last_checkpoint_(clock.steady().count()) {}

Result<std::unique_ptr<MetricInfo>> MetricInfo::open(io::FileSystem& fs, std::string path, const Clock& clock,
                                                     const Logger& log, MetricsRegistry& metrics) {
  std::unique_ptr<MetricInfo> store(new MetricInfo(fs, std::move(path), clock, log, metrics));
  TT_TRY(fs.make_dirs(io::parent_dir(store->path_)));
  TT_ASSIGN(const bool there, fs.exists(store->path_));
  if (!there) return store;
  TT_ASSIGN(const std::string bytes, io::read_file(fs, store->path_));
  const MutexLock lock(store->mutex_);
  if (auto read = store->decode(bytes); !read) {
    log.error("exemplars and metric families are lost", {{"reason", read.error().message()}});
    store->projects_.clear();
    TT_TRY(fs.rename(store->path_, store->path_ + ".damaged"));
  }
  return store;
}

void MetricInfo::add(Project& project, storage::ExemplarItem item) {
  auto& list = project.series[item.series];
  const auto same = [&](const Exemplar& e) {
    return e.time == item.time && e.value == item.value && e.labels == item.labels;
  };
  const auto looked = static_cast<std::ptrdiff_t>(std::min(list.size(), kSameLooked));
  if (std::any_of(list.end() - looked, list.end(), same)) return;
  list.push_back({item.time, item.value, std::move(item.labels)});
  project.arrivals.push_back(&project.series.find(item.series)->first);
  if (project.arrivals.size() <= limits::kMaxExemplars) return;
  const auto oldest = project.series.find(*project.arrivals.front());
  project.arrivals.pop_front();
  oldest->second.pop_front();
  if (oldest->second.empty()) project.series.erase(oldest);
}

void MetricInfo::add(Project& project, storage::MetadataItem item) {
  const auto found = project.families.find(item.family);
  if (found != project.families.end()) {
    found->second = std::move(item);
  } else if (project.families.size() < limits::kMaxFamilies) {
    std::string key = item.family;
    project.families.emplace(std::move(key), std::move(item));
  }
}

storage::Urgency MetricInfo::urgency(const storage::Batch& batch) const {
  return batch.items.exemplars.empty() && batch.items.metadata.empty() ? storage::Urgency::none
                                                                       : storage::Urgency::soon;
}

Result<> MetricInfo::apply(Sequence sequence, const storage::Batch& batch) {
  if (sequence.value <= applied_.load()) return {};
  if (!batch.items.exemplars.empty() || !batch.items.metadata.empty()) {
    const MutexLock lock(mutex_);
    Project& project = projects_[batch.project];
    for (const auto& e : batch.items.exemplars) add(project, e);
    for (const auto& m : batch.items.metadata) add(project, m);
    std::size_t total = 0;
    for (const auto& [id, p] : projects_) total += p.arrivals.size();
    exemplars_gauge_.set(static_cast<double>(total));
    changed_ = true;
    applied_.store(sequence.value);  // with its effect, as encode() sees both
  } else {
    applied_.store(sequence.value);
  }
  return {};
}

std::vector<SeriesExemplars> MetricInfo::exemplars(
    const std::vector<ProjectId>& projects, const std::vector<std::vector<storage::LabelMatcher>>& selectors,
    UnixMillis min, UnixMillis max) const {
  std::map<Labels, std::vector<Exemplar>> found;
  const MutexLock lock(mutex_);
  for (const ProjectId id : projects) {
    const auto project = projects_.find(id);
    if (project == projects_.end()) continue;
    for (const auto& [labels, list] : project->second.series) {
      if (!matches_any(selectors, labels)) continue;
      for (const Exemplar& e : list) {
        if (e.time >= min && e.time <= max) found[labels].push_back(e);
      }
    }
  }
  std::vector<SeriesExemplars> out;
  for (auto& [labels, list] : found) {
    std::stable_sort(list.begin(), list.end(),
                     [](const Exemplar& a, const Exemplar& b) { return a.time < b.time; });
    out.push_back({labels, std::move(list)});
  }
  return out;
}

std::vector<storage::MetadataItem> MetricInfo::families(const std::vector<ProjectId>& projects,
                                                        std::string_view family) const {
  std::vector<storage::MetadataItem> out;
  const MutexLock lock(mutex_);
  for (const ProjectId id : projects) {
    const auto project = projects_.find(id);
    if (project == projects_.end()) continue;
    for (const auto& [name, item] : project->second.families) {
      if (family.empty() || family == name) out.push_back(item);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.family < b.family; });
  return out;
}

std::string MetricInfo::encode(Sequence upto) const {
  ByteWriter body;
  body.u8(storage::kItemsVersion);
  body.varint(upto.value);
  body.varint(projects_.size());
  for (const auto& [id, project] : projects_) {
    storage::BatchItems items;
    std::map<const Labels*, std::size_t> next;  // of each series, since it keeps the order of arrival
    for (const Labels* series : project.arrivals) {
      const Exemplar& e = project.series.find(*series)->second[next[series]++];
      items.exemplars.push_back({*series, e.time, e.value, e.labels});
    }
    for (const auto& [name, item] : project.families) items.metadata.push_back(item);
    ByteWriter packed;
    storage::put_items(packed, items);
    body.varint(id.value);
    body.string(packed.view());
  }
  ByteWriter out;
  out.bytes(kMagic);
  out.u8(kFormat);
  out.u32(crc32c(body.view()));
  out.bytes(body.view());
  return out.take();
}

Result<> MetricInfo::decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.bytes(kMagic.size()) != kMagic) return damaged("not a file of this store");
  if (const std::uint8_t format = in.u8(); format != kFormat)
    return damaged("unknown format version " + std::to_string(format));
  const std::uint32_t crc = in.u32();
  if (!in.ok() || crc32c(bytes.substr(bytes.size() - in.remaining())) != crc) return damaged("checksum");
  const std::uint8_t items_version = in.u8();
  const std::uint64_t upto = in.varint();
  for (std::uint64_t n = in.varint(); n > 0 && in.ok(); --n) {
    const std::uint64_t id = in.varint();
    ByteReader packed(in.string());
    storage::BatchItems items;
    if (!in.ok() || id > UINT32_MAX || !storage::read_items(packed, items_version, items))
      return damaged("malformed");
    Project& project = projects_[ProjectId{static_cast<std::uint32_t>(id)}];
    for (auto& e : items.exemplars) add(project, std::move(e));
    for (auto& m : items.metadata) add(project, std::move(m));
  }
  if (!in.ok()) return damaged("malformed");
  applied_.store(upto);
  durable_.store(upto);
  return {};
}

Result<> MetricInfo::checkpoint() {
  std::string bytes;
  std::uint64_t upto = 0;
  {
    const MutexLock lock(mutex_);
    upto = applied_.load();
    if (upto == durable_.load()) return {};
    changed_ = false;
    bytes = encode(Sequence{upto});
  }
  if (auto written = io::publish_file(fs_, path_, bytes); !written) {
    changed_ = true;
    return written;
  }
  durable_.store(upto);
  file_bytes_ = bytes.size();
  last_checkpoint_ = clock_.steady().count();
  return {};
}

bool MetricInfo::wants_checkpoint() const {
  const std::uint64_t behind = applied_.load() - durable_.load();
  if (behind == 0) return false;
  const Nanos since = clock_.steady() - Nanos(last_checkpoint_.load());
  if (file_bytes_.load() < kSmallFile) return since >= kSmallPause;
  return since >= kLargePause && (changed_.load() || behind >= kMostBehind);
}

Result<> MetricInfo::verify() const {
  TT_ASSIGN(const bool there, fs_.exists(path_));
  if (!there) return {};
  TT_ASSIGN(const std::string bytes, io::read_file(fs_, path_));
  ByteReader in(bytes);
  (void)in.bytes(kMagic.size());
  (void)in.u8();
  const std::uint32_t crc = in.u32();
  if (!in.ok() || crc32c(std::string_view(bytes).substr(bytes.size() - in.remaining())) != crc)
    return damaged("checksum");
  return {};
}

}  // namespace telltale::metricinfo
