// A DSN key reaches us by header, query or envelope. Each place is read on its own; then they must agree.
#include <algorithm>

#include "base/text.hpp"
#include "wire/sentry/envelope.hpp"

namespace telltale::wire::sentry {
namespace {

std::string_view trim_space(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

/// `Sentry a=b, c=d` → Auth; an empty key when the scheme is another.
Auth read_auth_header(std::string_view header) {
  Auth out;
  header = trim_space(header);
  constexpr std::string_view kScheme = "sentry";
  if (header.size() <= kScheme.size() || !equal_ignore_case(header.substr(0, kScheme.size()), kScheme))
    return out;
  header.remove_prefix(kScheme.size());
  if (header.front() != ' ' && header.front() != '\t') return out;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view part = trim_space(header.substr(0, comma));
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim_space(part.substr(0, equals));
    const std::string value(trim_space(part.substr(equals + 1)));
    if (name == "sentry_key") out.public_key = value;
    if (name == "sentry_secret") out.secret_key = value;
    if (name == "sentry_client") out.client = value;
    if (name == "sentry_version") out.version = value;
  }
  return out;
}

/// Keys are words of letters, digits, '-' and '_'; anything else is no key of ours.
bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

}  // namespace

Result<Dsn> parse_dsn(std::string_view dsn) {
  const auto bad = [](std::string_view what) {
    return fail(ErrorKind::invalid_argument, "dsn: " + std::string(what));
  };
  const std::size_t scheme = dsn.find("://");
  if (scheme == std::string_view::npos) return bad("expected scheme://key@host/project");
  std::string_view rest = dsn.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("?#"));
  const std::size_t at = rest.find('@');
  if (at == std::string_view::npos) return bad("no key before '@'");
  Dsn out;
  const std::string_view user = rest.substr(0, at);
  out.public_key = user.substr(0, user.find(':'));
  if (const auto colon = user.find(':'); colon != std::string_view::npos)
    out.secret_key = user.substr(colon + 1);
  rest.remove_prefix(at + 1);
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t slash = rest.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) return bad("no project at its end");
  out.host = rest.substr(0, rest.find('/'));
  out.project = rest.substr(slash + 1);
  if (!is_key(out.public_key)) return bad("its key is malformed");
  if (out.host.empty()) return bad("no host");
  return out;
}

Result<Auth> parse_auth(const AuthSources& sources) {
  std::vector<Auth> found;
  for (const std::string_view header : {sources.x_sentry_auth, sources.authorization}) {
    Auth auth = read_auth_header(header);
    if (!auth.public_key.empty()) found.push_back(std::move(auth));
  }
  if (!sources.query_key.empty())
    found.push_back({std::string(sources.query_key),
                     {},
                     std::string(sources.query_client),
                     std::string(sources.query_version)});
  if (!sources.envelope_dsn.empty()) {
    auto dsn = parse_dsn(sources.envelope_dsn);
    if (!dsn) return fail(ErrorKind::unauthenticated, dsn.error().message());
    found.push_back({dsn->public_key, dsn->secret_key, {}, {}});
  }
  if (found.empty())
    return fail(ErrorKind::unauthenticated,
                "no sentry_key in X-Sentry-Auth, the query or the envelope's dsn");
  for (const Auth& auth : found) {
    if (!is_key(auth.public_key)) return fail(ErrorKind::unauthenticated, "sentry_key is malformed");
    if (auth.public_key != found.front().public_key)
      return fail(ErrorKind::unauthenticated, "several sentry_keys that disagree");
    if (found.front().client.empty()) found.front().client = auth.client;
    if (found.front().version.empty()) found.front().version = auth.version;
  }
  return found.front();
}

}  // namespace telltale::wire::sentry
