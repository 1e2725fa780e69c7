#include "wire/cloudwatch/sigv4.hpp"

#include <algorithm>
#include <optional>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::wire::cloudwatch {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";

std::string_view sig_trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split_at(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos || (keep_slash && c == '/');
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

const std::string* find_header(const SignedRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return &value;
  return nullptr;
}

/// Runs of blanks become one.
std::string header_value(std::string_view value) {
  std::string out;
  for (const char c : sig_trimmed(value))
    if (c != ' ' || !out.ends_with(' ')) out += c;
  return out;
}

std::string canonical_query(const SignedRequest& request) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : request.query)
    sorted.emplace_back(uri_encode(name, false), uri_encode(value, false));
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const auto& [name, value] : sorted)
    out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

tl::unexpected<Error> bad_claim(std::string what) {
  return fail(ErrorKind::invalid_argument, "Authorization: " + std::move(what));
}

}  // namespace

bool is_sigv4(std::string_view authorization) { return sig_trimmed(authorization).starts_with(kAlgorithm); }

Result<SigV4Claim> parse_sigv4(std::string_view authorization) {
  std::string_view rest = sig_trimmed(authorization);
  if (!rest.starts_with(kAlgorithm)) return bad_claim("wants " + std::string(kAlgorithm));
  rest.remove_prefix(kAlgorithm.size());
  SigV4Claim claim;
  for (const auto part : split_at(rest, ',')) {
    const auto item = sig_trimmed(part);
    const std::size_t eq = item.find('=');
    if (eq == std::string_view::npos) return bad_claim("wants Credential=…, SignedHeaders=…, Signature=…");
    const auto name = item.substr(0, eq);
    const auto value = item.substr(eq + 1);
    if (name == "Credential") {
      // The access key is whatever stands before the four parts of the scope, slashes and all.
      auto scope = split_at(value, '/');
      if (scope.size() < 5 || scope.back() != "aws4_request")
        return bad_claim("Credential wants KEY/DATE/REGION/SERVICE/aws4_request");
      const std::size_t n = scope.size();
      claim.service = scope[n - 2];
      claim.region = scope[n - 3];
      claim.date = scope[n - 4];
      claim.access_key = value.substr(0, static_cast<std::size_t>(scope[n - 4].data() - value.data()) - 1);
    } else if (name == "SignedHeaders") {
      for (const auto header : split_at(value, ';')) claim.signed_headers.push_back(to_lower(header));
      if (claim.signed_headers.size() > limits::kMaxHeaderCount) return bad_claim("too many SignedHeaders");
    } else if (name == "Signature") {
      claim.signature = value;
    }
  }
  if (claim.access_key.empty()) return bad_claim("Credential is missing");
  if (claim.signature.size() != 64) return bad_claim("Signature wants 64 hex digits");
  if (std::find(claim.signed_headers.begin(), claim.signed_headers.end(), "host") ==
      claim.signed_headers.end())
    return bad_claim("SignedHeaders must name host");
  return claim;
}

Result<UnixNanos> signed_time(const SigV4Claim& claim, const SignedRequest& request) {
  const std::string* stamp = find_header(request, "x-amz-date");
  if (stamp == nullptr) return fail(ErrorKind::invalid_argument, "X-Amz-Date: is missing");
  const std::string& t = *stamp;
  if (t.size() != 16 || t[8] != 'T' || t[15] != 'Z' || !t.starts_with(claim.date))
    return fail(ErrorKind::invalid_argument,
                "X-Amz-Date: wants YYYYMMDDThhmmssZ, on the day of the Credential");
  auto time = parse_rfc3339(t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + "T" +
                            t.substr(9, 2) + ":" + t.substr(11, 2) + ":" + t.substr(13, 2) + "Z");
  if (!time) return fail(ErrorKind::invalid_argument, "X-Amz-Date: " + time.error().message());
  return time;
}

Result<std::string> sigv4_signature(const SigV4Claim& claim, const SignedRequest& request,
                                    std::string_view secret) {
  std::string hash = to_hex(sha256(request.body));
  if (const std::string* said = find_header(request, "x-amz-content-sha256");
      said != nullptr && *said != hash) {
    if (*said != kUnsigned)
      return fail(ErrorKind::invalid_argument, "X-Amz-Content-Sha256: is not the body's hash");
    hash = kUnsigned;
  }
  std::string canonical(request.method);
  canonical.append("\n")
      .append(uri_encode(request.path, true))
      .append("\n")
      .append(canonical_query(request)) += '\n';
  std::string names;
  for (const auto& name : claim.signed_headers) {
    const std::string* value = find_header(request, name);
    if (value == nullptr)
      return fail(ErrorKind::invalid_argument,
                  "SignedHeaders: " + name.substr(0, 64) + " is not in the request");
    canonical.append(name).append(":").append(header_value(*value)) += '\n';
    names.append(names.empty() ? "" : ";").append(name);
  }
  canonical.append("\n").append(names).append("\n").append(hash);

  const std::string* stamp = find_header(request, "x-amz-date");
  if (stamp == nullptr) return fail(ErrorKind::invalid_argument, "X-Amz-Date: is missing");
  const std::string scope = claim.date + "/" + claim.region + "/" + claim.service + "/aws4_request";
  std::string to_sign(kAlgorithm);
  to_sign.append("\n").append(*stamp).append("\n").append(scope).append("\n").append(
      to_hex(sha256(canonical)));

  std::string key = hmac_sha256("AWS4" + std::string(secret), claim.date);
  for (const std::string_view part :
       {std::string_view(claim.region), std::string_view(claim.service), std::string_view("aws4_request")})
    key = hmac_sha256(key, part);
  return to_hex(hmac_sha256(key, to_sign));
}

}  // namespace telltale::wire::cloudwatch
