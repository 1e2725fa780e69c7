// What browsers report of violated policies, as an event like any other: so that it is masked, grouped, kept
// and shown as one. Content Security Policy in both its forms (`report-uri` sends an object, `report-to` the
// list of the Reporting API), and the older Expect-CT, Expect-Staple and HPKP.
// https://www.w3.org/TR/CSP3/#reporting
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"

namespace telltale::wire::sentry {

struct SecurityReport {
  std::string kind;       // csp, expect-ct, expect-staple, hpkp
  std::string url;        // of the page, or the host that was reported
  std::string directive;  // csp: `script-src-elem`
  std::string blocked;    // csp: as the browser said it: an address, `inline`, `eval`, …
  std::string user_agent;
  std::string report;  // JSON, as it came
};

/// Reports of other types in a list are left out. invalid_argument when the body is none of the forms;
/// too_large past limits::kMaxSecurityReportBytes.
Result<std::vector<SecurityReport>> parse_security_reports(std::string_view json);

/// Who has reported, beside what the report says.
struct SecurityOrigin {
  std::string release;
  std::string environment;
  std::string user_agent;  // of the request
};
/// JSON as SDKs send events. Grouped by directive and by the host that was blocked.
std::string security_event(const SecurityReport& report, const SecurityOrigin& origin, Id128 event_id);

}  // namespace telltale::wire::sentry
