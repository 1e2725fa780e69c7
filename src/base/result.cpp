#include "base/result.hpp"

namespace telltale {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return "invalid_argument";
    case ErrorKind::unauthenticated:
      return "unauthenticated";
    case ErrorKind::permission_denied:
      return "permission_denied";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::resource_exhausted:
      return "resource_exhausted";
    case ErrorKind::execution:
      return "execution";
    case ErrorKind::deadline_exceeded:
      return "deadline_exceeded";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::disk_full:
      return "disk_full";
    case ErrorKind::io:
      return "io";
    case ErrorKind::corruption:
      return "corruption";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

Error Error::within(std::string_view where) && {
  std::string text;
  text.reserve(where.size() + 2 + message_.size());
  text.append(where).append(": ").append(message_);
  return Error(kind_, std::move(text));
}

tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error(kind, std::move(message)));
}

}  // namespace telltale
