#include "server/deletions.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/upkeep_limits.hpp"
#include "logql/selection.hpp"
#include "net/http.hpp"

namespace telltale::server {

using storage::Deletion;
using storage::DeletionState;

namespace {

constexpr std::string_view kPrefix = "deletion/";
constexpr Nanos kRetryAfter = std::chrono::seconds(10);

/// Keys sort as the numbers do.
std::string key_of(std::uint64_t id) { return fmt::format("{}{:012}", kPrefix, id); }

std::string encode(const Deletion& d) {
  std::vector<std::uint32_t> projects;
  for (const ProjectId project : d.projects) projects.push_back(project.value);
  return fmt::format(
      "projects={}&from={}&to={}&query={}&by={}&created={}&state={}&rows={}&parts={}&done={}&problem={}&"
      "finished={}",
      fmt::join(projects, ","), d.range.from.ns, d.range.to.ns, net::percent_encode(d.query),
      net::percent_encode(d.by), d.created.ns, static_cast<unsigned>(d.state), d.progress.rows,
      d.progress.parts, d.progress.done, net::percent_encode(d.problem), d.finished ? d.finished->ns : 0);
}

template <class Number>
void read_into(std::string_view text, Number& out) {
  (void)std::from_chars(text.data(), text.data() + text.size(), out);
}

Deletion decode(const storage::Setting& setting) {
  Deletion d;
  read_into(std::string_view(setting.key).substr(kPrefix.size()), d.id);
  unsigned state = 0;
  std::int64_t finished = 0;
  for (const auto& [name, value] : net::parse_query(setting.value)) {
    if (name == "query") d.query = value;
    if (name == "by") d.by = value;
    if (name == "problem") d.problem = value;
    if (name == "from") read_into(value, d.range.from.ns);
    if (name == "to") read_into(value, d.range.to.ns);
    if (name == "created") read_into(value, d.created.ns);
    if (name == "rows") read_into(value, d.progress.rows);
    if (name == "parts") read_into(value, d.progress.parts);
    if (name == "done") read_into(value, d.progress.done);
    if (name == "state") read_into(value, state);
    if (name == "finished") read_into(value, finished);
    for (std::string_view left = name == "projects" ? std::string_view(value) : std::string_view();
         !left.empty();) {
      const std::size_t end = std::min(left.find(','), left.size());
      read_into(left.substr(0, end), d.projects.emplace_back().value);
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  const bool known = state >= 1 && state <= static_cast<unsigned>(DeletionState::cancelled);
  d.state = known ? static_cast<DeletionState>(state) : DeletionState::failed;
  if (finished != 0) d.finished = UnixNanos{finished};
  return d;
}

bool is_open(const Deletion& d) {
  return d.state == DeletionState::waiting || d.state == DeletionState::running;
}

}  // namespace

Result<> DeletionQueue::put(const Deletion& deletion) {
  return stores_.records().settings().put(key_of(deletion.id), encode(deletion));
}

Result<std::vector<Deletion>> DeletionQueue::list() {
  TT_ASSIGN(const auto kept, stores_.records().settings().list(kPrefix));
  std::vector<Deletion> out;
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) out.push_back(decode(*it));
  return out;
}

Result<> DeletionQueue::forget_oldest(const std::vector<Deletion>& all) {
  std::size_t kept = all.size();
  for (auto it = all.rbegin(); it != all.rend() && kept >= limits::kMaxKeptDeletions; ++it) {
    if (is_open(*it)) continue;
    TT_TRY(stores_.records().settings().remove(key_of(it->id)));
    --kept;
  }
  return {};
}

Result<Deletion> DeletionQueue::add(const Deletion& wanted) {
  TT_TRY(logql::select_rows(wanted.query));
  Deletion made = wanted;
  made.state = DeletionState::waiting;
  made.created = clock_.now();
  made.progress = {};
  auto done = stores_.records().transaction([&]() -> Result<> {
    TT_ASSIGN(const auto all, list());
    const auto open = std::count_if(all.begin(), all.end(), is_open);
    if (static_cast<std::size_t>(open) >= limits::kMaxWaitingDeletions) {
      return fail(ErrorKind::resource_exhausted, fmt::format("{} deletions are waiting already", open));
    }
    TT_TRY(forget_oldest(all));
    made.id = all.empty() ? 1 : all.front().id + 1;
    return put(made);
  });
  TT_TRY(std::move(done));
  waiting_ = true;
  return made;
}

Result<> DeletionQueue::cancel(std::uint64_t id) {
  return stores_.records().transaction([&]() -> Result<> {
    TT_ASSIGN(const auto kept, stores_.records().settings().get(key_of(id)));
    if (!kept) return fail(ErrorKind::not_found, fmt::format("deletion {}: not found", id));
    Deletion d = decode({key_of(id), *kept});
    if (d.state != DeletionState::waiting) {
      return fail(ErrorKind::conflict, fmt::format("deletion {} is {}: only one that waits can be cancelled",
                                                   id, storage::state_name(d.state)));
    }
    d.state = DeletionState::cancelled;
    d.finished = clock_.now();
    return put(d);
  });
}

Result<> DeletionQueue::fulfil(Deletion& deletion) {
  TT_ASSIGN(auto selection, logql::select_rows(deletion.query));
  const storage::EraseProgress before = deletion.progress;
  storage::EraseRequest request;
  request.projects = deletion.projects;
  request.range = deletion.range;
  request.filter = std::move(selection.filter);
  request.rest = std::move(selection.rest);
  request.progress = [&](const storage::EraseProgress& now) -> Result<> {
    const bool more = before.rows + now.rows != deletion.progress.rows;
    deletion.progress = {now.parts, now.done, before.rows + now.rows};
    // Rows that are gone are counted for good; parts without any are not worth a write.
    if (more) TT_TRY(put(deletion));
    if (stopping_) return fail(ErrorKind::unavailable, "the server is stopping");
    return {};
  };
  TT_ASSIGN(const auto rows, erasure_.erase(request));
  deletion.progress.rows = before.rows + rows;
  return {};
}

Result<> DeletionQueue::work_on(Deletion& deletion) {
  auto begun = stores_.records().transaction([&]() -> Result<> {
    // It may have been cancelled since it was listed.
    TT_ASSIGN(const auto kept, stores_.records().settings().get(key_of(deletion.id)));
    if (kept) deletion = decode({key_of(deletion.id), *kept});
    if (!kept || !is_open(deletion)) return fail(ErrorKind::not_found, "no longer wanted");
    deletion.state = DeletionState::running;
    return put(deletion);
  });
  if (!begun) return begun.error().kind() == ErrorKind::not_found ? Result<>() : begun;
  const auto done = fulfil(deletion);
  if (!done && stopping_) return done;  // it stays a running one
  if (!done && done.error().kind() != ErrorKind::invalid_argument) {
    deletion.state = DeletionState::waiting;
    deletion.problem = done.error().message();
    TT_TRY(put(deletion));
    return done;
  }
  deletion.state = done ? DeletionState::done : DeletionState::failed;
  deletion.problem = done ? "" : done.error().message();
  deletion.finished = clock_.now();
  log_.info("log records deleted by a query", {{"id", deletion.id},
                                               {"by", deletion.by},
                                               {"rows", deletion.progress.rows},
                                               {"state", storage::state_name(deletion.state)}});
  return put(deletion);
}

void DeletionQueue::run() {
  if (!waiting_ || clock_.now() < not_before_) return;
  waiting_ = false;
  auto all = list();
  Result<> done;
  if (!all) done = tl::unexpected<Error>(all.error());
  for (auto it = done ? all->rbegin() : all->rend(); done && it != all->rend(); ++it) {
    if (is_open(*it) && !stopping_) done = work_on(*it);
  }
  if (done || stopping_) return;
  log_.warn("a deletion will be tried again", {{"reason", done.error().message()}});
  not_before_ = clock_.now() + kRetryAfter;
  waiting_ = true;
}

}  // namespace telltale::server
