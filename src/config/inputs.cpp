#include "config/inputs.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/check.hpp"
#include "base/input_limits.hpp"
#include "base/time_zone.hpp"
#include "base/upkeep_limits.hpp"
#include "config/settings.hpp"

namespace telltale::config {
namespace {

class InputReader {
 public:
  InputReader(std::string name, const std::string& file) : name_(std::move(name)), file_(file) {}

  using Field = std::pair<std::string_view, std::function<Result<>(const YAML::Node&)>>;

  Result<> each(const YAML::Node& list, const std::function<Result<>(const YAML::Node&)>& read) {
    if (!list.IsSequence()) return wrong(list, "", "must be a list");
    for (const auto& item : list) {
      if (!item.IsMap()) return wrong(item, "", "must be a mapping");
      TT_TRY(read(item));
    }
    return {};
  }
  Result<> fields(const YAML::Node& item, const std::vector<Field>& known) {
    std::vector<std::string_view> names;
    for (const auto& field : known) names.push_back(field.first);
    for (const auto& entry : item) {
      const std::string key = entry.first.Scalar();
      const auto field =
          std::find_if(known.begin(), known.end(), [&](const auto& f) { return f.first == key; });
      if (field == known.end()) return wrong(entry.first, key, "is not known" + suggestion(key, names));
      TT_TRY(field->second(entry.second));
    }
    return {};
  }

  auto text(std::string_view key, std::string& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   if (!node.IsScalar()) return wrong(node, key, "must be a single value");
                   to = node.Scalar();
                   return {};
                 }};
  }
  /// In the form and the bounds of the setting.
  auto duration(std::string_view key, std::string_view setting, Nanos& to) {
    return Field{key, [this, key, setting, &to](const YAML::Node& node) -> Result<> {
                   Config scratch;
                   const Setting* of = find_setting(setting);
                   TT_CHECK(of != nullptr && of->type == SettingType::duration);
                   const std::string value = node.IsScalar() ? node.Scalar() : "";
                   if (auto done = assign(*of, scratch, {value}); !done)
                     return wrong(node, key, done.error().message());
                   to = *static_cast<const Nanos*>(of->member(scratch));
                   return {};
                 }};
  }
  auto boolean(std::string_view key, bool& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   const std::string value = node.IsScalar() ? node.Scalar() : "";
                   if (value != "true" && value != "false") return wrong(node, key, "must be true or false");
                   to = value == "true";
                   return {};
                 }};
  }
  auto texts(std::string_view key, std::vector<std::string>& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   if (node.IsScalar()) {
                     to = split_list(node.Scalar());
                     return {};
                   }
                   if (!node.IsSequence()) return wrong(node, key, "must be a list of texts");
                   for (const auto& item : node) {
                     if (!item.IsScalar()) return wrong(item, key, "must be a list of texts");
                     to.push_back(item.Scalar());
                   }
                   return {};
                 }};
  }
  auto project(std::string_view key, ProjectId& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   const std::string value = node.IsScalar() ? node.Scalar() : "";
                   std::uint32_t id = 0;
                   const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), id);
                   if (problem != std::errc() || end != value.data() + value.size() || id == 0)
                     return wrong(node, key, "must be a number from 1 on");
                   to = ProjectId{id};
                   return {};
                 }};
  }
  auto zone(std::string_view key, std::string& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   to = node.IsScalar() ? node.Scalar() : "";
                   if (const auto found = TimeZone::find(to); !found)
                     return wrong(node, key, found.error().message());
                   return {};
                 }};
  }
  auto pairs(std::string_view key, std::vector<std::pair<std::string, std::string>>& to) {
    return Field{key, [this, key, &to](const YAML::Node& node) -> Result<> {
                   if (!node.IsMap()) return wrong(node, key, "must be a mapping");
                   for (const auto& entry : node) {
                     if (!entry.second.IsScalar()) return wrong(entry.second, key, "must have single values");
                     to.emplace_back(entry.first.Scalar(), entry.second.Scalar());
                   }
                   return {};
                 }};
  }

  tl::unexpected<Error> wrong(const YAML::Node& at, std::string_view key, std::string_view what) const {
    return fail(ErrorKind::invalid_argument, fmt::format("{}:{}: {}{}{} {}", file_, at.Mark().line + 1, name_,
                                                         key.empty() ? "" : ".", key, what));
  }

 private:
  const std::string name_;
  const std::string& file_;
};

bool is_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  const std::string port = text.substr(colon + 1);
  unsigned value = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), value);
  return problem == std::errc() && end == port.data() + port.size() && value <= 65535;
}

Result<> read_listeners(const YAML::Node& node, const std::string& file, Config& config) {
  InputReader in("syslog.listen", file);
  return in.each(node, [&](const YAML::Node& item) -> Result<> {
    SyslogListener listener;
    std::string protocol;
    TT_TRY(
        in.fields(item, {in.text("protocol", protocol), in.text("address", listener.address),
                         in.project("project", listener.project), in.texts("allow", listener.allow),
                         in.text("client_ca", listener.client_ca), in.zone("time_zone", listener.time_zone),
                         in.boolean("insecure", listener.insecure)}));
    static constexpr std::string_view kProtocols[] = {"udp", "tcp", "tls"};
    const auto* const found = std::find(std::begin(kProtocols), std::end(kProtocols), protocol);
    if (found == std::end(kProtocols)) return in.wrong(item, "protocol", "must be udp, tcp or tls");
    listener.protocol = static_cast<SyslogProtocol>(found - std::begin(kProtocols));
    if (!is_address(listener.address)) return in.wrong(item, "address", "must be address:port");
    if (!listener.client_ca.empty() && listener.protocol != SyslogProtocol::tls)
      return in.wrong(item, "client_ca", "is for tls only");
    config.syslog.listen.push_back(std::move(listener));
    if (config.syslog.listen.size() > limits::kMaxSyslogListeners)
      return in.wrong(item, "", "has too many entries");
    return {};
  });
}

Result<> read_files(const YAML::Node& node, const std::string& file, Config& config) {
  InputReader in("files", file);
  return in.each(node, [&](const YAML::Node& item) -> Result<> {
    FollowedFiles source;
    std::string start = "beginning";
    TT_TRY(in.fields(item, {in.texts("paths", source.paths), in.project("project", source.project),
                            in.pairs("labels", source.labels), in.text("start", start),
                            in.text("multiline", source.multiline), in.zone("time_zone", source.time_zone)}));
    if (source.paths.empty()) return in.wrong(item, "paths", "is missing");
    for (const auto& path : source.paths) {
      if (!path.starts_with('/')) return in.wrong(item, "paths", "must be absolute");
    }
    if (start != "beginning" && start != "end") return in.wrong(item, "start", "must be beginning or end");
    source.from_end = start == "end";
    config.files.push_back(std::move(source));
    if (config.files.size() > limits::kMaxFileSources) return in.wrong(item, "", "has too many entries");
    return {};
  });
}

Result<> read_rules(const YAML::Node& node, const std::string& file, Config& config) {
  InputReader in("retention.rules", file);
  return in.each(node, [&](const YAML::Node& item) -> Result<> {
    RetentionRule rule;
    rule.place = fmt::format("{}:{}:", file, item.Mark().line + 1);
    TT_TRY(in.fields(
        item, {in.text("selector", rule.selector), in.text("table", rule.table),
               in.project("project", rule.project), in.duration("keep", "retention.logs", rule.keep)}));
    if (rule.selector.empty()) return in.wrong(item, "selector", "is missing");
    if (rule.keep == Nanos{0}) return in.wrong(item, "keep", "is missing");
    if (rule.table != "logs" && rule.table != "spans" && rule.table != "errors" && rule.table != "metrics")
      return in.wrong(item, "table", "must be logs, spans, errors or metrics");
    config.retention.rules.push_back(std::move(rule));
    if (config.retention.rules.size() > limits::kMaxRetentionRules)
      return in.wrong(item, "", "has too many entries");
    return {};
  });
}

}  // namespace

bool is_loopback(std::string_view address) {
  return address.starts_with("localhost:") || address.starts_with("[::1]:") || address.starts_with("127.");
}

Result<> read_inputs(std::string_view name, const YAML::Node& node, const std::string& file, Config& config) {
  if (name == "files") return read_files(node, file, config);
  if (name == "retention.rules") return read_rules(node, file, config);
  return read_listeners(node, file, config);
}

Result<> check_inputs(const Config& config) {
  for (const SyslogListener& l : config.syslog.listen) {
    const bool tls = l.protocol == SyslogProtocol::tls;
    if (tls && !config.tls.enabled())
      return fail(ErrorKind::invalid_argument,
                  "syslog.listen of protocol tls needs tls.cert and tls.key, or tls.self_signed");
    if (is_loopback(l.address)) continue;
    if (!tls && !l.insecure && !config.server.insecure_http)
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("syslog.listen {}: plain text is taken on loopback only; use protocol tls, or set "
                      "insecure: true",
                      l.address));
    if (l.allow.empty() && l.client_ca.empty())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("syslog.listen {}: needs allow (who may send) or client_ca", l.address));
  }
  if (!config.otlp.grpc_listen.empty()) {
    if (!is_address(config.otlp.grpc_listen))
      return fail(ErrorKind::invalid_argument, "otlp.grpc_listen must be address:port");
    if (!is_loopback(config.otlp.grpc_listen) && !config.tls.enabled() && !config.server.insecure_http)
      return fail(ErrorKind::invalid_argument,
                  "otlp.grpc_listen: plain text is served on loopback only; set tls.cert and tls.key, "
                  "tls.self_signed, or server.insecure_http");
  }
  return {};
}

std::string_view inputs_docs() {
  return "\n## Syslog listeners\n\n"
         "`syslog.listen` is a list in the YAML file; it needs a restart.\n\n"
         "```yaml\n"
         "syslog:\n"
         "  listen:\n"
         "    - {protocol: udp, address: \"127.0.0.1:5514\"}\n"
         "    - protocol: tls                # udp, tcp or tls (with tls.cert and tls.key)\n"
         "      address: \"0.0.0.0:6514\"\n"
         "      project: 2                   # 1 when not said\n"
         "      allow: [10.0.0.0/8]          # addresses or ranges that may send; others are dropped and "
         "counted\n"
         "      client_ca: /etc/telltale/ca.pem  # tls: certificates that senders need\n"
         "      time_zone: Europe/Berlin     # of times without an offset (RFC 3164); UTC when not said\n"
         "```\n\n"
         "Beyond loopback an entry needs `allow` or `client_ca`, and plain text needs `insecure: true` (or "
         "`server.insecure_http`).\n\n"
         "## Followed files\n\n"
         "`files` is a list in the YAML file; it needs a restart.\n\n"
         "```yaml\n"
         "files:\n"
         "  - paths: [/var/log/shop/*.log]   # absolute, with globs; compressed files are left out\n"
         "    project: 1\n"
         "    labels: {service: shop, environment: production}\n"
         "    start: beginning               # or end: of files that are there at the first start\n"
         "    multiline: continuation        # off; time: events begin with a time; or a pattern of their "
         "first line\n"
         "    time_zone: local               # of times without an offset; UTC when not said\n"
         "```\n\n"
         "## Retention rules\n\n"
         "`retention.rules` and `retention.projects` are lists in the YAML file; a reload takes them over "
         "([operate](operate.md)).\n\n"
         "```yaml\n"
         "retention:\n"
         "  rules:                           # the first that matches a row decides\n"
         "    - selector: '{service=\"nginx\", level=\"debug\"}'   # as in LogQL\n"
         "      keep: 3d\n"
         "    - selector: '{service=\"billing\"}'\n"
         "      keep: 365d\n"
         "      table: logs                  # logs when not said; or spans, errors, metrics\n"
         "      project: 2                   # every project when not said\n"
         "    - selector: '{__name__=~\"debug_.*\"}'   # of metrics as in PromQL\n"
         "      keep: 7d\n"
         "      table: metrics\n"
         "  projects:\n"
         "    - {project: 2, logs: 7d, errors: 180d, metrics: 30d}\n"
         "```\n";
}

}  // namespace telltale::config
