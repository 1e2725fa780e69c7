// Administration of users.
#include <algorithm>

#include "accounts/sessions_impl.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

namespace {

Result<> check_email(std::string_view email) {
  const std::size_t at = email.find('@');
  const bool plain = std::all_of(email.begin(), email.end(),
                                 [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
  if (plain && is_utf8(email) && at != std::string_view::npos && at != 0 && at + 1 < email.size() &&
      email.find('@', at + 1) == std::string_view::npos && email.size() <= limits::kMaxEmailBytes) {
    return {};
  }
  return fail(ErrorKind::invalid_argument, "email: not an e-mail address");
}

Result<> check_person_name(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (!name.empty() && name.size() <= limits::kMaxPersonNameBytes && plain && is_utf8(name)) return {};
  return fail(ErrorKind::invalid_argument, "name: wants 1 to 200 bytes of text");
}

Result<> check_role(storage::Role role) {
  if (role != storage::Role::ingest) return {};
  return fail(ErrorKind::invalid_argument, "role: viewer, editor or admin");
}

}  // namespace

Result<storage::User> Sessions::Impl::prepared(const NewUser& wanted) {
  storage::User user;
  user.email = normal_email(wanted.email);
  user.name = wanted.name;
  user.role = wanted.role;
  user.created = clock.now();
  TT_TRY(check_email(user.email));
  TT_TRY(check_person_name(user.name));
  TT_TRY(check_role(user.role));
  TT_TRY(check_password(wanted.password, user.email, user.name));
  TT_ASSIGN(user.password, hasher.hash(wanted.password));
  return user;
}

Result<> Sessions::Impl::require_other_admin(std::int64_t id) {
  TT_ASSIGN(const auto all, records.users().list());
  const bool left = std::any_of(all.begin(), all.end(), [id](const storage::User& user) {
    return user.id != id && user.role == storage::Role::admin && !user.disabled;
  });
  if (left) return {};
  return fail(ErrorKind::conflict, "this is the last admin; make another one first");
}

Result<std::vector<storage::User>> Sessions::users() { return impl_->records.users().list(); }

Result<storage::User> Sessions::create_user(const NewUser& wanted, const Principal& by,
                                            const Caller& caller) {
  TT_ASSIGN(auto user, impl_->prepared(wanted));
  TT_ASSIGN(user.id, impl_->records.users().add(user));
  impl_->event("user_created", by.name, user.email, caller);
  return user;
}

Result<storage::User> Sessions::update_user(std::int64_t id, const UserChange& change, const Principal& by,
                                            const Caller& caller) {
  Impl& s = *impl_;
  if (change.name) TT_TRY(check_person_name(*change.name));
  if (change.role) TT_TRY(check_role(*change.role));
  std::string phc;
  if (change.password) {
    if (by.user == id) {
      return fail(ErrorKind::invalid_argument,
                  "password: your own is changed with the current one, at auth/password");
    }
    TT_ASSIGN(const auto known, s.records.users().get(id));
    TT_TRY(check_password(*change.password, known.email, known.name));
    TT_ASSIGN(phc, s.hasher.hash(*change.password));
  }
  storage::User user;
  auto done = s.records.transaction([&]() -> Result<> {
    TT_ASSIGN(user, s.records.users().get(id));
    const bool was_admin = user.role == storage::Role::admin && !user.disabled;
    if (change.name) user.name = *change.name;
    user.role = change.role.value_or(user.role);
    user.disabled = change.disabled.value_or(user.disabled);
    if (was_admin && (user.disabled || user.role != storage::Role::admin)) TT_TRY(s.require_other_admin(id));
    if (!phc.empty()) user.password = phc;
    TT_TRY(s.records.users().update(user));
    if (user.disabled || !phc.empty()) TT_TRY(s.records.sessions().remove_of(id, 0));
    return {};
  });
  TT_TRY(std::move(done));
  if (change.role) s.event("role_" + std::string(to_string(user.role)), by.name, user.email, caller);
  if (change.disabled) s.event(user.disabled ? "user_disabled" : "user_enabled", by.name, user.email, caller);
  if (change.password) s.event("password_set", by.name, user.email, caller);
  if (change.name) s.event("user_renamed", by.name, user.email, caller);
  return user;
}

Result<> Sessions::remove_user(std::int64_t id, const Principal& by, const Caller& caller) {
  Impl& s = *impl_;
  storage::User user;
  auto done = s.records.transaction([&]() -> Result<> {
    TT_ASSIGN(user, s.records.users().get(id));
    if (user.role == storage::Role::admin && !user.disabled) TT_TRY(s.require_other_admin(id));
    return s.records.users().remove(id);
  });
  TT_TRY(std::move(done));
  s.event("user_removed", by.name, user.email, caller);
  return {};
}

Result<> Sessions::bootstrap_admin(const NewUser& admin) {
  NewUser wanted = admin;
  wanted.role = storage::Role::admin;
  const auto known = impl_->records.users().find_by_email(normal_email(wanted.email));
  if (known) return {};
  if (known.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(known.error());
  auto user = impl_->prepared(wanted);
  if (!user) return tl::unexpected<Error>(std::move(user).error().within("bootstrap.admin"));
  TT_TRY(impl_->records.users().add(*user));
  impl_->event("user_created", "bootstrap", user->email, {});
  return {};
}

}  // namespace telltale::accounts
