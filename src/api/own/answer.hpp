// A result as JSON: its members by `write`, its error in the form of this API.
#pragma once

#include <functional>
#include <vector>

#include "api/own/row_json.hpp"
#include "api/services.hpp"
#include "base/intake_limits.hpp"

namespace telltale::api {

template <class T>
net::HttpResponse answer(Result<T> result, std::function<void(JsonWriter&, const T&)> write) {
  if (!result) return error_response(result.error());
  JsonWriter w;
  w.begin_object();
  write(w, *result);
  w.end_object();
  return net::HttpResponse::json(w.take());
}

using Rows = std::vector<EventRow>;

inline void write_rows(JsonWriter& w, std::string_view name, const Rows& rows) {
  w.key(name).begin_array();
  for (const auto& row : rows) write_row(w, row);
  w.end_array();
}

inline double seconds(Nanos d) { return static_cast<double>(d.count()) / 1e9; }
inline double unix_seconds(UnixNanos t) { return static_cast<double>(t.ns) / 1e9; }

/// Of routes that take a small document, some of them before anybody has signed in.
inline net::RouteOptions account_route() {
  net::RouteOptions options;
  options.max_body_bytes = limits::kMaxAccountBodyBytes;
  options.max_decoded_bytes = limits::kMaxAccountBodyBytes;
  return options;
}

inline net::RouteOptions query_route(const Services& services, std::string name = {}) {
  net::RouteOptions options;
  options.name = std::move(name);
  options.work = services.query_limits;
  return options;
}

}  // namespace telltale::api
