// Both signals nest alike: request → resources → scopes → records. These walks know the nesting; the signal
// gives the names and reads one record. For this folder's .cpp files only.
#pragma once

#include "base/limits.hpp"
#include "wire/otlp/values.hpp"

namespace telltale::wire::otlp {

/// Numbers records over the whole request, keeps the good ones, lists the others.
template <class Batch>
class RequestCollector {
 public:
  void begin(std::vector<Attr> resource, Scope scope) {
    Batch batch;
    batch.resource = std::move(resource);
    batch.scope = std::move(scope);
    batches.push_back(std::move(batch));
  }
  void reject(std::string reason) { errors.push_back({index_, std::move(reason)}); }
  /// `record` is a Result.
  template <class R, class List>
  void add(R record, List& list) {
    if (index_ >= limits::kMaxRowsPerRequest) {
      if (index_ == limits::kMaxRowsPerRequest)
        reject("the request is over the limit on records; the rest is dropped");
    } else if (!record) {
      reject(record.error().message());
    } else {
      list.push_back(*std::move(record));
    }
    ++index_;
  }

  std::vector<Batch> batches;
  std::vector<ItemError> errors;

 private:
  std::size_t index_ = 0;
};

/// `read` makes Result<Record> of one record's message; `list_of` gives the batch's list.
template <class Batch, class Read, class ListOf>
void walk_proto_scope(protozero::pbf_reader in, const std::vector<Attr>& resource,
                      RequestCollector<Batch>& out, Read read, ListOf list_of) {
  using protozero::pbf_wire_type;
  using protozero::tag_and_type;
  Scope scope;
  std::vector<protozero::data_view> records;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        scope = proto_scope(in.get_message());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        records.push_back(in.get_view());
        break;
      default:
        in.skip();
    }
  }
  out.begin(resource, std::move(scope));
  for (const auto& view : records) {
    try {
      out.add(read(protozero::pbf_reader(view)), list_of(out.batches.back()));
    } catch (const protozero::exception& e) {
      using Record = decltype(read(protozero::pbf_reader(view)));
      out.add(Record(fail(ErrorKind::invalid_argument, std::string("malformed protobuf: ") + e.what())),
              list_of(out.batches.back()));
    }
  }
}

template <class Batch, class Read, class ListOf>
void walk_proto_resource(protozero::pbf_reader in, RequestCollector<Batch>& out, Read read, ListOf list_of) {
  using protozero::pbf_wire_type;
  using protozero::tag_and_type;
  std::vector<Attr> resource;
  std::vector<protozero::data_view> scopes;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        resource = proto_resource(in.get_message());
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        scopes.push_back(in.get_view());
        break;
      default:
        in.skip();
    }
  }
  for (const auto& view : scopes) {
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
    const std::vector<Attr> attributes = resource ? json_attrs(*resource) : std::vector<Attr>{};
    const auto scopes = json::get_array(holder, names.scopes);
    if (!scopes) continue;
    for (const json::Value scope_holder : *scopes) {
      const auto scope = json::get(scope_holder, "scope");
      out.begin(attributes, scope ? json_scope(*scope) : Scope{});
      const auto records = json::get_array(scope_holder, names.records);
      if (!records) continue;
      for (const json::Value record : *records) out.add(read(record), list_of(out.batches.back()));
    }
  }
  return {};
}

}  // namespace telltale::wire::otlp
