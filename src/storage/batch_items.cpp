// Each list: how many, then its members one behind the other, a field in the order of the struct. Integers
// are varints, times and signed ones zigzag, texts have their length in front.
#include "storage/batch_items.hpp"

#include <array>

namespace telltale::storage {
namespace {

// The fewest bytes that one of each takes: a count never exceeds what the remaining bytes could hold.
constexpr std::size_t kMinSession = 9;
constexpr std::size_t kMinCheckIn = 39;
constexpr std::size_t kMinFeedback = 58;
constexpr std::size_t kMinOutcome = 4;
constexpr std::size_t kMinAttachment = 69;
constexpr std::uint8_t kAttachmentsSince = 5;  // the batch's version
constexpr std::size_t kMinUsage = 20;
constexpr std::uint8_t kFirstWithUsage = 5;
constexpr std::size_t kMinExemplar = 11;
constexpr std::size_t kMinLabel = 2;
constexpr std::size_t kMinMetadata = 4;
constexpr std::uint8_t kFirstWithMetricInfo = 7;

void put_id(ByteWriter& out, Id128 id) {
  out.u64(id.hi);
  out.u64(id.lo);
}

Id128 read_id(ByteReader& in) {
  Id128 id;
  id.hi = in.u64();
  id.lo = in.u64();
  return id;
}

void put_session(ByteWriter& out, const SessionUpdate& s) {
  out.string(s.release);
  out.string(s.environment);
  out.varint(s.user);
  out.zigzag(s.started.ns);
  out.varint(s.sid);
  if (s.sid != 0) {
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(s.state) | (s.init ? 0x80U : 0U)));
    return;
  }
  for (const std::uint64_t n : {s.exited, s.errored, s.abnormal, s.crashed}) out.varint(n);
}

bool read_session(ByteReader& in, SessionUpdate& s) {
  s.release = std::string(in.string());
  s.environment = std::string(in.string());
  s.user = in.varint();
  s.started.ns = in.zigzag();
  s.sid = in.varint();
  if (s.sid != 0) {
    const std::uint8_t v = in.u8();
    s.init = (v & 0x80) != 0;
    if ((v & 0x7F) > static_cast<std::uint8_t>(SessionState::crashed)) return false;
    s.state = static_cast<SessionState>(v & 0x7F);
    return true;
  }
  for (std::uint64_t* n : {&s.exited, &s.errored, &s.abnormal, &s.crashed}) *n = in.varint();
  return true;
}

void put_check_in(ByteWriter& out, const CheckIn& c) {
  put_id(out, c.id);
  out.string(c.monitor);
  out.string(c.environment);
  out.string(c.release);
  out.u8(static_cast<std::uint8_t>(c.status));
  out.zigzag(c.duration_ms);
  out.zigzag(c.time.ns);
  put_id(out, c.trace_id);
  out.string(c.config);
}

bool read_check_in(ByteReader& in, CheckIn& c) {
  c.id = read_id(in);
  c.monitor = std::string(in.string());
  c.environment = std::string(in.string());
  c.release = std::string(in.string());
  const std::uint8_t status = in.u8();
  c.duration_ms = in.zigzag();
  c.time.ns = in.zigzag();
  c.trace_id = read_id(in);
  c.config = std::string(in.string());
  c.status = static_cast<CheckInStatus>(status);
  return status >= static_cast<std::uint8_t>(CheckInStatus::in_progress) &&
         status <= static_cast<std::uint8_t>(CheckInStatus::timeout);
}

template <class F>
auto feedback_texts(F& f) {
  return std::array{&f.message, &f.email,   &f.name,   &f.url,      &f.environment,
                    &f.release, &f.user_id, &f.source, &f.replay_id};
}

void put_feedback(ByteWriter& out, const FeedbackItem& f) {
  put_id(out, f.id);
  out.zigzag(f.time.ns);
  for (const std::string* text : feedback_texts(f)) out.string(*text);
  put_id(out, f.event_id);
  put_id(out, f.trace_id);
}

bool read_feedback(ByteReader& in, FeedbackItem& f) {
  f.id = read_id(in);
  f.time.ns = in.zigzag();
  for (std::string* text : feedback_texts(f)) *text = std::string(in.string());
  f.event_id = read_id(in);
  f.trace_id = read_id(in);
  return true;
}

void put_outcome(ByteWriter& out, const OutcomeCount& o) {
  out.string(o.source);
  out.string(o.category);
  out.string(o.reason);
  out.varint(o.quantity);
}

bool read_outcome(ByteReader& in, OutcomeCount& o) {
  o.source = std::string(in.string());
  o.category = std::string(in.string());
  o.reason = std::string(in.string());
  o.quantity = in.varint();
  return true;
}

void put_attachment(ByteWriter& out, const AttachmentItem& a) {
  for (const Id128 id : {a.blob, a.event_id, a.trace_id, a.digest}) put_id(out, id);
  for (const std::string* text : {&a.kind, &a.name, &a.content_type}) out.string(*text);
  out.varint(a.size);
  out.varint(a.stored);
}

bool read_attachment(ByteReader& in, AttachmentItem& a) {
  for (Id128* id : {&a.blob, &a.event_id, &a.trace_id, &a.digest}) *id = read_id(in);
  for (std::string* text : {&a.kind, &a.name, &a.content_type}) *text = std::string(in.string());
  a.size = in.varint();
  a.stored = in.varint();
  return true;
}

void put_usage(ByteWriter& out, const UsageCount& u) {
  out.u8(static_cast<std::uint8_t>(u.kind));
  out.string(u.category);
  out.string(u.reason);
  put_id(out, u.key);
  out.varint(u.quantity);
}

bool read_usage(ByteReader& in, UsageCount& u) {
  const std::uint8_t kind = in.u8();
  u.kind = static_cast<UsageKind>(kind);
  u.category = std::string(in.string());
  u.reason = std::string(in.string());
  u.key = read_id(in);
  u.quantity = in.varint();
  return kind >= static_cast<std::uint8_t>(UsageKind::accepted) &&
         kind <= static_cast<std::uint8_t>(UsageKind::client);
}

void put_labels(ByteWriter& out, const Labels& labels) {
  out.varint(labels.size());
  for (const Label& l : labels) {
    out.string(l.name);
    out.string(l.value);
  }
}

bool read_labels(ByteReader& in, Labels& labels) {
  const std::uint64_t n = in.varint();
  if (!in.ok() || n > in.remaining() / kMinLabel) return false;
  std::vector<Label> list;
  list.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    std::string name(in.string());
    list.push_back({std::move(name), std::string(in.string())});
  }
  labels = Labels(std::move(list));
  return in.ok();
}

void put_exemplar(ByteWriter& out, const ExemplarItem& e) {
  put_labels(out, e.series);
  out.zigzag(e.time.ms);
  out.f64(e.value);
  put_labels(out, e.labels);
}

bool read_exemplar(ByteReader& in, ExemplarItem& e) {
  if (!read_labels(in, e.series)) return false;
  e.time.ms = in.zigzag();
  e.value = in.f64();
  return read_labels(in, e.labels);
}

void put_metadata(ByteWriter& out, const MetadataItem& m) {
  out.string(m.family);
  out.u8(m.kind);
  out.string(m.help);
  out.string(m.unit);
}

bool read_metadata(ByteReader& in, MetadataItem& m) {
  m.family = std::string(in.string());
  m.kind = in.u8();
  m.help = std::string(in.string());
  m.unit = std::string(in.string());
  return true;
}

template <class T>
void put_list(ByteWriter& out, const std::vector<T>& list, void (*put)(ByteWriter&, const T&)) {
  out.varint(list.size());
  for (const T& item : list) put(out, item);
}

template <class T>
bool read_list(ByteReader& in, std::vector<T>& list, std::size_t least, bool (*read)(ByteReader&, T&)) {
  const std::uint64_t n = in.varint();
  if (!in.ok() || n > in.remaining() / least) return false;
  list.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i)
    if (!read(in, list.emplace_back()) || !in.ok()) return false;
  return true;
}

}  // namespace

std::string_view name_of(UsageKind kind) {
  constexpr std::string_view kNames[] = {"accepted", "filtered", "rate_limited", "invalid", "client"};
  return kNames[static_cast<std::size_t>(kind) - 1];
}

std::optional<UsageKind> usage_kind_from(std::string_view name) {
  for (const UsageKind kind : kUsageKinds)
    if (name_of(kind) == name) return kind;
  return std::nullopt;
}

void put_items(ByteWriter& out, const BatchItems& items) {
  put_list(out, items.sessions, put_session);
  put_list(out, items.check_ins, put_check_in);
  put_list(out, items.feedback, put_feedback);
  put_list(out, items.outcomes, put_outcome);
  put_list(out, items.attachments, put_attachment);
  put_list(out, items.usage, put_usage);
  put_list(out, items.exemplars, put_exemplar);
  put_list(out, items.metadata, put_metadata);
}

bool read_items(ByteReader& in, std::uint8_t version, BatchItems& items) {
  return read_list(in, items.sessions, kMinSession, read_session) &&
         read_list(in, items.check_ins, kMinCheckIn, read_check_in) &&
         read_list(in, items.feedback, kMinFeedback, read_feedback) &&
         read_list(in, items.outcomes, kMinOutcome, read_outcome) &&
         (version < kAttachmentsSince || read_list(in, items.attachments, kMinAttachment, read_attachment)) &&
         (version < kFirstWithUsage || read_list(in, items.usage, kMinUsage, read_usage)) &&
         (version < kFirstWithMetricInfo || (read_list(in, items.exemplars, kMinExemplar, read_exemplar) &&
                                             read_list(in, items.metadata, kMinMetadata, read_metadata)));
}

}  // namespace telltale::storage
