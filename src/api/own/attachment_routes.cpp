// Files that came with events, and profiles: which there are, and their bytes. What somebody sent is never
// shown as a page of ours: it comes as a download, with a type that no browser runs, and in a sandbox.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"
#include "health/attachments.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using storage::Attachment;

constexpr std::string_view kAttachment = "attachment";
constexpr std::string_view kUnknownType = "application/octet-stream";
/// Pixels only: no SVG, which is a document.
constexpr std::array<std::string_view, 4> kImageTypes = {"image/png", "image/jpeg", "image/gif",
                                                         "image/webp"};

bool is_image(const Attachment& attachment) {
  return std::find(kImageTypes.begin(), kImageTypes.end(), attachment.item.content_type) != kImageTypes.end();
}

void write_attachment(JsonWriter& w, const Attachment& a) {
  w.begin_object().field("id", a.id).field("project", std::uint64_t{a.project.value});
  w.field("event_id", a.item.event_id.hex());
  if (a.item.trace_id.present()) w.field("trace_id", a.item.trace_id.hex());
  w.field("kind", a.item.kind).field("name", a.item.name).field("content_type", a.item.content_type);
  w.field("size", a.item.size).field("image", is_image(a)).field("received", format_rfc3339(a.received));
  w.end_object();
}

struct AttachmentList {
  std::vector<Attachment> attachments;
  std::uint64_t total = 0;
};

Result<Id128> id_param(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.param(name).value_or("");
  if (text.empty()) return Id128{};
  const auto id = Id128::parse(text);
  if (!id || !id->present()) return fail(ErrorKind::invalid_argument, fmt::format("{}: not an id", name));
  return *id;
}

Result<AttachmentList> list_attachments(const Services& services, const net::HttpRequest& request) {
  storage::AttachmentQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.event_id, id_param(request, "event_id"));
  TT_ASSIGN(query.trace_id, id_param(request, "trace_id"));
  query.kind = std::string(request.param("kind").value_or(""));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(query.offset, number_param(request, "offset", 0, 0, 1'000'000));
  AttachmentList out;
  TT_ASSIGN(out.attachments, services.records.attachments().list(query));
  TT_ASSIGN(out.total, services.records.attachments().count(query));
  return out;
}

Result<Attachment> find_attachment(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  TT_ASSIGN(const auto id, path_id(request, kAttachment));
  TT_ASSIGN(auto found, services.records.attachments().get(id));
  TT_TRY(require_in(who, found.project, scope, kAttachment, id));
  return found;
}

/// For Content-Disposition: in ASCII for old clients, and as it is.
std::string disposition(const Attachment& a, bool inline_image) {
  std::string plain;
  for (const char c : a.item.name) {
    const auto byte = static_cast<unsigned char>(c);
    plain.push_back(byte < 0x20 || byte > 0x7E || c == '"' || c == '\\' || c == '/' || c == '%' ? '_' : c);
  }
  return fmt::format("{}; filename=\"{}\"; filename*=UTF-8''{}", inline_image ? "inline" : "attachment",
                     plain, net::percent_encode(a.item.name));
}

/// What its pieces are read from while they are sent.
struct Download {
  std::unique_ptr<health::BlobReader> reader;
  std::size_t next = 0;
};

net::HttpResponse download(const Services& services, const net::HttpRequest& request) {
  const auto found = find_attachment(services, request, Scope::read);
  if (!found) return error_response(found.error());
  auto reader = services.attachments->read(*found);
  if (!reader) return error_response(reader.error());
  const bool shown = request.param("inline").value_or("") == "true" && is_image(*found);
  net::HttpResponse response;
  response.content_type = shown ? found->item.content_type : std::string(kUnknownType);
  response.headers = {{"Content-Disposition", disposition(*found, shown)},
                      {"Content-Security-Policy", "default-src 'none'; sandbox"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  const auto state = std::make_shared<Download>();
  state->reader = *std::move(reader);
  response.stream = [state](std::string& piece, WorkContext&) -> Result<> {
    piece.clear();
    if (state->next == state->reader->pieces()) return {};
    TT_ASSIGN(piece, state->reader->piece(state->next));
    ++state->next;
    return {};
  };
  return response;
}

}  // namespace

void add_attachment_routes(net::Router& router, const Services& services) {
  if (services.attachments == nullptr) return;
  const std::string all = "/api/telltale/v1/attachments";
  router.add("GET", all, [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<AttachmentList>(list_attachments(services, r), [](JsonWriter& w, const auto& list) {
      w.key("attachments").begin_array();
      for (const auto& attachment : list.attachments) write_attachment(w, attachment);
      w.end_array().field("total", list.total);
    });
  });
  router.add(
      "GET", all + "/{id}/content",
      [&services](const net::HttpRequest& r, WorkContext&) { return download(services, r); },
      query_route(services, "attachment_content"));
  router.add("DELETE", all + "/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto found = find_attachment(services, r, Scope::write);
    if (!found) return error_response(found.error());
    const auto done = services.attachments->remove(*found);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
}

}  // namespace telltale::api
