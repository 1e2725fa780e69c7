// Elasticsearch: bulk requests and single documents. Rows are events, which only happen: documents are added,
// never changed or deleted. A document with an id of its own that comes again within the window of client ids
// is kept once; `index` with the same id and another content is another event.
#include "ingest/elastic.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "ingest/document.hpp"
#include "ingest/request.hpp"

namespace telltale::ingest {
namespace {

using wire::elastic::BulkAction;
using wire::elastic::BulkItem;

constexpr int kCreated = 201;
constexpr int kBadRequest = 400;
constexpr int kTooMany = 429;

Id128 document_id(ProjectId project, BulkAction action, std::string_view index, const BulkItem& item) {
  if (item.id.empty()) return {};
  std::string key = fmt::format("{}/{}", index, item.id);
  if (action == BulkAction::index) key += '/' + hash128(item.document).hex();
  return dedup_id(project, 'd', key);
}

/// Ids for documents that came without one: unlike in time and between servers, as short as Elasticsearch's.
class IdMaker {
 public:
  std::string next() { return fmt::format("{}{:05x}", prefix_, number_++); }

 private:
  const std::string prefix_ = to_hex(secure_random(8));
  std::uint32_t number_ = 0;
};

void refuse(ElasticItem& item, std::string_view type, std::string reason) {
  item.status = kBadRequest;
  item.error_type = type;
  item.reason = std::move(reason);
}

class BulkRows {
 public:
  BulkRows(Request& request, ProjectId project, std::string_view body, const DocumentShape& shape)
      : request_(request), project_(project), end_(body.data() + body.size()), reader_(shape, true) {}

  ElasticItem add(const BulkItem& item, std::string_view index, std::size_t number) {
    ElasticItem out{item.action, item.index, item.id, kCreated, {}, {}};
    if (!item.error.empty()) {
      refuse(out, "illegal_argument_exception", item.error);
      return out;
    }
    if (item.action == BulkAction::update || item.action == BulkAction::remove) {
      refuse(out, "illegal_argument_exception",
             fmt::format("{}: events are kept as they came, they are not changed or deleted by id",
                         wire::elastic::to_string(item.action)));
      return out;
    }
    const std::size_t after = static_cast<std::size_t>(end_ - (item.document.data() + item.document.size()));
    auto document = reader_.read(item.document, after);
    if (!document) {
      refuse(out, "document_parsing_exception", document.error().message());
      return out;
    }
    EventRow& row = document->row;
    row.set(row.find("index") == nullptr ? "index" : "_index", std::string(index), AttrKind::label);
    if (out.id.empty()) out.id = ids_.next();
    const Id128 id = document_id(project_, item.action, index, item);
    const bool parse = !document->message_is_source;
    if (request_.is_full(number)) {
      // Sent again by itself it has room.
      refuse(out, "es_rejected_execution_exception", request_.last_error());
      out.status = kTooMany;
    } else if (!request_.add(Table::logs, std::move(row), id, number, parse)) {
      refuse(out, "document_parsing_exception", "[@timestamp]: " + request_.last_error());
    }
    return out;
  }

 private:
  Request& request_;
  const ProjectId project_;
  const char* const end_;
  DocumentReader reader_;
  IdMaker ids_;
};

}  // namespace

Result<ElasticOutcome> Ingest::elastic_bulk(ProjectId project, std::string_view body,
                                            std::string_view default_index, const DocumentShape& shape) {
  TT_ASSIGN(Request request, impl_->begin(project));
  TT_ASSIGN(auto parsed, wire::elastic::parse_bulk(body, default_index));
  ElasticOutcome out;
  BulkRows rows(request, project, body, shape);
  out.items.reserve(parsed.items.size());
  request.batch.logs.reserve(parsed.items.size());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < parsed.items.size(); ++i) {
    const auto& item = parsed.items[i];
    out.items.push_back(rows.add(item, parsed.indices[item.index], i));
    if (out.items.back().status != kCreated) ++refused;
  }
  out.errors = refused > 0;
  out.indices = std::move(parsed.indices);
  impl_->rejected.add(refused - request.outcome.rejected.size());  // finish() counts those it knows
  TT_ASSIGN(const auto done, impl_->finish(std::move(request)));
  out.accepted = done.accepted;
  out.duplicates = done.duplicates;
  return out;
}

Result<ElasticOutcome> Ingest::elastic_document(ProjectId project, std::string_view body,
                                                std::string_view index, std::string_view id, bool create,
                                                const DocumentShape& shape) {
  ElasticOutcome out;
  out.indices.emplace_back(index);
  TT_ASSIGN(Request request, impl_->begin(project));
  BulkRows rows(request, project, body, shape);
  BulkItem item;
  item.action = create ? BulkAction::create : BulkAction::index;
  item.id = id;
  item.document = body;
  if (index.size() > limits::kMaxIndexNameBytes || id.size() > limits::kMaxDocumentIdBytes)
    item.error = fmt::format("_index: over {} bytes, or _id: over {}", limits::kMaxIndexNameBytes,
                             limits::kMaxDocumentIdBytes);
  out.items.push_back(rows.add(item, index, 0));
  out.errors = out.items.front().status != kCreated;
  TT_ASSIGN(const auto done, impl_->finish(std::move(request)));
  out.accepted = done.accepted;
  out.duplicates = done.duplicates;
  return out;
}

}  // namespace telltale::ingest
