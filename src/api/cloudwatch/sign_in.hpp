// Who signed a request to CloudWatch Logs (or STS): Signature Version 4 with a token's name as the access key
// and the token as the secret, or an Authorization header like everywhere else.
#pragma once

#include <string>

#include "api/services.hpp"

namespace telltale::api::cloudwatch {

struct Caller {
  accounts::Principal principal;
  std::string region = "us-east-1";  // of the signature
};

/// `request` is as it was sent: its body not yet decoded. The error's message begins with AWS's name for it
/// and a colon.
Result<Caller> sign_in(const Services& services, const net::HttpRequest& request);

}  // namespace telltale::api::cloudwatch
