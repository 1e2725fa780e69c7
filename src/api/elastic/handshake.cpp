#include "api/elastic/handshake.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"

namespace telltale::api::elastic {
namespace {

constexpr std::string_view kClusterName = "telltale";
constexpr std::string_view kClusterUuid = "telltale-telltale-0000";
constexpr std::string_view kDefaultVersion = "8.19.0";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `8.17.1` behind `mark` in `text`.
std::optional<std::string> version_after(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  text.remove_prefix(slash + 1);
  std::size_t end = 0;
  int dots = 0;
  while (end < text.size() && end < 16 && (is_digit(text[end]) || (text[end] == '.' && end > 0))) {
    if (text[end] == '.') ++dots;
    ++end;
  }
  if (dots != 2 || !is_digit(text[end - 1])) return std::nullopt;
  return std::string(text.substr(0, end));
}

std::string_view compatible_with(const net::HttpRequest& request) {
  constexpr std::string_view kMark = "compatible-with=";
  for (const std::string_view name : {"accept", "content-type"}) {
    const std::string_view value = request.header(name);
    const std::size_t at = value.find(kMark);
    if (at != std::string_view::npos && at + kMark.size() < value.size())
      return value.substr(at + kMark.size(), 1);
  }
  return {};
}

}  // namespace

bool is_elastic_client(const net::HttpRequest& request) {
  if (request.header("accept").find("text/html") != std::string_view::npos) return false;
  if (!request.header("x-elastic-client-meta").empty() || !request.header("x-elastic-product-origin").empty())
    return true;
  if (!compatible_with(request).empty()) return true;
  const std::string agent = to_lower(request.header("user-agent"));
  for (const std::string_view name : {"elastic", "logstash", "beat/", "vector/", "fluent-bit", "opensearch"})
    if (agent.find(name) != std::string::npos) return true;
  return false;
}

std::string version_for(const net::HttpRequest& request) {
  const std::string agent = to_lower(request.header("user-agent"));
  for (const std::string_view mark : {"elastic-", "logstash"})
    if (auto version = agent.starts_with("elastic-transport") ? std::nullopt : version_after(agent, mark))
      return *std::move(version);
  const std::string_view major = compatible_with(request);
  if (major == "9") return "9.1.0";
  if (major == "7") return "7.17.29";
  return std::string(kDefaultVersion);
}

std::string banner(std::string_view version) {
  JsonWriter w;
  w.begin_object().field("name", kClusterName).field("cluster_name", kClusterName);
  w.field("cluster_uuid", kClusterUuid).key("version").begin_object();
  w.field("number", version).field("build_flavor", "default").field("build_type", "tar");
  w.field("build_hash", "0000000000000000000000000000000000000000")
      .field("build_date", "2025-01-01T00:00:00.000Z");
  w.field("build_snapshot", false).field("lucene_version", "9.12.0");
  w.field("minimum_wire_compatibility_version", "7.17.0")
      .field("minimum_index_compatibility_version", "7.0.0");
  w.end_object().field("tagline", "You Know, for Search").end_object();
  return w.take();
}

std::string license() {
  return R"({"license":{"status":"active","uid":"00000000-0000-0000-0000-000000000000","type":"basic",)"
         R"("issue_date":"2025-01-01T00:00:00.000Z","issue_date_in_millis":1735689600000,"max_nodes":1000,)"
         R"("issued_to":"telltale","issuer":"elasticsearch","start_date_in_millis":-1}})";
}

std::string xpack() {
  return R"({"license":{"uid":"00000000-0000-0000-0000-000000000000","type":"basic","mode":"basic","status":"active"},)"
         R"("features":{"ilm":{"available":true,"enabled":true},"data_streams":{"available":true,"enabled":true},)"
         R"("security":{"available":true,"enabled":true}},"tagline":"You know, for X"})";
}

std::string cluster_health() {
  return R"({"cluster_name":"telltale","status":"green","timed_out":false,"number_of_nodes":1,)"
         R"("number_of_data_nodes":1,"active_primary_shards":1,"active_shards":1,"relocating_shards":0,)"
         R"("initializing_shards":0,"unassigned_shards":0,"delayed_unassigned_shards":0,"number_of_pending_tasks":0,)"
         R"("number_of_in_flight_fetch":0,"task_max_waiting_in_queue_millis":0,"active_shards_percent_as_number":100.0})";
}

net::HttpResponse cat_health(const net::HttpRequest& request, std::string_view time_text) {
  const bool json = request.param("format").value_or("") == "json" ||
                    request.header("accept").find("json") != std::string_view::npos;
  if (json)
    return net::HttpResponse::json(fmt::format(
        R"([{{"timestamp":"{}","cluster":"telltale","status":"green","node.total":"1"}}])", time_text));
  if (request.param("h").value_or("") == "status") return net::HttpResponse::text("green\n");
  return net::HttpResponse::text(fmt::format("{} telltale green 1 1 1 1 0 0 0 0 - 100.0%\n", time_text));
}

std::string nodes(const net::HttpRequest& request, std::string_view version) {
  const std::string host(request.header("host"));
  JsonWriter w;
  w.begin_object().key("_nodes").begin_object();
  w.field("total", 1).field("successful", 1).field("failed", 0).end_object();
  w.field("cluster_name", kClusterName).key("nodes").begin_object().key("telltale").begin_object();
  w.field("name", kClusterName).field("host", host.substr(0, host.rfind(':'))).field("version", version);
  w.key("roles").begin_array().string("data").string("ingest").string("master").end_array();
  w.key("http").begin_object().key("bound_address").begin_array().string(host).end_array();
  w.field("publish_address", host).end_object().end_object().end_object().end_object();
  return w.take();
}

}  // namespace telltale::api::elastic
