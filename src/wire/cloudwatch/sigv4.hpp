// AWS Signature Version 4, the receiving side: what an Authorization header claims, and the signature that
// the same request has under a secret. After "Create a signed AWS API request" in AWS's IAM user guide: a
// canonical request is hashed into a string to sign, and that is signed with a key derived from secret, day,
// region and service.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::wire::cloudwatch {

struct SigV4Claim {
  std::string access_key;
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;  // lower case, in the header's order
  std::string signature;                    // lower-case hex
};

/// What is signed of a request. Names in lower case; the path and query as they were sent, decoded.
struct SignedRequest {
  std::string_view method;
  std::string_view path;  // decoded
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;  // as sent, before Content-Encoding is undone
};

bool is_sigv4(std::string_view authorization);
/// invalid_argument, naming the part, when it is not of the form `AWS4-HMAC-SHA256 Credential=…,
/// SignedHeaders=…, Signature=…` or signs no host.
Result<SigV4Claim> parse_sigv4(std::string_view authorization);

/// The time in x-amz-date (`20260108T093000Z`). invalid_argument when it is none, or on another day than the
/// claim.
Result<UnixNanos> signed_time(const SigV4Claim& claim, const SignedRequest& request);

/// invalid_argument when x-amz-content-sha256 is there and is neither the body's hash nor UNSIGNED-PAYLOAD,
/// or a signed header is absent.
Result<std::string> sigv4_signature(const SigV4Claim& claim, const SignedRequest& request,
                                    std::string_view secret);

}  // namespace telltale::wire::cloudwatch
