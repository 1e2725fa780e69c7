// What can be said of roles, scopes and headers without looking anything up.
#include <algorithm>

#include "accounts/authenticator.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::read:
      return "read";
    case Scope::write:
      return "write";
    case Scope::ingest:
      return "ingest";
    case Scope::admin:
      return "admin";
  }
  return "unknown";
}

bool allows(storage::Role role, Scope scope) {
  switch (role) {
    case storage::Role::ingest:
      return scope == Scope::ingest;
    case storage::Role::viewer:
      return scope == Scope::read;
    case storage::Role::editor:
      return scope != Scope::admin;
    case storage::Role::admin:
      return true;
  }
  return false;
}

Result<> Principal::require(Scope scope) const {
  if (allows(role, scope)) return {};
  return fail(ErrorKind::permission_denied, (user != 0 ? "user '" : "token '") + name + "' has role " +
                                                std::string(storage::to_string(role)) +
                                                ", which does not allow " + std::string(to_string(scope)));
}

Result<> Principal::require(Scope scope, ProjectId wanted) const {
  TT_TRY(require(scope));
  if (project.value == 0 || project == wanted) return {};
  return fail(ErrorKind::permission_denied,
              "token '" + name + "' is for project " + std::to_string(project.value) + " only");
}

std::optional<std::string> secret_from_authorization(std::string_view header, std::string* user) {
  const auto trim = [](std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return std::string_view();
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
  };
  header = trim(header);
  const std::size_t space = header.find_first_of(" \t");
  if (space == std::string_view::npos) return std::nullopt;
  const std::string scheme = to_lower(header.substr(0, space));
  const std::string_view rest = trim(header.substr(space));
  if (rest.empty()) return std::nullopt;
  if (scheme == "bearer" || scheme == "token") return std::string(rest);
  if (scheme != "basic" && scheme != "apikey") return std::nullopt;
  const auto decoded = from_base64(rest);
  // A pasted token may happen to be base64 of something, which then is no text.
  const bool text =
      decoded && std::all_of(decoded->begin(), decoded->end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  const std::size_t colon = text || scheme == "basic" ? decoded.value_or("").find(':') : std::string::npos;
  if (colon == std::string::npos) {
    // Elasticsearch's clients send base64(id:key); people also paste the token itself.
    if (scheme == "apikey") return std::string(rest);
    return std::nullopt;
  }
  if (user != nullptr) *user = decoded->substr(0, colon);
  return decoded->substr(colon + 1);
}

Result<> check_slug(std::string_view slug) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  bool good = !slug.empty() && slug.size() <= 50 && plain(slug.front());
  for (const char c : slug) good = good && (plain(c) || c == '-' || c == '_');
  if (good) return {};
  return fail(ErrorKind::invalid_argument,
              "slug: wants 1 to 50 of a-z, 0-9, '-' and '_', starting with a letter or digit");
}

}  // namespace telltale::accounts
