// Errors are values. A function that can fail for a reason outside the program's control returns Result<T>;
// what is left for CHECK (check.hpp) is bugs. The set of kinds is closed, so that one function can map each
// kind to an HTTP status (net/status.hpp) and a client can act on it; the message is for people and names the
// field, line or file that is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace telltale {

enum class ErrorKind : std::uint8_t {
  invalid_argument,    // the caller's input is wrong and will stay wrong: 400
  unauthenticated,     // no usable credential: 401
  permission_denied,   // a credential, but not for this: 403
  not_found,           // 404
  conflict,            // the thing exists or changed meanwhile: 409
  too_large,           // over a named limit on size: 413
  unsupported,         // a content type, encoding or feature we do not have: 415
  resource_exhausted,  // over a named rate or count limit, try later: 429
  execution,           // a valid query that cannot be evaluated: 422
  deadline_exceeded,   // 503
  cancelled,           // 503
  unavailable,         // not now (starting, stopping, queue full): 503
  disk_full,           // no space left for this table: 503
  io,                  // the operating system refused: 500
  corruption,          // stored bytes do not match their checksum or format: 500
  internal,            // 500
};

/// Lower-case name of the kind, as it appears in logs and JSON errors.
std::string_view to_string(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  /// The same error with "where: " put before the message: context grows from the inside out.
  Error within(std::string_view where) &&;

 private:
  ErrorKind kind_;
  std::string message_;
};

template <class T = void>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorKind::invalid_argument, "line 3: …");`
tl::unexpected<Error> fail(ErrorKind kind, std::string message);

}  // namespace telltale

// Evaluates a Result<void> and returns its error from the calling function.
#define TT_TRY(expr)                                                             \
  do {                                                                           \
    if (auto tt_status_ = (expr); !tt_status_)                                   \
      return ::tl::unexpected<::telltale::Error>(std::move(tt_status_).error()); \
  } while (false)

#define TT_CONCAT_(a, b) a##b
#define TT_CONCAT(a, b) TT_CONCAT_(a, b)
#define TT_ASSIGN_(tmp, decl, expr)                                             \
  auto tmp = (expr);                                                            \
  if (!tmp) return ::tl::unexpected<::telltale::Error>(std::move(tmp).error()); \
  decl = *std::move(tmp)

// TT_ASSIGN(auto file, fs.open(path)); declares `file` or returns the error.
#define TT_ASSIGN(decl, expr) TT_ASSIGN_(TT_CONCAT(tt_result_, __LINE__), decl, expr)
