// Files that came with events.
#include <algorithm>

#include "metadb/health_repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {
namespace {

constexpr std::string_view kSelectAttachments =
    "SELECT id, project, received, event, trace, kind, name, content_type, size, stored, blob, digest FROM "
    "attachments";

std::string hex_or_empty(Id128 id) { return id.present() ? id.hex() : std::string(); }

storage::Attachment attachment_of(const Query& q) {
  storage::Attachment a;
  a.id = q.integer(0);
  a.project = {static_cast<std::uint32_t>(q.integer(1))};
  a.received = q.time(2);
  a.item.event_id = Id128::parse(q.text(3)).value_or(Id128{});
  a.item.trace_id = Id128::parse(q.text(4)).value_or(Id128{});
  a.item.kind = q.text(5);
  a.item.name = q.text(6);
  a.item.content_type = q.text(7);
  a.item.size = static_cast<std::uint64_t>(q.integer(8));
  a.item.stored = static_cast<std::uint64_t>(q.integer(9));
  a.item.blob = Id128::parse(q.text(10)).value_or(Id128{});
  a.item.digest = Id128::parse(q.text(11)).value_or(Id128{});
  return a;
}

Where attachment_condition(const storage::AttachmentQuery& query) {
  Where where;
  where.projects("project", query.projects);
  if (query.event_id.present()) where.string("event = ?", query.event_id.hex());
  if (query.trace_id.present()) where.string("trace = ?", query.trace_id.hex());
  if (!query.kind.empty()) where.string("kind = ?", query.kind);
  return where;
}

Result<std::vector<storage::Attachment>> read_attachment_rows(Query& q) {
  std::vector<storage::Attachment> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(attachment_of(q));
  }
}

}  // namespace

Result<bool> SqlAttachments::add(const storage::Attachment& a) {
  const auto& i = a.item;
  Query q(db_,
          "INSERT INTO attachments (project, received, event, trace, kind, name, content_type, size, stored, "
          "blob, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (project, event, digest, kind, name) DO NOTHING",
          a.project, a.received, hex_or_empty(i.event_id), hex_or_empty(i.trace_id), i.kind, i.name,
          i.content_type, i.size, i.stored, i.blob.hex(), i.digest.hex());
  TT_TRY(q.run());
  return db_.changed_rows() > 0;
}

Result<storage::Attachment> SqlAttachments::get(std::int64_t id) {
  Query q(db_, std::string(kSelectAttachments) + " WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "attachment " + std::to_string(id) + ": not found");
  return attachment_of(q);
}

Result<std::vector<storage::Attachment>> SqlAttachments::list(const storage::AttachmentQuery& query) {
  const Where where = attachment_condition(query);
  Query q(db_, std::string(kSelectAttachments) + where.sql() + " ORDER BY id DESC LIMIT ? OFFSET ?");
  where.bind_to(q);
  q.bind(static_cast<std::uint64_t>(query.limit));
  q.bind(static_cast<std::uint64_t>(query.offset));
  return read_attachment_rows(q);
}

Result<std::uint64_t> SqlAttachments::count(const storage::AttachmentQuery& query) {
  const Where where = attachment_condition(query);
  Query q(db_, "SELECT count(*) FROM attachments" + where.sql());
  where.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<storage::AttachmentTotal> SqlAttachments::total(ProjectId project, Id128 event_id) {
  Where where;
  if (project.value != 0) where.number("project = ?", std::int64_t{project.value});
  if (event_id.present()) where.string("event = ?", event_id.hex());
  Query q(db_,
          "SELECT count(*), ifnull(sum(size), 0), ifnull(sum(stored), 0) FROM attachments" + where.sql());
  where.bind_to(q);
  TT_TRY(q.next());
  return storage::AttachmentTotal{static_cast<std::uint64_t>(q.integer(0)),
                                  static_cast<std::uint64_t>(q.integer(1)),
                                  static_cast<std::uint64_t>(q.integer(2))};
}

Result<std::vector<storage::Attachment>> SqlAttachments::oldest(ProjectId project, UnixNanos before,
                                                                std::size_t limit) {
  Query q(
      db_,
      std::string(kSelectAttachments) + " WHERE project = ? AND received < ? ORDER BY received, id LIMIT ?",
      project, before, static_cast<std::uint64_t>(limit));
  return read_attachment_rows(q);
}

Result<std::vector<Id128>> SqlAttachments::blobs() {
  Query q(db_, "SELECT blob FROM attachments");
  std::vector<Id128> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) break;
    if (const auto id = Id128::parse(q.text(0))) out.push_back(*id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<> SqlAttachments::remove(std::int64_t id) {
  Query q(db_, "DELETE FROM attachments WHERE id = ?", id);
  return q.run();
}

}  // namespace telltale::metadb
