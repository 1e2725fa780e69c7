#include "wire/sentry/security.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/input_limits.hpp"
#include "base/json.hpp"
#include "wire/sentry/common.hpp"

namespace telltale::wire::sentry {
namespace {

std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  return url;
}

/// What was blocked, without what varies: `inline`, `eval`, `self` for the page's own host, a host, or a
/// scheme.
std::string blocked_host(const SecurityReport& report) {
  const std::string_view blocked = report.blocked;
  if (blocked.empty()) return "self";
  const auto host = host_of(blocked);
  if (host.empty()) return std::string(blocked.substr(0, blocked.find(':')));
  if (host == host_of(report.url)) return "self";
  // An extension's host is this browser's own.
  const auto scheme = blocked.substr(0, blocked.find(':'));
  return std::string(scheme.ends_with("-extension") ? scheme : host);
}

/// `script-src-elem` → `script`.
std::string_view resource_of(std::string_view directive) {
  return directive.substr(0, directive.find("-src"));
}

std::string title_of(const SecurityReport& report) {
  if (report.kind == "expect-ct") return fmt::format("Expect-CT failed for '{}'", report.url);
  if (report.kind == "expect-staple") return fmt::format("Expect-Staple failed for '{}'", report.url);
  if (report.kind == "hpkp") return fmt::format("Public key pinning failed for '{}'", report.url);
  const std::string host = blocked_host(report);
  const auto resource = resource_of(report.directive);
  if (host == "inline") return fmt::format("Blocked inline '{}'", resource);
  if (host == "eval") return fmt::format("Blocked eval() of '{}'", resource);
  return fmt::format("Blocked '{}' from '{}'", resource, host);
}

SecurityReport csp_report(json::Value v) {
  SecurityReport out;
  out.kind = "csp";
  const auto either = [&](std::string_view a, std::string_view b) {
    std::string text = json::get_text(v, a);
    return text.empty() ? json::get_text(v, b) : text;
  };
  out.url = either("document-uri", "documentURL");
  out.directive = either("effective-directive", "effectiveDirective");
  // Older browsers name the directive with its sources: `script-src 'self'`.
  if (out.directive.empty()) out.directive = json::get_text(v, "violated-directive");
  out.directive.resize(std::min(out.directive.find(' '), out.directive.size()));
  out.blocked = either("blocked-uri", "blockedURL");
  out.report = simdjson::minify(v);
  return out;
}

Result<std::vector<SecurityReport>> read_list(json::Array list) {
  std::vector<SecurityReport> out;
  for (const json::Value item : list) {
    const auto body = json::get(item, "body");
    if (json::get_text(item, "type") != "csp-violation" || !body || !body->is_object()) continue;
    if (out.size() >= limits::kMaxSecurityReports) break;
    out.push_back(csp_report(*body));
    out.back().user_agent = json::get_text(item, "user_agent");
    if (out.back().url.empty()) out.back().url = json::get_text(item, "url");
  }
  return out;
}

}  // namespace

Result<std::vector<SecurityReport>> parse_security_reports(std::string_view json) {
  if (json.size() > limits::kMaxSecurityReportBytes)
    return fail(ErrorKind::too_large,
                fmt::format("report: more than {} bytes", limits::kMaxSecurityReportBytes));
  TT_ASSIGN(const auto doc, json::Document::parse(json));
  const json::Value root = doc.root();
  json::Array list;
  if (root.get(list) == simdjson::SUCCESS) return read_list(list);
  if (const auto csp = json::get(root, "csp-report"); csp && csp->is_object())
    return std::vector<SecurityReport>{csp_report(*csp)};
  for (const std::string_view kind : {"expect-ct", "expect-staple"}) {
    const auto report = json::get(root, fmt::format("{}-report", kind));
    if (!report || !report->is_object()) continue;
    return std::vector<SecurityReport>{
        {std::string(kind), json::get_text(*report, "hostname"), {}, {}, {}, simdjson::minify(*report)}};
  }
  if (json::get(root, "known-pins"))
    return std::vector<SecurityReport>{
        {"hpkp", json::get_text(root, "hostname"), {}, {}, {}, simdjson::minify(root)}};
  return fail(ErrorKind::invalid_argument,
              "report: wants csp-report, expect-ct-report, expect-staple-report, HPKP's known-pins, or a "
              "list of reports");
}

std::string security_event(const SecurityReport& report, const SecurityOrigin& origin, Id128 event_id) {
  const bool csp = report.kind == "csp";
  const std::string& agent = report.user_agent.empty() ? origin.user_agent : report.user_agent;
  const auto host = host_of(report.url);
  JsonWriter w;
  w.begin_object().field("event_id", event_id.hex()).field("platform", "other").field("level", "error");
  w.field("logger", report.kind);
  if (!origin.release.empty()) w.field("release", origin.release);
  if (!origin.environment.empty()) w.field("environment", origin.environment);
  w.key("logentry").begin_object().field("formatted", title_of(report)).end_object();
  w.field("culprit", csp ? report.directive : report.url);
  w.key("fingerprint").begin_array().string(report.kind);
  w.string(csp ? report.directive : host.empty() ? std::string_view(report.url) : host);
  if (csp) w.string(blocked_host(report));
  w.end_array();
  w.key("tags").begin_object();
  if (csp) w.field("effective-directive", report.directive).field("blocked-uri", report.blocked);
  w.end_object();
  w.key("request").begin_object().field("url", report.url).key("headers").begin_object();
  if (!agent.empty()) w.field("User-Agent", agent);
  w.end_object().end_object();
  w.key("contexts").begin_object().key(report.kind).raw(report.report).end_object();
  return w.end_object().take();
}

}  // namespace telltale::wire::sentry
