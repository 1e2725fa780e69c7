// CloudWatch Logs: `POST /` with X-Amz-Target, JSON 1.1, and the one call to STS that shippers make.
// Signatures are over the body as it was sent, so it is decoded here, after they are checked.
#include <memory>

#include <fmt/format.h>

#include "api/cloudwatch/operations.hpp"
#include "api/services.hpp"
#include "base/compress.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

constexpr std::string_view kTarget = "Logs_20140328.";

std::string_view aws_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "ResourceNotFoundException";
    case ErrorKind::conflict:
      return "ResourceAlreadyExistsException";
    case ErrorKind::unauthenticated:
      return "UnrecognizedClientException";
    case ErrorKind::permission_denied:
      return "AccessDeniedException";
    case ErrorKind::resource_exhausted:
      return "ThrottlingException";
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
    case ErrorKind::deadline_exceeded:
    case ErrorKind::cancelled:
      return "ServiceUnavailableException";
    case ErrorKind::io:
    case ErrorKind::corruption:
    case ErrorKind::internal:
      return "InternalFailure";
    default:
      return "InvalidParameterException";
  }
}

int aws_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::resource_exhausted:
      return 429;
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
    case ErrorKind::deadline_exceeded:
    case ErrorKind::cancelled:
      return 503;
    case ErrorKind::io:
    case ErrorKind::corruption:
    case ErrorKind::internal:
      return 500;
    default:
      return 400;
  }
}

net::HttpResponse aws_response(int status, std::string body) {
  net::HttpResponse response{status, "application/x-amz-json-1.1", std::move(body), {}};
  const std::string id = to_hex(secure_random(16));
  response.headers.emplace_back(
      "x-amzn-RequestId", fmt::format("{}-{}-{}-{}-{}", id.substr(0, 8), id.substr(8, 4), id.substr(12, 4),
                                      id.substr(16, 4), id.substr(20)));
  add_error_headers(response);
  return response;
}

/// A message that names its own exception (`SomeException: …`) is taken apart.
net::HttpResponse aws_error(const Error& error) {
  std::string_view code = aws_code(error.kind());
  std::string_view message = error.message();
  const std::size_t colon = message.find(": ");
  if (colon != std::string_view::npos && message.substr(0, colon).ends_with("Exception")) {
    code = message.substr(0, colon);
    message.remove_prefix(colon + 2);
  }
  JsonWriter w;
  w.begin_object().field("__type", code).field("message", message).end_object();
  auto response = aws_response(aws_status(error.kind()), w.take());
  response.headers.emplace_back("x-amzn-ErrorType", std::string(code));
  return response;
}

Result<std::string> aws_body(const net::HttpRequest& request) {
  TT_ASSIGN(const Codec codec, codec_from_token(request.header("content-encoding")));
  if (codec == Codec::identity) return request.body;
  return decompress(codec, request.body, limits::kMaxDecodedBodyBytes);
}

net::HttpResponse aws_call(const Services& services, ingest::LogGroups& groups,
                           const net::HttpRequest& request, WorkContext& context) {
  const std::string_view target = request.header("x-amz-target");
  const bool identity = target.empty() && request.param("Action").value_or("") == "GetCallerIdentity";
  if (!identity && !target.starts_with(kTarget)) {
    return aws_error(
        Error(ErrorKind::not_found,
              "UnknownOperationException: POST / is CloudWatch Logs', with X-Amz-Target: Logs_20140328.…"));
  }
  const auto caller = cloudwatch::sign_in(services, request);
  if (!caller) return aws_error(caller.error());
  if (identity) return {200, "text/xml", cloudwatch::caller_identity(*caller), {}};
  const auto body = aws_body(request);
  if (!body) return aws_error(body.error());
  auto answer =
      cloudwatch::run_operation(target.substr(kTarget.size()), {services, groups, *caller, *body, context});
  return answer ? aws_response(200, *std::move(answer)) : aws_error(answer.error());
}

}  // namespace

void add_cloudwatch_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.name = "cloudwatch";
  options.bulk = true;
  options.decode_body = false;
  options.work = services.query_limits;
  const auto groups = std::make_shared<ingest::LogGroups>(services.records, services.clock);
  router.add(
      "POST", "/",
      [&services, groups](const net::HttpRequest& request, WorkContext& context) {
        return aws_call(services, *groups, request, context);
      },
      options);
}

}  // namespace telltale::api
