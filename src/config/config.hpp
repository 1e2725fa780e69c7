// What an operator may set, as plain structs: modules get their part and know nothing of files or flags. Each
// setting is declared once, in settings.cpp, with its name, type, default, bounds, unit and documentation;
// the defaults written there are the ones a Config starts from.
//
// Sources, weakest first: defaults < YAML file < environment (TELLTALE_SERVER_LISTEN) < flags
// (--server.listen).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace telltale::config {

struct ServerConfig {
  std::string listen;  // "address:port", IPv6 in brackets
  std::string data_dir;
  std::string external_url;                  // empty: made from the request
  std::vector<std::string> trusted_proxies;  // addresses or CIDR ranges
  std::uint32_t worker_threads = 0;          // 0: by the number of CPUs
  bool insecure_http = false;
};

struct UiConfig {
  std::string dir;  // empty: the UI that is a part of the binary
};

struct SessionConfig {
  Nanos idle_timeout{};
  Nanos lifetime{};
};

struct TlsConfig {
  std::string cert;  // PEM files
  std::string key;
  bool self_signed = false;
  std::string client_ca;
  bool enabled() const { return self_signed || !cert.empty(); }
};

struct LogConfig {
  LogLevel level = LogLevel::info;
};

struct IngestConfig {
  Nanos max_past{};
  Nanos max_future{};
  Nanos dedup_window{};
  std::uint64_t max_body = 0;  // bytes as sent
};

/// What holds for every project; a project's own policy comes on top.
struct RedactionConfig {
  std::vector<std::string> enable;  // rules or groups
  std::vector<std::string> disable;
  std::vector<std::string> sensitive_keys;
  std::vector<std::string> safe_keys;
  std::string method;  // replace, mask, remove or hash
};

struct StorageConfig {
  std::uint64_t max_bytes = 0;  // 0: by the size of the disk
  std::uint64_t reserve_bytes = 0;
};

/// What a project keeps for a time of its own.
struct ProjectRetention {
  ProjectId project;
  std::optional<Nanos> metrics;
  std::optional<Nanos> logs;
  std::optional<Nanos> spans;
  std::optional<Nanos> errors;
};

/// Rows or series that are kept for a time of their own; the first rule that matches decides.
struct RetentionRule {
  std::string selector;  // LogQL's, of metrics PromQL's; not looked at here
  Nanos keep{};
  std::string table = "logs";
  ProjectId project{0};  // 0: every one
  std::string place;     // telltale.yml:7:
};

struct RetentionConfig {
  Nanos metrics{};
  Nanos logs{};
  Nanos spans{};
  Nanos errors{};
  std::vector<ProjectRetention> projects;
  std::vector<RetentionRule> rules;
};

/// Of each project.
struct MetricsConfig {
  std::uint32_t max_series = 0;
  std::uint32_t max_new_series_per_hour = 0;
};

struct JournalConfig {
  std::uint64_t segment_bytes = 0;
};

struct LogMetricsConfig {
  Nanos max_late{};
};

struct HostConfig {
  bool enabled = true;
  Nanos interval{};
};

struct RulesConfig {
  std::vector<std::string> files;  // globs
  Nanos evaluation_interval{};
};

struct AlertingConfig {
  Nanos group_wait{};
  Nanos group_interval{};
  Nanos repeat_interval{};
};

struct QueryConfig {
  Nanos timeout{};
  std::uint64_t max_memory = 0;  // bytes a query
};

struct PromqlConfig {
  std::vector<std::string> features;  // by Prometheus' flags (promql/features.hpp knows them)
};

struct NetConfig {
  std::vector<std::string> outbound_allow;  // hosts, addresses or CIDR ranges reachable although private
};

struct SmtpConfig {
  std::string url;  // smtp://user:password@host:587
  std::string from;
};

enum class ReceiverType : unsigned char { webhook, slack, email };

struct ReceiverConfig {
  std::string name;
  ReceiverType type = ReceiverType::webhook;
  std::string url;              // of webhook and slack
  std::vector<std::string> to;  // of email
  bool send_resolved = true;
};

struct BootstrapAdmin {
  std::string email;
  std::string password;       // from TELLTALE_BOOTSTRAP_PASSWORD
  std::string password_file;  // else read by the caller
  bool operator==(const BootstrapAdmin&) const = default;
};

struct BootstrapToken {
  std::string name;
  std::string role;  // viewer, ingest, member or admin
  ProjectId project{1};
  std::string secret;  // already read from token_env
  std::string secret_file;
  bool operator==(const BootstrapToken&) const = default;
};

struct BootstrapProject {
  ProjectId id{1};
  std::string slug;
  std::string dsn_key;  // 32 hex digits, or empty: made by the server
  bool operator==(const BootstrapProject&) const = default;
};

/// What a first start makes; see contract.md. Variables TELLTALE_BOOTSTRAP_* are merged in.
struct BootstrapConfig {
  std::optional<BootstrapAdmin> admin;
  std::vector<BootstrapToken> tokens;
  std::vector<BootstrapProject> projects;
  bool operator==(const BootstrapConfig&) const = default;
};

enum class SyslogProtocol : unsigned char { udp, tcp, tls };

struct SyslogListener {
  SyslogProtocol protocol = SyslogProtocol::udp;
  std::string address;
  ProjectId project{1};
  std::vector<std::string> allow;  // addresses or CIDR ranges; empty: all
  std::string client_ca;
  std::string time_zone = "UTC";
  bool insecure = false;  // plain text beyond loopback
  bool operator==(const SyslogListener&) const = default;
};

struct SyslogConfig {
  std::vector<SyslogListener> listen;
};

struct FollowedFiles {
  std::vector<std::string> paths;  // globs
  ProjectId project{1};
  std::vector<std::pair<std::string, std::string>> labels;
  bool from_end = false;
  std::string multiline = "off";  // off, continuation, time, or a pattern
  std::string time_zone = "UTC";
  bool operator==(const FollowedFiles&) const = default;
};

struct OtlpMetricsConfig {
  std::string translation_strategy = "UnderscoreEscapingWithSuffixes";
  std::vector<std::string> promote_resource_attributes;
};

struct OtlpConfig {
  std::string grpc_listen;  // empty: off
};

/// `127.0.0.1:1`, `[::1]:1`, `localhost:1`.
bool is_loopback(std::string_view address);

struct Config {
  ServerConfig server;
  UiConfig ui;
  SessionConfig session;
  TlsConfig tls;
  LogConfig log;
  IngestConfig ingest;
  RedactionConfig redaction;
  StorageConfig storage;
  RetentionConfig retention;
  MetricsConfig metrics;
  JournalConfig journal;
  std::string prometheus_config_file;
  HostConfig host;
  LogMetricsConfig log_metrics;
  RulesConfig rules;
  AlertingConfig alerting;
  QueryConfig query;
  PromqlConfig promql;
  NetConfig net;
  SyslogConfig syslog;
  std::vector<FollowedFiles> files;
  OtlpConfig otlp;
  OtlpMetricsConfig otlp_metrics;
  SmtpConfig smtp;
  std::vector<ReceiverConfig> receivers;
  BootstrapConfig bootstrap;
};

/// The caller reads the file, the environment and the command line.
struct Sources {
  std::string yaml;                        // text of the file; empty: none
  std::string yaml_name = "telltale.yml";  // for messages
  std::map<std::string, std::string> environment;
  std::vector<std::pair<std::string, std::string>>
      flags;  // setting's name → value, as parse_flags gives them
};

/// The flags of `telltale serve`.
struct Flags {
  std::string config_file;  // --config
  bool help = false;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// `--server.listen X`, `--server.listen=X` and the short flags --listen, --data-dir, --prometheus-config,
/// --ui-dir, --config; a boolean needs no value. Lists are separated by commas.
Result<Flags> parse_flags(const std::vector<std::string>& args);

/// All defaults.
Config defaults();

/// invalid_argument names the setting and where the value stands (`telltale.yml:12`, the variable or the
/// flag); an unknown key is an error that suggests the nearest known one.
Result<Config> load(const Sources& sources);

/// Names of the settings that differ and need a restart (`bootstrap` among them); empty when `next` can be
/// taken over while running.
std::vector<std::string> needs_restart(const Config& running, const Config& next);

/// For `telltale serve --help`.
std::string help_text();
/// docs/settings.md, generated from the table.
std::string render_docs();

}  // namespace telltale::config
