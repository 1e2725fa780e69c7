// Reading: select() takes a snapshot (immutable parts and frozen heads by reference, the active head's
// samples by copy) and the cursor merges it a series at a time, in the order of labels.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "storage/cardinality.hpp"
#include "tsdb/engine.hpp"

namespace telltale::tsdb {
namespace {

std::vector<ProjectId> distinct(std::vector<ProjectId> projects) {
  std::sort(projects.begin(), projects.end());
  projects.erase(std::unique(projects.begin(), projects.end()), projects.end());
  return projects;
}

constexpr std::size_t kFirstAsked = 16;  // series of a label's value

template <class T, class Less>
std::vector<T> first_of(const std::set<T, Less>& all, std::size_t limit) {
  std::vector<T> out(all.begin(), all.end());
  if (limit > 0 && out.size() > limit) out.resize(limit);
  return out;
}

/// Sorted, each once, the first `limit` (0: all). Values of a label mostly begin alike: what they share is
/// left out, and the eight bytes behind it decide nearly always.
std::vector<std::string> first_sorted(const std::vector<std::string_view>& texts, std::size_t limit) {
  if (texts.empty()) return {};
  std::size_t shared = texts.front().size();
  for (const std::string_view t : texts) {
    const std::size_t most = std::min(shared, t.size());
    shared = static_cast<std::size_t>(
        std::mismatch(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(most), texts.front().begin()).first -
        t.begin());
  }
  struct Keyed {
    std::uint64_t key;  // the bytes behind, as a number that has their order
    std::string_view text;
  };
  std::vector<Keyed> order;
  order.reserve(texts.size());
  for (const std::string_view t : texts) {
    std::uint64_t key = 0;
    std::memcpy(&key, t.data() + shared, std::min<std::size_t>(t.size() - shared, sizeof key));
    order.push_back({__builtin_bswap64(key), t});
  }
  std::sort(order.begin(), order.end(),
            [](const Keyed& a, const Keyed& b) { return a.key != b.key ? a.key < b.key : a.text < b.text; });
  std::vector<std::string> out;
  out.reserve(limit > 0 ? std::min(limit, order.size()) : order.size());
  const Keyed* last = nullptr;
  for (const Keyed& k : order) {
    if (limit > 0 && out.size() == limit) break;
    if (last == nullptr || last->key != k.key || last->text != k.text) out.emplace_back(k.text);
    last = &k;
  }
  return out;
}

}  // namespace

Result<> Engine::for_each_series(const storage::LabelQuery& query, WorkContext& context,
                                 const std::function<Result<bool>(const LabelRef&)>& visit) {
  struct Candidate {
    SeriesId id;
    LabelRef labels;
    bool in_head;
  };
  TT_TRY(context.check());
  std::vector<Candidate> candidates;
  std::shared_ptr<const void> labels;
  Parts parts;
  Frozen frozen;
  {
    std::shared_lock lock(state_);
    labels = catalog_.hold();
    for (const auto& p : parts_) {
      if (p->overlaps(query.range)) parts.push_back(p);
    }
    frozen = frozen_;
    for (const ProjectId project : distinct(query.projects)) {
      for (const SeriesId id : catalog_.match(project, query.matchers)) {
        candidates.push_back({id, catalog_.labels(id), head_->has_samples(id, query.range)});
      }
    }
  }
  BlockHold hold(cache_);
  std::size_t done = 0;
  for (const Candidate& c : candidates) {
    if (++done % 1024 == 0) TT_TRY(context.check());
    bool found = c.in_head;
    for (auto f = frozen.begin(); f != frozen.end() && !found; ++f)
      found = (*f)->has_samples(c.id, query.range);
    for (auto p = parts.begin(); p != parts.end() && !found; ++p) {
      TT_ASSIGN(found, (*p)->has_samples(c.id, query.range, hold));
    }
    if (!found) continue;
    TT_ASSIGN(const bool more, visit(c.labels));
    if (!more) break;
  }
  return {};
}

Result<std::vector<std::string>> Engine::label_names(const storage::LabelQuery& query, WorkContext& context) {
  std::set<std::string, std::less<>> out;
  auto status = for_each_series(query, context, [&out](const LabelRef& labels) -> Result<bool> {
    for (std::size_t i = 0; i < labels.pairs().size(); ++i)
      if (!out.contains(labels.name(i))) out.emplace(labels.name(i));
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<std::vector<std::string>> Engine::label_values(std::string_view name, const storage::LabelQuery& query,
                                                      WorkContext& context) {
  if (query.matchers.empty()) return values_of_all(name, query, context);
  std::set<std::string, std::less<>> out;
  auto status = for_each_series(query, context, [&](const LabelRef& labels) -> Result<bool> {
    const std::string_view value = labels.get(name);
    if (value.empty() || out.contains(value)) return true;
    TT_TRY(context.charge(value.size() + 64));
    out.emplace(value);
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<std::vector<std::string>> Engine::values_of_all(std::string_view name,
                                                       const storage::LabelQuery& query,
                                                       WorkContext& context) {
  // One series with samples settles a value, and where a whole part lies in the range, its list of series
  // does.
  struct Undecided {
    ProjectId project;
    std::string_view value;
    std::vector<SeriesId> ids;  // the first ones; mostly the very first has samples
    bool more = false;
  };
  std::shared_ptr<const void> labels;  // what the values are part of
  std::vector<std::string_view> values;
  std::vector<Undecided> undecided;
  Parts inside;
  Parts across;
  {
    std::shared_lock lock(state_);
    labels = catalog_.hold();
    for (const auto& p : parts_) {
      if (p->within(query.range)) {
        inside.push_back(p);
      } else if (p->overlaps(query.range)) {
        across.push_back(p);
      }
    }
    const auto surely = [&](SeriesId id) {
      return std::any_of(inside.begin(), inside.end(),
                         [id](const auto& p) { return p->series().contains(id); }) ||
             head_->has_samples(id, query.range) ||
             std::any_of(frozen_.begin(), frozen_.end(),
                         [&](const auto& f) { return f->has_samples(id, query.range); });
    };
    const auto maybe = [&](SeriesId id) {
      return std::any_of(across.begin(), across.end(),
                         [id](const auto& p) { return p->series().contains(id); });
    };
    for (const ProjectId project : distinct(query.projects)) {
      Result<> status;
      std::size_t done = 0;
      catalog_.for_each_value(project, name, [&](std::string_view value, const PostingList& list) {
        if (++done % 1024 == 0) status = context.check();
        if (list.empty()) return status.has_value();
        if (surely(catalog_.id_of(list.first())) ||
            !list.for_each([&](std::uint32_t slot) { return !surely(catalog_.id_of(slot)); })) {
          values.push_back(value);
          return status.has_value();
        }
        if (across.empty()) return status.has_value();
        Undecided u{project, value, {}};
        list.for_each([&](std::uint32_t slot) {
          const SeriesId id = catalog_.id_of(slot);
          if (!maybe(id)) return true;
          u.more = u.ids.size() == kFirstAsked;
          if (!u.more) u.ids.push_back(id);
          return !u.more;
        });
        if (!u.ids.empty()) undecided.push_back(std::move(u));
        return status.has_value();
      });
      TT_TRY(std::move(status));
    }
  }
  std::sort(undecided.begin(), undecided.end(),
            [](const Undecided& a, const Undecided& b) { return a.ids.front() < b.ids.front(); });
  BlockHold hold(cache_);
  const auto has_samples = [&](const Undecided& u) -> Result<bool> {
    for (const SeriesId id : u.ids) {
      for (const auto& p : across) {
        TT_ASSIGN(const bool has, p->has_samples(id, query.range, hold));
        if (has) return true;
      }
    }
    bool found = false;
    if (!u.more) return found;
    TT_ASSIGN(auto matcher,
              storage::LabelMatcher::make(storage::MatchOp::eq, std::string(name), std::string(u.value)));
    const storage::LabelQuery all{{u.project}, query.range, {std::move(matcher)}, 0};
    TT_TRY(for_each_series(all, context, [&found](const LabelRef&) -> Result<bool> {
      found = true;
      return false;
    }));
    return found;
  };
  for (const Undecided& u : undecided) {
    TT_TRY(context.check());
    TT_ASSIGN(const bool has, has_samples(u));
    if (has) values.push_back(u.value);
  }
  const std::size_t bytes = values.size() * 128;  // with their order and their texts
  TT_TRY(context.charge(bytes));
  auto out = first_sorted(values, query.limit);
  context.release(bytes);
  return out;
}

Result<std::vector<Labels>> Engine::series(const storage::LabelQuery& query, WorkContext& context) {
  std::set<Labels> out;
  auto status = for_each_series(query, context, [&](const LabelRef& labels) -> Result<bool> {
    TT_TRY(context.charge(labels.pairs().size() * sizeof(Label) + 64));
    out.insert(labels.labels());
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<storage::Cardinality> Engine::cardinality(const storage::LabelQuery& query, WorkContext& context) {
  storage::CardinalityCounter counter(context);
  auto status = for_each_series(query, context, [&counter](const LabelRef& labels) -> Result<bool> {
    counter.series();
    for (std::size_t i = 0; i < labels.pairs().size(); ++i)
      TT_TRY(counter.label(labels.name(i), labels.value(i)));
    return true;
  });
  TT_TRY(std::move(status));
  return counter.take(query.limit);
}

Result<std::vector<std::string>> Engine::verify() {
  Parts parts;
  std::vector<std::uint64_t> catalogs;
  {
    std::shared_lock lock(state_);
    parts = parts_;
    catalogs = manifest_.catalogs;
  }
  std::vector<std::string> bad;
  if (auto m = load_manifest(fs_, dir_); !m) bad.push_back(m.error().message());
  for (const auto& p : parts) {
    if (auto status = p->verify(); !status) bad.push_back(p->meta().file() + ": " + status.error().message());
  }
  for (const std::uint64_t c : catalogs) {
    auto file =
        io::BlockFileReader::open(fs_, path(catalog_file(c)), io::FileFormat{{'T', 'T', 'S', 'C'}, 1, 1});
    Result<> status = file ? (*file)->verify() : tl::unexpected<Error>(std::move(file.error()));
    if (!status) bad.push_back(catalog_file(c) + ": " + status.error().message());
  }
  return bad;
}

TsdbStats Engine::stats() const {
  std::shared_lock lock(state_);
  TsdbStats out;
  out.series = catalog_.size();
  out.head_samples = head_->samples();
  out.head_bytes = head_->bytes();
  for (const auto& f : frozen_) {
    out.head_samples += f->samples();
    out.head_bytes += f->bytes();
  }
  out.index_bytes = catalog_.bytes();
  out.quarantined = quarantined_.value();
  for (const auto& p : parts_) {
    const PartMeta& m = p->meta();
    out.index_bytes += p->memory_bytes();
    out.disk_bytes += m.bytes;
    out.parts.push_back({m.file(), m.day, m.min_ms, m.max_ms, m.series, m.samples, m.bytes});
  }
  return out;
}

Tsdb::Backup Engine::backup_files() {
  std::unique_lock lock(state_);
  Backup out;
  auto hold = std::make_shared<const Parts>(parts_);
  for (const std::uint64_t c : manifest_.catalogs) out.files.push_back(catalog_file(c));
  for (const PartMeta& p : manifest_.parts) out.files.push_back(p.file());
  out.manifest = encode_manifest(manifest_);
  out.durable = manifest_.applied;
  out.hold = hold;
  holds_.emplace_back(out.hold);
  return out;
}

}  // namespace telltale::tsdb
