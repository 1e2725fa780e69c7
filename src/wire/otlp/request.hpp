// Both signals nest alike: request → resources → scopes → records. These walks know the nesting; the signal
// gives the names and reads one record. For this folder's .cpp files only.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/intake_limits.hpp"
#include "wire/otlp/values.hpp"

namespace telltale::wire::otlp {

/// Numbers records over the whole request, keeps the good ones, lists the others.
template <class Batch>
class RequestCollector {
 public:
  /// Of the records that follow. A scope without any is no batch.
  void begin(Resource resource, Scope scope) {
    next_ = Batch();
    next_->resource = std::move(resource);
    next_->scope = std::move(scope);
  }
  void reject(std::string reason) { errors.add(index_, std::move(reason)); }
  /// Whether there is no room for another record; it is counted as refused then.
  bool is_full() {
    if (!full_ && index_ < limits::kMaxRowsPerRequest && bytes_ < limits::kMaxRequestRowBytes) return false;
    if (full_) {
      errors.add_untold(1);
    } else {
      reject(index_ >= limits::kMaxRowsPerRequest
                 ? "the request is over the limit on records; the rest is dropped"
                 : "the request's records have over " + std::to_string(limits::kMaxRequestRowBytes) +
                       " bytes; the rest is dropped");
    }
    full_ = true;
    ++index_;
    return true;
  }
  /// `record` is a Result.
  template <class R, class ListOf>
  void add(R record, ListOf list_of) {
    if (!record) {
      reject(record.error().message());
    } else {
      if (next_) batches.push_back(*std::exchange(next_, std::nullopt));
      bytes_ += decoded_bytes(*record);
      list_of(batches.back()).push_back(*std::move(record));
    }
    ++index_;
  }

  std::vector<Batch> batches;
  ItemErrors errors;

 private:
  std::optional<Batch> next_;  // until it has a record
  std::size_t index_ = 0;
  std::size_t bytes_ = 0;  // of the records, about
  bool full_ = false;
};

/// `read` makes Result<Record> of one record's message; `list_of` gives the batch's list.
/// Messages are walked twice, because what their records share may stand behind them, and a list of records
/// may be longer than their bytes.
template <class Batch, class Read, class ListOf>
void walk_proto_scope(protozero::pbf_reader in, const Resource& resource, RequestCollector<Batch>& out,
                      Read read, ListOf list_of) {
  using protozero::pbf_wire_type;
  Scope scope;
  for (protozero::pbf_reader first = in; first.next();) {
    if (first.tag_and_type() == protozero::tag_and_type(1, pbf_wire_type::length_delimited)) {
      scope = proto_scope(first.get_message());
    } else {
      first.skip();
    }
  }
  out.begin(resource, std::move(scope));
  while (in.next(2, pbf_wire_type::length_delimited)) {
    const auto view = in.get_view();
    if (out.is_full()) continue;
    try {
      out.add(read(protozero::pbf_reader(view)), list_of);
    } catch (const protozero::exception& e) {
      using Record = decltype(read(protozero::pbf_reader(view)));
      out.add(Record(fail(ErrorKind::invalid_argument, std::string("malformed protobuf: ") + e.what())),
              list_of);
    }
  }
}

template <class Batch, class Read, class ListOf>
void walk_proto_resource(protozero::pbf_reader in, RequestCollector<Batch>& out, Read read, ListOf list_of) {
  using protozero::pbf_wire_type;
  std::vector<Attr> attributes;
  for (protozero::pbf_reader first = in; first.next();) {
    if (first.tag_and_type() == protozero::tag_and_type(1, pbf_wire_type::length_delimited)) {
      attributes = proto_resource(first.get_message());
    } else {
      first.skip();
    }
  }
  const auto resource = std::make_shared<const std::vector<Attr>>(std::move(attributes));
  while (in.next(2, pbf_wire_type::length_delimited)) {
    const auto view = in.get_view();
    try {
      walk_proto_scope(protozero::pbf_reader(view), resource, out, read, list_of);
    } catch (const protozero::exception& e) {
      out.reject(std::string("scope: malformed protobuf: ") + e.what());
    }
  }
}

template <class Batch, class Read, class ListOf>
Result<void> walk_proto(std::string_view body, RequestCollector<Batch>& out, Read read, ListOf list_of) {
  try {
    protozero::pbf_reader in(body.data(), body.size());
    while (in.next()) {
      if (in.tag_and_type() != protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited)) {
        in.skip();
        continue;
      }
      const auto view = in.get_view();
      try {
        walk_proto_resource(protozero::pbf_reader(view), out, read, list_of);
      } catch (const protozero::exception& e) {
        out.reject(std::string("resource: malformed protobuf: ") + e.what());
      }
    }
  } catch (const protozero::exception& e) {
    return fail(ErrorKind::invalid_argument, std::string("request: malformed protobuf: ") + e.what());
  }
  return {};
}

struct JsonNames {
  std::string_view resources;  // "resourceSpans"
  std::string_view scopes;     // "scopeSpans"
  std::string_view records;    // "spans"
};

template <class Batch, class Read, class ListOf>
Result<void> walk_json(std::string_view body, const JsonNames& names, RequestCollector<Batch>& out, Read read,
                       ListOf list_of) {
  TT_ASSIGN(const auto doc, json::Document::parse(body));
  if (!doc.root().is_object()) return fail(ErrorKind::invalid_argument, "request: expected a JSON object");
  const auto resources = json::get_array(doc.root(), names.resources);
  if (!resources && json::get(doc.root(), names.resources))
    return fail(ErrorKind::invalid_argument, std::string(names.resources) + ": expected a list");
  if (!resources) return {};
  for (const json::Value holder : *resources) {
    const auto resource = json::get(holder, "resource");
    const auto attributes =
        std::make_shared<const std::vector<Attr>>(resource ? json_attrs(*resource) : std::vector<Attr>{});
    const auto scopes = json::get_array(holder, names.scopes);
    if (!scopes) continue;
    for (const json::Value scope_holder : *scopes) {
      const auto scope = json::get(scope_holder, "scope");
      out.begin(attributes, scope ? json_scope(*scope) : Scope{});
      const auto records = json::get_array(scope_holder, names.records);
      if (!records) continue;
      for (const json::Value record : *records)
        if (!out.is_full()) out.add(read(record), list_of);
    }
  }
  return {};
}

}  // namespace telltale::wire::otlp
