// Files that come with Sentry's events, and profiles. Their bytes are put on the disk by Impl::finish(),
// before the batch that names them is committed; the event itself goes its usual way.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/attachment_limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "ingest/sentry_items.hpp"
#include "quota/categories.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/multipart.hpp"

namespace telltale::ingest {
namespace {

constexpr std::string_view kPlainKind = "event.attachment";
constexpr std::string_view kMinidumpKind = "event.minidump";
constexpr std::string_view kOctets = "application/octet-stream";

/// What limits and counts take a file for that comes outside of an envelope.
const wire::sentry::Item& file_item() {
  static const wire::sentry::Item item = [] {
    wire::sentry::Item file;
    file.type = wire::sentry::ItemType::attachment;
    return file;
  }();
  return item;
}

std::string cleaned(std::string_view text, std::size_t bytes) {
  std::string out(truncate_utf8(repair_utf8(text), bytes));
  std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return out;
}

/// Of the shape that such names have, else `otherwise`.
std::string word_or(std::string_view text, std::string_view also, std::string_view otherwise) {
  const bool good = !text.empty() && text.size() <= limits::kMaxAttachmentTypeBytes &&
                    std::all_of(text.begin(), text.end(), [&](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             also.find(c) != std::string_view::npos;
                    });
  return std::string(good ? text : otherwise);
}

bool looks_like_json(std::string_view bytes) {
  const auto first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '[');
}

/// Text that begins with UTF-16's mark of its byte order, as UTF-8.
std::optional<std::string> from_utf16(std::string_view bytes) {
  const bool little = bytes.starts_with("\xFF\xFE");
  if ((!little && !bytes.starts_with("\xFE\xFF")) || bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]);
    const auto b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<char32_t>(little ? b << 8 | a : a << 8 | b);
  };
  std::string out;
  for (std::size_t i = 2; i < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (c >= 0xD800 && c < 0xDC00 && i + 2 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    }
    append_utf8(out, c >= 0xD800 && c < 0xE000 ? char32_t{0xFFFD} : c);
  }
  return out;
}

/// Text is masked like any other text, also where a byte of it is none; what is no text stays as it came, and
/// so does what is too long.
void mask_file(Request& request, PendingFile& file) {
  const std::string_view bytes = file.bytes;
  if (bytes.size() > limits::kMaxMaskedAttachmentBytes) return;
  auto decoded = from_utf16(bytes);
  if (!decoded && bytes.find('\0') != std::string_view::npos) return;
  std::string text = decoded ? *std::move(decoded) : repair_utf8(bytes);
  const bool changed = looks_like_json(text) ? request.redactor->redact_json(text, &request.counts)
                                             : request.redactor->redact_text(text, &request.counts);
  if (!changed) return;
  file.masked = std::move(text);
  file.is_masked = true;
}

}  // namespace

void add_file(Request& request, storage::AttachmentItem item, std::string_view bytes, std::size_t most,
              std::size_t index) {
  if (!item.event_id.present())
    return request.error(index, "attachment: neither the envelope nor the item names its event");
  if (bytes.size() > most) return request.error(index, fmt::format("attachment: over {} bytes", most));
  const auto of_event = std::count_if(request.files.begin(), request.files.end(),
                                      [&](const PendingFile& f) { return f.item.event_id == item.event_id; });
  if (static_cast<std::size_t>(of_event) >= limits::kMaxEventAttachments)
    return request.error(index, fmt::format("attachment: over {} of one event (kMaxEventAttachments)",
                                            limits::kMaxEventAttachments));
  item.name = cleaned(item.name, limits::kMaxAttachmentNameBytes);
  if (item.name.empty()) item.name = "unnamed";
  item.kind = word_or(item.kind, "._-", kPlainKind);
  const std::string type = item.content_type.substr(0, item.content_type.find(';'));
  item.content_type = word_or(type, "/+.-_", kOctets);
  const std::array fields = {redact::Field{{}, &item.name, redact::FieldForm::text}};
  request.redactor->redact_fields(fields, &request.counts);
  PendingFile file{std::move(item), bytes, {}, false, index};
  mask_file(request, file);
  if (!request.outcome.event_id.present()) request.outcome.event_id = file.item.event_id;
  request.files.push_back(std::move(file));
}

void add_attachment(Request& request, const wire::sentry::EnvelopeHeader& header,
                    const wire::sentry::Item& from, std::size_t index) {
  storage::AttachmentItem item;
  item.event_id = header.event_id;
  if (header.trace) item.trace_id = header.trace->trace_id;
  item.kind = from.attachment_type.starts_with("profile") ? "" : from.attachment_type;
  item.name = from.filename;
  item.content_type = from.content_type;
  add_file(request, std::move(item), from.payload, limits::kMaxAttachmentBytes, index);
}

void add_profile(Request& request, const wire::sentry::EnvelopeHeader& header, const wire::sentry::Item& from,
                 std::size_t index) {
  if (from.payload.size() > limits::kMaxProfileBytes)
    return request.error(index, fmt::format("profile: over {} bytes", limits::kMaxProfileBytes));
  const auto ids = wire::sentry::parse_profile_ids(from.payload);
  if (!ids) return request.error(index, "profile: " + ids.error().message());
  storage::AttachmentItem item;
  // A chunk belongs to its profiler, a profile to its transaction.
  item.event_id = ids->event_id.present() ? ids->event_id : header.event_id;
  item.trace_id = ids->trace_id;
  if (!item.trace_id.present() && header.trace) item.trace_id = header.trace->trace_id;
  item.kind = std::string(to_string(from.type));
  item.name = item.kind + ".json";
  item.content_type = "application/json";
  add_file(request, std::move(item), from.payload, limits::kMaxProfileBytes, index);
}

Result<> Ingest::Impl::keep_files(Request& request) {
  if (request.files.empty()) return {};
  if (!pipeline.accepting())
    return fail(ErrorKind::disk_full, "the disk is full: writes wait until there is space");
  auto& kept = request.batch.items.attachments;
  for (auto& file : request.files) {
    const std::string_view bytes = file.is_masked ? std::string_view(file.masked) : file.bytes;
    const auto done = options.attachments->keep(request.batch.project, file.item, bytes);
    if (!done && done.error().kind() != ErrorKind::resource_exhausted) {
      drop_files(kept);
      return done;
    }
    if (!done) {
      request.error(file.index, "attachment: " + done.error().message());
      if (request.quota) request.quota->lost_file(request, file.item.kind);
      continue;
    }
    kept.push_back(std::move(file.item));
  }
  request.files.clear();
  return {};
}

void Ingest::Impl::drop_files(const std::vector<storage::AttachmentItem>& files) {
  for (const auto& file : files) options.attachments->drop(file);
}

Result<Outcome> Ingest::sentry_attachments(ProjectId project, Id128 event_id, std::string_view content_type,
                                           std::string_view body, const SentrySender& sender) {
  if (impl_->options.attachments == nullptr) return fail(ErrorKind::unsupported, "attachments are not kept");
  TT_ASSIGN(const auto parts, wire::sentry::parse_multipart(content_type, body));
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  bool any = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].filename.empty()) continue;
    any = true;
    if (!request.quota->begins(request, file_item())) continue;
    storage::AttachmentItem item;
    item.event_id = event_id;
    item.name = parts[i].filename;
    item.content_type = parts[i].content_type;
    add_file(request, std::move(item), parts[i].body, limits::kMaxAttachmentBytes, i);
    request.quota->ends(request, file_item());
  }
  if (!any) return fail(ErrorKind::invalid_argument, "multipart: no part is a file");
  return impl_->finish(std::move(request));
}

Result<Outcome> Ingest::sentry_minidump(ProjectId project, std::string_view content_type,
                                        std::string_view body, const SentrySender& sender) {
  if (impl_->options.attachments == nullptr) return fail(ErrorKind::unsupported, "attachments are not kept");
  TT_ASSIGN(const auto parts, wire::sentry::parse_multipart(content_type, body));
  const bool has_dump = std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    return part.name == wire::sentry::kMinidumpPart && part.body.starts_with("MDMP");
  });
  if (!has_dump)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: missing, or no minidump", wire::sentry::kMinidumpPart));
  TT_ASSIGN(Request request, impl_->begin_sentry(project, sender));
  const auto id = Id128::parse(to_hex(secure_random(16)));
  TT_ASSIGN(const auto event, wire::sentry::minidump_event(parts, *id, request.now()));
  if (request.quota->begins(request, quota::category::kError))
    add_event(request, project, *impl_->grouping_of(project), event.event_id, event.json, 0);
  request.quota->ends(request, quota::category::kError);
  if (!request.outcome.rejected.empty()) return impl_->finish_one(std::move(request));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool dump = parts[i].name == wire::sentry::kMinidumpPart;
    if ((parts[i].filename.empty() && !dump) || !request.quota->begins(request, file_item())) continue;
    storage::AttachmentItem item;
    item.event_id = event.event_id;
    item.kind = dump ? kMinidumpKind : kPlainKind;
    item.name = parts[i].filename.empty() ? "minidump.dmp" : parts[i].filename;
    item.content_type = parts[i].content_type;
    add_file(request, std::move(item), parts[i].body, limits::kMaxAttachmentBytes, i);
    request.quota->ends(request, file_item());
  }
  return impl_->finish(std::move(request));
}

}  // namespace telltale::ingest
