#include "api/prometheus/answer.hpp"

namespace telltale::api {
namespace {

std::string_view prometheus_error_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::too_large:
      return "bad_data";
    case ErrorKind::unauthenticated:
    case ErrorKind::permission_denied:
      return "unauthorized";
    case ErrorKind::execution:
    case ErrorKind::resource_exhausted:
      return "execution";
    case ErrorKind::deadline_exceeded:
      return "timeout";
    case ErrorKind::cancelled:
      return "canceled";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::unavailable:
      return "unavailable";
    default:
      return "internal";
  }
}

}  // namespace

net::HttpResponse prometheus_error(const Error& error) {
  JsonWriter w;
  w.begin_object().field("status", "error").field("errorType", prometheus_error_type(error.kind()));
  w.field("error", error.message()).end_object();
  // A query over its budget cannot succeed by trying again, so it is an execution error here.
  const int status = error.kind() == ErrorKind::resource_exhausted ? 422 : net::http_status(error.kind());
  auto response = net::HttpResponse::json(w.take(), status);
  add_error_headers(response);
  return response;
}

void write_labels(JsonWriter& w, const Labels& labels) {
  w.begin_object();
  for (const auto& label : labels) w.field(label.name, label.value);
  w.end_object();
}

}  // namespace telltale::api
