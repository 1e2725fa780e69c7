// CloudWatch Logs' operations over what is remembered of groups and streams (ingest/log_groups.hpp) and the
// one way in for events. What an operation would promise and we do not do is refused, or said in
// docs/clients.md: events go by the retention of the settings, so a group's own is only remembered, and a
// group or stream that has events is not deleted.
#pragma once

#include <string>
#include <string_view>

#include "api/cloudwatch/sign_in.hpp"
#include "ingest/log_groups.hpp"

namespace telltale::api::cloudwatch {

struct Call {
  const Services& services;
  ingest::LogGroups& groups;
  const Caller& caller;
  std::string_view body;  // decoded
  WorkContext& context;

  ProjectId project() const { return caller.principal.default_project(); }
};

/// The answer's body, empty for operations without one. not_found, with a message that begins with
/// UnknownOperationException, for an operation that is not known.
Result<std::string> run_operation(std::string_view name, const Call& call);

/// STS GetCallerIdentity, in XML: watchtower asks for it to name a group's ARN.
std::string caller_identity(const Caller& caller);

}  // namespace telltale::api::cloudwatch
