#include "api/elastic/answer.hpp"

#include <fmt/format.h>

#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api::elastic {
namespace {

std::string_view error_type_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthenticated:
    case ErrorKind::permission_denied:
      return "security_exception";
    case ErrorKind::not_found:
      return "resource_not_found_exception";
    case ErrorKind::conflict:
      return "version_conflict_engine_exception";
    case ErrorKind::too_large:
      return "content_too_long_exception";
    case ErrorKind::unsupported:
      return "media_type_header_exception";
    case ErrorKind::resource_exhausted:
      return "es_rejected_execution_exception";
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
    case ErrorKind::deadline_exceeded:
    case ErrorKind::cancelled:
      return "unavailable_shards_exception";
    case ErrorKind::invalid_argument:
    case ErrorKind::execution:
      return "illegal_argument_exception";
    default:
      return "internal_server_error";
  }
}

void write_error(JsonWriter& w, std::string_view type, std::string_view reason) {
  w.key("error").begin_object().field("type", type).field("reason", reason).end_object();
}

void write_shards(JsonWriter& w) {
  w.key("_shards").begin_object().field("total", 1).field("successful", 1).field("failed", 0).end_object();
}

void write_item(JsonWriter& w, const ingest::ElasticOutcome& outcome, const ingest::ElasticItem& item,
                bool lean) {
  w.begin_object().key(wire::elastic::to_string(item.action)).begin_object();
  if (!lean) {
    w.field("_index", outcome.indices[item.index]);
    if (item.id.empty()) {
      w.key("_id").null();
    } else {
      w.field("_id", item.id);
    }
  }
  if (item.error_type.empty() && !lean) {
    w.field("_version", 1).field("result", "created");
    write_shards(w);
    w.field("_seq_no", 0).field("_primary_term", 1);
  }
  w.field("status", item.status);
  if (!item.error_type.empty()) write_error(w, item.error_type, item.reason);
  w.end_object().end_object();
}

}  // namespace

net::HttpResponse finished(net::HttpResponse response, const net::HttpRequest& request) {
  response.headers.emplace_back("X-Elastic-Product", "Elasticsearch");
  const std::string_view accept = request.header("accept");
  const std::size_t at = accept.find("compatible-with=");
  if (response.content_type == "application/json" && at != std::string_view::npos &&
      accept.find("vnd.elasticsearch+") != std::string_view::npos) {
    const std::string_view major = accept.substr(at + 16, 1);
    response.content_type = fmt::format("application/vnd.elasticsearch+json;compatible-with={}",
                                        major == "7" || major == "9" ? major : std::string_view("8"));
  }
  return response;
}

net::HttpResponse error_answer(int status, std::string_view type, std::string_view reason) {
  JsonWriter w;
  w.begin_object().key("error").begin_object().key("root_cause").begin_array().begin_object();
  w.field("type", type).field("reason", reason).end_object().end_array();
  w.field("type", type).field("reason", reason).end_object().field("status", status).end_object();
  auto response = net::HttpResponse::json(w.take(), status);
  add_error_headers(response);
  return response;
}

net::HttpResponse error_answer(const Error& error) {
  return error_answer(net::http_status(error.kind()), error_type_of(error.kind()), error.message());
}

std::string bulk_answer(const ingest::ElasticOutcome& outcome, std::int64_t took_ms,
                        std::string_view filter_path) {
  const bool lean = !filter_path.empty() && filter_path.find("items.*._id") == std::string_view::npos &&
                    filter_path.find("items.*.status") != std::string_view::npos;
  const bool items = filter_path.empty() || filter_path.find("items") != std::string_view::npos;
  JsonWriter w;
  w.begin_object();
  if (filter_path.empty() || filter_path.find("took") != std::string_view::npos) w.field("took", took_ms);
  w.field("errors", outcome.errors);
  if (items) {
    w.key("items").begin_array();
    for (const auto& item : outcome.items) write_item(w, outcome, item, lean);
    w.end_array();
  }
  w.end_object();
  return w.take();
}

net::HttpResponse document_answer(const ingest::ElasticOutcome& outcome, bool create) {
  const auto& item = outcome.items.front();
  if (!item.error_type.empty()) return error_answer(item.status, item.error_type, item.reason);
  const bool known = outcome.duplicates > 0;
  if (known && create) {
    return error_answer(409, "version_conflict_engine_exception",
                        fmt::format("[{}]: version conflict, document already exists", item.id));
  }
  JsonWriter w;
  w.begin_object().field("_index", outcome.indices.front()).field("_id", item.id).field("_version", 1);
  w.field("result", known ? "noop" : "created");
  write_shards(w);
  w.field("_seq_no", 0).field("_primary_term", 1).end_object();
  return net::HttpResponse::json(w.take(), known ? 200 : 201);
}

}  // namespace telltale::api::elastic
