// Error events: exceptions, threads and messages in all the shapes SDKs send.
#include "wire/sentry/event.hpp"

#include "base/limits.hpp"
#include "wire/sentry/common.hpp"

namespace telltale::wire::sentry {
namespace {

Frame read_frame(json::Value v) {
  Frame f;
  f.function = json::get_text(v, "function");
  f.raw_function = json::get_text(v, "raw_function");
  f.module = json::get_text(v, "module");
  f.package = json::get_text(v, "package");
  f.filename = json::get_text(v, "filename");
  f.abs_path = json::get_text(v, "abs_path");
  f.context_line = json::get_text(v, "context_line");
  f.platform = json::get_text(v, "platform");
  f.lineno = json::get_int(v, "lineno").value_or(0);
  f.colno = json::get_int(v, "colno").value_or(0);
  f.in_app = json::get_bool(v, "in_app");
  return f;
}

std::vector<Frame> read_frames(json::Value holder) {
  std::vector<Frame> out;
  const auto trace = json::get(holder, "stacktrace");
  const auto frames = trace ? json::get_array(*trace, "frames") : std::nullopt;
  if (!frames) return out;
  for (const json::Value frame : *frames)
    if (frame.is_object()) out.push_back(read_frame(frame));
  return out;
}

Exception read_exception(json::Value v) {
  Exception e;
  e.type = json::get_text(v, "type");
  if (const auto value = json::get(v, "value")) e.value = json::text_of(*value);
  e.module = json::get_text(v, "module");
  if (const auto mechanism = json::get(v, "mechanism"); mechanism && mechanism->is_object()) {
    e.mechanism = json::get_text(*mechanism, "type");
    e.handled = json::get_bool(*mechanism, "handled");
    e.synthetic = json::get_bool(*mechanism, "synthetic").value_or(false);
    e.group = json::get_bool(*mechanism, "is_exception_group").value_or(false);
    e.exception_id = json::get_int(*mechanism, "exception_id");
    e.parent_id = json::get_int(*mechanism, "parent_id");
  }
  e.frames = read_frames(v);
  return e;
}

Thread read_thread(json::Value v) {
  Thread t;
  t.id = json::get_text(v, "id");
  t.name = json::get_text(v, "name");
  t.crashed = json::get_bool(v, "crashed").value_or(false);
  t.current = json::get_bool(v, "current").value_or(false);
  t.frames = read_frames(v);
  return t;
}

/// The interface `key` as a list, whether it came as {"values": […]}, a list or a single object.
template <class Fn>
void for_each_value(json::Value root, std::string_view key, Fn fn) {
  const auto field = json::get(root, key);
  if (!field || field->is_null()) return;
  json::Array list;
  if (field->get(list) == simdjson::SUCCESS || json::get_array(*field, "values")) {
    if (const auto values = json::get_array(*field, "values")) list = *values;
    for (const json::Value v : list) fn(v);
  } else if (!json::get(*field, "values")) {
    fn(*field);
  }
}

template <class T>
void read_list(json::Value root, std::string_view key, T (*read)(json::Value), std::vector<T>& out,
               std::vector<ItemError>& errors) {
  std::size_t index = 0;
  for_each_value(root, key, [&](json::Value v) {
    if (v.is_object()) {
      out.push_back(read(v));
    } else if (!v.is_null()) {
      errors.push_back({index, std::string(key) + ": expected an object"});
    }
    ++index;
  });
}

/// The template with its parameters in place, for clients that leave that to the server (older SDKs of
/// Python): `%s`, `%d`, `%r`, `%.2f`, … one after the other, `%%` a percent sign. The template itself when
/// they do not match.
std::string fill_in(std::string_view text, const std::vector<std::string>& params) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const std::size_t kind = text.find_first_not_of("-+ #0123456789.lhL", i + 1);
    if (kind == std::string_view::npos) return std::string(text);
    if (text[kind] == '%' && kind == i + 1) {
      out.push_back('%');
    } else if (std::string_view("sdirfFgGeExXouac").find(text[kind]) != std::string_view::npos) {
      if (next == params.size()) return std::string(text);
      out += params[next++];
    } else {
      return std::string(text);
    }
    i = kind;
  }
  return next == params.size() ? out : std::string(text);
}

void read_message(json::Value root, ErrorEvent& out) {
  auto field = json::get(root, "logentry");
  if (!field || field->is_null()) field = json::get(root, "sentry.interfaces.Message");
  if (!field || field->is_null()) field = json::get(root, "message");
  if (!field) return;
  if (!field->is_object()) {
    out.message = out.formatted = json::text_of(*field);
    return;
  }
  out.message = json::get_text(*field, "message");
  out.formatted = json::get_text(*field, "formatted");
  if (const auto params = json::get_array(*field, "params"))
    for (const json::Value p : *params) out.params.push_back(json::text_of(p));
  if (out.message.empty()) out.message = out.formatted;
  if (out.formatted.empty()) out.formatted = fill_in(out.message, out.params);
}

}  // namespace

Result<ErrorEvent> parse_event(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "event", limits::kMaxErrorEventBytes));
  const json::Value root = doc.root();
  ErrorEvent out;
  read_common(root, out);
  read_list(root, "exception", read_exception, out.exceptions, out.errors);
  read_list(root, "threads", read_thread, out.threads, out.errors);
  if (out.exceptions.empty() && out.threads.empty()) {
    Thread bare;  // old SDKs put the stack of a message beside it
    bare.frames = read_frames(root);
    bare.current = true;
    if (!bare.frames.empty()) out.threads.push_back(std::move(bare));
  }
  read_message(root, out);
  if (const auto list = json::get_array(root, "fingerprint"))
    for (const json::Value part : *list)
      if (!part.is_null()) out.fingerprint.push_back(json::text_of(part));
  out.checksum = json::get_text(root, "checksum");
  out.culprit = json::get_text(root, "culprit");
  return out;
}

Result<std::string> normalise_json(std::string_view json) { return json::normalise(json); }

}  // namespace telltale::wire::sentry
