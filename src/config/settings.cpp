#include "config/settings.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace telltale::config {
namespace {

using T = SettingType;
constexpr double kNoLimit = 1e18;
constexpr double kDay = 86400;
constexpr double kYears = 3650 * kDay;

#define TT_MEMBER(path) [](Config& c) -> void* { return &c.path; }

const Setting kSettings[] = {
    {"server.listen", T::text, "127.0.0.1:8355", 0, 0, false, "Address and port of the HTTP server.",
     TT_MEMBER(server.listen)},
    {"server.data_dir", T::text, "./telltale-data", 0, 0, false, "Folder of everything the server keeps.",
     TT_MEMBER(server.data_dir)},
    {"server.external_url", T::text, "", 0, 0, false,
     "URL under which people reach the server, with its path prefix.", TT_MEMBER(server.external_url)},
    {"server.trusted_proxies", T::list, "", 0, 0, false,
     "Addresses or ranges whose X-Forwarded-* headers are believed.", TT_MEMBER(server.trusted_proxies)},
    {"server.worker_threads", T::count, "0", 0, 1024, false,
     "Threads that run handlers; 0: by the number of CPUs.", TT_MEMBER(server.worker_threads)},
    {"server.insecure_http", T::boolean, "false", 0, 0, false,
     "Allow plain HTTP on addresses other than loopback.", TT_MEMBER(server.insecure_http)},
    {"ui.dir", T::text, "", 0, 0, false,
     "Folder whose built web UI is served instead of the one in the binary; for work on the UI.",
     TT_MEMBER(ui.dir)},
    {"session.idle_timeout", T::duration, "7d", 60, 3650 * kDay, false,
     "A browser is signed out after so long without a request.", TT_MEMBER(session.idle_timeout)},
    {"session.lifetime", T::duration, "30d", 60, 3650 * kDay, false,
     "A browser is signed out so long after signing in, however busy.", TT_MEMBER(session.lifetime)},
    {"tls.cert", T::text, "", 0, 0, false, "PEM file of the certificate chain.", TT_MEMBER(tls.cert)},
    {"tls.key", T::text, "", 0, 0, false, "PEM file of the private key.", TT_MEMBER(tls.key)},
    {"tls.self_signed", T::boolean, "false", 0, 0, false, "Make and use a self-signed certificate.",
     TT_MEMBER(tls.self_signed)},
    {"tls.client_ca", T::text, "", 0, 0, false, "PEM file of the authorities that client certificates need.",
     TT_MEMBER(tls.client_ca)},
    {"log.level", T::level, "info", 0, 0, true,
     "Least level of the server's own log: debug, info, warn or error.", TT_MEMBER(log.level)},
    {"ingest.max_past", T::duration, "30d", 60, kYears, true, "Older samples and events are refused.",
     TT_MEMBER(ingest.max_past)},
    {"ingest.max_future", T::duration, "10m", 0, kDay, true, "Samples and events further ahead are refused.",
     TT_MEMBER(ingest.max_future)},
    {"ingest.dedup_window", T::duration, "1h", 0, 7 * kDay, false,
     "How long a client's id marks a retry as a duplicate.", TT_MEMBER(ingest.dedup_window)},
    {"ingest.max_body", T::size, "64MiB", 1024, 1e9, false, "Largest request body, as sent.",
     TT_MEMBER(ingest.max_body)},
    {"redaction.enable", T::list, "", 0, 0, true,
     "Redaction rules or groups beyond the default ones: email, ip.", TT_MEMBER(redaction.enable)},
    {"redaction.disable", T::list, "", 0, 0, true, "Redaction rules or groups to leave out, such as iban.",
     TT_MEMBER(redaction.disable)},
    {"redaction.sensitive_keys", T::list, "", 0, 0, true,
     "More names whose values are masked; contained in the name, any case.",
     TT_MEMBER(redaction.sensitive_keys)},
    {"redaction.safe_keys", T::list, "", 0, 0, true,
     "Names whose values are not masked for the name's sake; the whole name, any case.",
     TT_MEMBER(redaction.safe_keys)},
    {"redaction.method", T::text, "replace", 0, 0, true,
     "What becomes of a secret: replace, mask, remove or hash (docs/redaction.md).",
     TT_MEMBER(redaction.method)},
    {"storage.max_bytes", T::size, "0", 0, kNoLimit, true,
     "Disk budget of all tables; 0: 80 % of the disk. Logs may take 40 % of it, metrics 25 %, spans 20 %, "
     "errors 10 %: "
     "at 90 % of its share a table is warned of, over it the oldest days of events are dropped (metrics: "
     "only the "
     "warning).",
     TT_MEMBER(storage.max_bytes)},
    {"storage.reserve_bytes", T::size, "256MiB", 0, kNoLimit, true,
     "Free space below which writes are refused.", TT_MEMBER(storage.reserve_bytes)},
    {"retention.metrics", T::duration, "90d", 3600, kYears, true, "How long samples are kept.",
     TT_MEMBER(retention.metrics)},
    {"retention.logs", T::duration, "30d", 3600, kYears, true, "How long log records are kept.",
     TT_MEMBER(retention.logs)},
    {"retention.spans", T::duration, "30d", 3600, kYears, true, "How long spans are kept.",
     TT_MEMBER(retention.spans)},
    {"retention.errors", T::duration, "90d", 3600, kYears, true, "How long error events are kept.",
     TT_MEMBER(retention.errors)},
    {"metrics.max_series", T::count, "5000000", 1, 1e9, true,
     "Series of a project that are there at once; new ones beyond are refused.",
     TT_MEMBER(metrics.max_series)},
    {"metrics.max_new_series_per_hour", T::count, "5000000", 1, 1e9, true,
     "New series of a project in an hour of the clock; more are refused until the next.",
     TT_MEMBER(metrics.max_new_series_per_hour)},
    {"journal.segment_bytes", T::size, "64MiB", 1 << 20, 1 << 30, false,
     "Size at which a new journal segment begins.", TT_MEMBER(journal.segment_bytes)},
    {"prometheus.config_file", T::text, "", 0, 0, true, "A prometheus.yml with scrape jobs and rule files.",
     TT_MEMBER(prometheus_config_file)},
    {"host.enabled", T::boolean, "true", 0, 0, true,
     "Measure the server's own host (job node, node_exporter's names) and its containers (job cadvisor, "
     "cAdvisor's "
     "names). A scrape job of the same name takes its place.",
     TT_MEMBER(host.enabled)},
    {"host.interval", T::duration, "15s", 1, 3600, true, "How often the host is measured.",
     TT_MEMBER(host.interval)},
    {"log_metrics.max_late", T::duration, "1h", 0, 30 * kDay, true,
     "Rows that are older than this when they arrive do not count in log metrics.",
     TT_MEMBER(log_metrics.max_late)},
    {"rules.files", T::list, "", 0, 0, true, "Rule files, as globs.", TT_MEMBER(rules.files)},
    {"rules.evaluation_interval", T::duration, "15s", 1, kDay, true,
     "How often a group without an interval of its own is evaluated.", TT_MEMBER(rules.evaluation_interval)},
    {"alerting.group_wait", T::duration, "30s", 0, kDay, true,
     "How long a new group of alerts waits for company before it is sent.", TT_MEMBER(alerting.group_wait)},
    {"alerting.group_interval", T::duration, "5m", 0.1, kDay, true,
     "How long a group waits before it tells of changes.", TT_MEMBER(alerting.group_interval)},
    {"alerting.repeat_interval", T::duration, "4h", 1, 365 * kDay, true,
     "How often a group that still fires is sent again.", TT_MEMBER(alerting.repeat_interval)},
    {"query.timeout", T::duration, "30s", 0.001, 3600, false, "Longest time of one query.",
     TT_MEMBER(query.timeout)},
    {"query.max_memory", T::size, "256MiB", 1 << 20, kNoLimit, false, "Most memory of one query.",
     TT_MEMBER(query.max_memory)},
    {"promql.features", T::list, "", 0, 0, false,
     "What Prometheus keeps behind flags and is to be on here: promql-experimental-functions, "
     "promql-extended-range-selectors, promql-binop-fill-modifiers, promql-delayed-name-removal, "
     "type-and-unit-labels, use-start-timestamps.",
     TT_MEMBER(promql.features)},
    {"net.outbound_allow", T::list, "", 0, 0, true, "Private hosts or ranges that notifications may reach.",
     TT_MEMBER(net.outbound_allow)},
    {"otlp.grpc_listen", T::text, "", 0, 0, false,
     "Address and port of OTLP over gRPC, usually 127.0.0.1:4317; empty: off.", TT_MEMBER(otlp.grpc_listen)},
    {"metrics.otlp.translation_strategy", T::text, "UnderscoreEscapingWithSuffixes", 0, 0, false,
     "How OTLP metrics are named: UnderscoreEscapingWithSuffixes, NoUTF8EscapingWithSuffixes, "
     "UnderscoreEscapingWithoutSuffixes or NoTranslation.",
     TT_MEMBER(otlp_metrics.translation_strategy)},
    {"metrics.otlp.promote_resource_attributes", T::list, "", 0, 0, false,
     "Resource attributes that become labels of every OTLP series; *: all. The others are in target_info.",
     TT_MEMBER(otlp_metrics.promote_resource_attributes)},
    {"smtp.url", T::text, "", 0, 0, true,
     "Mail server of receivers of type email: smtp://user:password@host:587 (TLS by STARTTLS; ?tls=none "
     "without), or smtps://.",
     TT_MEMBER(smtp.url)},
    {"smtp.from", T::text, "", 0, 0, true,
     "Sender's address of mails, for example Telltale <alerts@example.com>.", TT_MEMBER(smtp.from)},
};

Result<> check_bounds(const Setting& s, double value) {
  if (value >= s.min && value <= s.max) return {};
  const char* unit = s.type == T::duration ? " s" : s.type == T::size ? " bytes" : "";
  return fail(ErrorKind::invalid_argument,
              fmt::format("must be between {}{} and {}{}", s.min, unit, s.max, unit));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  static constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"", 1},
                                                                          {"B", 1},
                                                                          {"KiB", 1ULL << 10},
                                                                          {"MiB", 1ULL << 20},
                                                                          {"GiB", 1ULL << 30},
                                                                          {"TiB", 1ULL << 40},
                                                                          {"kB", 1000},
                                                                          {"KB", 1000},
                                                                          {"MB", 1'000'000},
                                                                          {"GB", 1'000'000'000},
                                                                          {"TB", 1'000'000'000'000}};
  for (const auto& [name, factor] : kUnits) {
    if (code == std::errc() && unit == name && number <= UINT64_MAX / factor) return number * factor;
  }
  return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a size such as 512MiB or 10GB", text));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

Result<> assign_number(const Setting& s, void* member, const std::string& text) {
  if (s.type == T::duration) {
    TT_ASSIGN(const Nanos d, parse_duration(text));
    TT_TRY(check_bounds(s, static_cast<double>(d.count()) * 1e-9));
    *static_cast<Nanos*>(member) = d;
    return {};
  }
  TT_ASSIGN(const std::uint64_t n, parse_size(text));
  TT_TRY(check_bounds(s, static_cast<double>(n)));
  if (s.type == T::count) *static_cast<std::uint32_t*>(member) = static_cast<std::uint32_t>(n);
  if (s.type == T::size) *static_cast<std::uint64_t*>(member) = n;
  return {};
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  for (const Setting& s : kSettings) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

std::string_view type_name(SettingType type) {
  static constexpr std::string_view kNames[] = {"text",     "boolean", "number", "size",
                                                "duration", "level",   "list"};
  return kNames[static_cast<std::size_t>(type)];
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto from = part.find_first_not_of(' ');
    if (from != std::string_view::npos)
      out.emplace_back(part.substr(from, part.find_last_not_of(' ') - from + 1));
  }
  return out;
}

Result<> assign(const Setting& s, Config& config, const std::vector<std::string>& values) {
  void* member = s.member(config);
  if (s.type == T::list) {
    *static_cast<std::vector<std::string>*>(member) = values;
    return {};
  }
  const std::string text = values.empty() ? std::string() : values.front();
  switch (s.type) {
    case T::text:
      *static_cast<std::string*>(member) = text;
      return {};
    case T::boolean:
      if (text != "true" && text != "false")
        return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is neither true nor false", text));
      *static_cast<bool*>(member) = text == "true";
      return {};
    case T::level: {
      static constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
      const auto* const found = std::find(std::begin(kLevels), std::end(kLevels), text);
      if (found == std::end(kLevels))
        return fail(ErrorKind::invalid_argument,
                    fmt::format("\"{}\" is none of debug, info, warn, error", text));
      *static_cast<LogLevel*>(member) = static_cast<LogLevel>(found - std::begin(kLevels));
      return {};
    }
    default:
      return assign_number(s, member, text);
  }
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string_view name : known) {
    if (const std::size_t distance = edit_distance(wrong, name); distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string() : fmt::format(", did you mean \"{}\"?", best);
}

std::string variable_name(std::string_view setting) {
  std::string out = "TELLTALE_";
  for (const char c : setting) out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

#undef TT_MEMBER

}  // namespace telltale::config
