#include "api/cloudwatch/sign_in.hpp"

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/cloudwatch/sigv4.hpp"

namespace telltale::api::cloudwatch {
namespace {

using wire::cloudwatch::SignedRequest;

/// A name that comes twice is one header of both values.
std::vector<std::pair<std::string, std::string>> signed_headers(const net::HttpRequest& request) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : request.headers) {
    const std::string lower = to_lower(name);
    bool joined = false;
    for (auto& [known, values] : out) {
      if (known != lower) continue;
      values.append(",").append(value);
      joined = true;
      break;
    }
    if (!joined) out.emplace_back(lower, value);
  }
  return out;
}

Result<> check_signed_time(const Services& services, UnixNanos signed_at) {
  const std::int64_t skew = (services.clock.now() - signed_at).count() / 1'000'000'000;
  if (skew <= limits::kSignatureSkewSeconds && skew >= -limits::kSignatureSkewSeconds) return {};
  return fail(ErrorKind::unauthenticated,
              "InvalidSignatureException: Signature expired or not yet current: the clocks differ by over 15 "
              "minutes");
}

Result<Caller> sign_in_v4(const Services& services, const net::HttpRequest& request) {
  const auto claim = wire::cloudwatch::parse_sigv4(request.header("authorization"));
  if (!claim) {
    return fail(ErrorKind::unauthenticated, "IncompleteSignatureException: " + claim.error().message());
  }
  // A proxy's path in front of ours is a part of what was signed.
  const std::string prefixed = services.path_prefix + request.path;
  SignedRequest sent{request.method, request.path, request.query, signed_headers(request), request.body};
  const auto signed_at = wire::cloudwatch::signed_time(*claim, sent);
  if (!signed_at) {
    return fail(ErrorKind::unauthenticated, "IncompleteSignatureException: " + signed_at.error().message());
  }
  TT_TRY(check_signed_time(services, *signed_at));
  std::string problem;
  const auto verify = [&](std::string_view secret) {
    for (const std::string_view path : {std::string_view(request.path), std::string_view(prefixed)}) {
      sent.path = path;
      const auto expected = wire::cloudwatch::sigv4_signature(*claim, sent, secret);
      if (!expected) problem = expected.error().message();
      if (expected && equal_constant_time(*expected, claim->signature)) return true;
    }
    return false;
  };
  auto principal = services.accounts.authenticate_signed(claim->access_key, request.remote_address, verify);
  if (principal) return Caller{*std::move(principal), claim->region};
  const Error& error = principal.error();
  if (error.kind() != ErrorKind::unauthenticated) return tl::unexpected<Error>(error);
  // The same for an unknown name and for one that cannot sign.
  return fail(
      ErrorKind::unauthenticated,
      "InvalidSignatureException: The request signature we calculated does not match the signature you "
      "provided. The access key is the name of a token of role ingest, the secret key the token. " +
          problem);
}

}  // namespace

Result<Caller> sign_in(const Services& services, const net::HttpRequest& request) {
  if (wire::cloudwatch::is_sigv4(request.header("authorization"))) {
    TT_ASSIGN(Caller caller, sign_in_v4(services, request));
    if (const auto allowed = caller.principal.require(accounts::Scope::ingest); !allowed)
      return fail(ErrorKind::permission_denied, "AccessDeniedException: " + allowed.error().message());
    return caller;
  }
  auto principal = authorise(services, request, accounts::Scope::ingest);
  if (principal) return Caller{*std::move(principal)};
  const Error& error = principal.error();
  const bool denied = error.kind() == ErrorKind::permission_denied;
  if (!denied && error.kind() != ErrorKind::unauthenticated) return tl::unexpected<Error>(error);
  return fail(error.kind(), (denied ? "AccessDeniedException: " : "MissingAuthenticationTokenException: ") +
                                error.message());
}

}  // namespace telltale::api::cloudwatch
