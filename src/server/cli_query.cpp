// Queries of a running server, shown as tables.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/services.hpp"
#include "logql/parser.hpp"
#include "net/http.hpp"
#include "server/cli.hpp"

namespace telltale::server {
namespace {

using simdjson::dom::element;

constexpr std::int64_t kDefaultPoints = 20;  // of a range query without --step
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;

// RFC 3339, Unix seconds, `now`, or `-15m`: so long ago.
Result<UnixNanos> cli_time(std::string_view option, const std::string& text, UnixNanos now) {
  if (text == "now") return now;
  if (!text.starts_with('-')) return api::parse_time_param(option, text);
  const auto ago = parse_duration(text.substr(1));
  if (!ago) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", option, ago.error().message()));
  return now - *ago;
}

Result<std::optional<UnixNanos>> take_time(std::vector<std::string>& args, std::string_view option,
                                           UnixNanos now) {
  TT_ASSIGN(const auto text, take_option(args, option));
  if (!text) return std::optional<UnixNanos>();
  TT_ASSIGN(const auto time, cli_time(option, *text, now));
  return std::optional<UnixNanos>(time);
}

std::string_view member_text(element document, std::string_view name) {
  std::string_view text;
  return document[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::string server_message(element document, const std::string& body) {
  std::string_view text;
  if (document["error"]["message"].get(text) == simdjson::SUCCESS) return std::string(text);
  if (document["error"].get(text) == simdjson::SUCCESS) return std::string(text);
  return body.substr(0, 500);
}

class QuerySession {
 public:
  QuerySession(QueryTarget target, transport::HttpClient& client)
      : target_(std::move(target)), client_(client) {}

  /// The document stays valid until the next call.
  Result<element> get(const std::string& path, const net::HttpRequest::Params& params) {
    transport::OutboundRequest request;
    request.url = target_.url + path;
    char separator = '?';
    for (const auto& [name, value] : params) {
      request.url += separator + net::percent_encode(name) + "=" + net::percent_encode(value);
      separator = '&';
    }
    if (!target_.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + target_.token);
    request.timeout = std::chrono::seconds(130);  // the server's own deadline comes first
    request.max_response_bytes = kMaxAnswerBytes;
    request.user_given = false;
    TT_ASSIGN(auto response, client_.send(request));
    element document;
    const bool json = parser_.parse(response.body).get(document) == simdjson::SUCCESS;
    if (response.status != 200) {
      const bool no_token = response.status == 401 && target_.token.empty();
      return fail(no_token ? ErrorKind::unauthenticated : ErrorKind::execution,
                  fmt::format("{} answered {}: {}", target_.url, response.status,
                              no_token ? "set TELLTALE_TOKEN to an API token"
                                       : (json ? server_message(document, response.body)
                                               : response.body.substr(0, 500))));
    }
    if (!json) return fail(ErrorKind::execution, target_.url + ": the answer is not JSON");
    return document;
  }

 private:
  const QueryTarget target_;
  transport::HttpClient& client_;
  simdjson::dom::parser parser_;
};

std::string series_name(element series) {
  std::string name;
  std::string labels;
  simdjson::dom::object object;
  if (series["metric"].get(object) != simdjson::SUCCESS) return "{}";
  for (const auto field : object) {
    std::string_view value;
    if (field.value.get(value) != simdjson::SUCCESS) continue;
    if (field.key == "__name__") {
      name = value;
    } else {
      labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ", ", field.key, value);
    }
  }
  return labels.empty() && !name.empty() ? name : fmt::format("{}{{{}}}", name, labels);
}

// `[1700000000.5, "1"]`, or with a histogram in the second place.
std::vector<std::string> point_cells(element point) {
  double seconds = 0;
  if (point.at(0).get(seconds) != simdjson::SUCCESS) return {"", ""};
  const std::string time =
      format_rfc3339(UnixNanos{static_cast<std::int64_t>(std::llround(seconds * 1e3)) * 1'000'000});
  element value;
  std::string_view text;
  if (point.at(1).get(value) != simdjson::SUCCESS) return {time, ""};
  if (value.get(text) == simdjson::SUCCESS) return {time, std::string(text)};
  return {time, fmt::format("count {} sum {}", member_text(value, "count"), member_text(value, "sum"))};
}

// The one point of a series of an instant query.
std::vector<std::string> series_point(element series) {
  element point;
  if (series["value"].get(point) != simdjson::SUCCESS &&
      series["histogram"].get(point) != simdjson::SUCCESS) {
    return {"", ""};
  }
  return point_cells(point);
}

std::string render_vector(simdjson::dom::array result) {
  std::vector<std::vector<std::string>> rows;
  for (const element series : result) {
    const auto point = series_point(series);
    rows.push_back({series_name(series), point[1], point[0]});
  }
  return rows.empty() ? "no series\n" : render_table({"SERIES", "VALUE", "TIME"}, rows);
}

std::string render_matrix(simdjson::dom::array result) {
  std::vector<std::vector<std::string>> rows;
  for (const element series : result) {
    std::string name = series_name(series);
    simdjson::dom::array points;
    for (const char* kind : {"values", "histograms"}) {
      if (series[kind].get(points) != simdjson::SUCCESS) continue;
      for (const element point : points) {
        auto cells = point_cells(point);
        rows.push_back({name, cells[0], cells[1]});
        name.clear();  // once a series
      }
    }
  }
  return rows.empty() ? "no series\n" : render_table({"SERIES", "TIME", "VALUE"}, rows);
}

Result<std::string> render_promql(element document) {
  element result;
  if (document["data"]["result"].get(result) != simdjson::SUCCESS) {
    return fail(ErrorKind::execution, "the answer has no data.result");
  }
  const auto type = member_text(element(document["data"].value()), "resultType");
  simdjson::dom::array list;
  if (result.get(list) != simdjson::SUCCESS) {
    return fail(ErrorKind::execution, "the answer's data.result is not a list");
  }
  std::string text;
  if (type == "matrix") {
    text = render_matrix(list);
  } else if (type == "vector") {
    text = render_vector(list);
  } else {  // scalar, string: one point
    auto cells = point_cells(result);
    std::swap(cells[0], cells[1]);
    text = render_table({"VALUE", "TIME"}, {cells});
  }
  simdjson::dom::array warnings;
  if (document["warnings"].get(warnings) == simdjson::SUCCESS) {
    for (const element warning : warnings) {
      std::string_view line;
      if (warning.get(line) == simdjson::SUCCESS) text += fmt::format("warning: {}\n", line);
    }
  }
  return text;
}

// What is left after the options must be the query's text alone.
Result<std::string> only_text(const std::vector<std::string>& args, std::string_view what) {
  for (const auto& arg : args) {
    if (arg.starts_with("--")) return fail(ErrorKind::invalid_argument, arg + ": unknown option");
  }
  if (args.size() != 1) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: wanted once, in quotes if it has spaces", what));
  }
  return args[0];
}

std::string seconds_text(UnixNanos time) {
  return fmt::format("{:.3f}", static_cast<double>(time.to_millis().ms) / 1e3);
}

Result<std::string> query_promql(std::vector<std::string> args, QuerySession& session, UnixNanos now) {
  TT_ASSIGN(const auto start, take_time(args, "--start", now));
  TT_ASSIGN(const auto end, take_time(args, "--end", now));
  TT_ASSIGN(const auto step_text, take_option(args, "--step"));
  TT_ASSIGN(const auto time, take_time(args, "--time", now));
  TT_ASSIGN(const auto expression, only_text(args, "EXPR"));
  if (!start) {
    if (end || step_text) return fail(ErrorKind::invalid_argument, "--start: missing, with --end or --step");
    TT_ASSIGN(
        const auto document,
        session.get("/api/v1/query", {{"query", expression}, {"time", seconds_text(time.value_or(now))}}));
    return render_promql(document);
  }
  if (time) return fail(ErrorKind::invalid_argument, "--time: is for a query without --start");
  const UnixNanos until = end.value_or(now);
  if (until < *start) return fail(ErrorKind::invalid_argument, "--end: before --start");
  Nanos step = std::max<Nanos>(std::chrono::seconds(1),
                               std::chrono::ceil<std::chrono::seconds>((until - *start) / kDefaultPoints));
  if (step_text) {
    auto parsed = parse_duration(*step_text);
    if (!parsed) return fail(ErrorKind::invalid_argument, "--step: " + parsed.error().message());
    step = *parsed;
  }
  TT_ASSIGN(const auto document,
            session.get("/api/v1/query_range",
                        {{"query", expression},
                         {"start", seconds_text(*start)},
                         {"end", seconds_text(until)},
                         {"step", fmt::format("{:.3f}", std::chrono::duration<double>(step).count())}}));
  return render_promql(document);
}

struct StreamLine {
  std::int64_t ns = 0;
  std::string labels;
  std::string line;
};

Result<std::string> render_streams(simdjson::dom::array streams) {
  std::vector<StreamLine> lines;
  for (const element stream : streams) {
    std::string labels;
    simdjson::dom::object object;
    if (stream["stream"].get(object) == simdjson::SUCCESS) {
      for (const auto field : object) {
        std::string_view value;
        if (field.value.get(value) != simdjson::SUCCESS) continue;
        labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ", ", field.key, value);
      }
    }
    simdjson::dom::array values;
    if (stream["values"].get(values) != simdjson::SUCCESS) continue;
    for (const element entry : values) {
      std::string_view time;
      std::string_view line;
      std::int64_t ns = 0;
      if (entry.at(0).get(time) != simdjson::SUCCESS || entry.at(1).get(line) != simdjson::SUCCESS) continue;
      std::from_chars(time.data(), time.data() + time.size(), ns);
      lines.push_back({ns, "{" + labels + "}", std::string(line)});
    }
  }
  if (lines.empty()) return std::string("no lines\n");
  std::stable_sort(lines.begin(), lines.end(),
                   [](const StreamLine& a, const StreamLine& b) { return a.ns < b.ns; });
  std::vector<std::vector<std::string>> rows;
  for (auto& l : lines)
    rows.push_back({format_rfc3339(UnixNanos{l.ns}), std::move(l.labels), std::move(l.line)});
  return render_table({"TIME", "STREAM", "LINE"}, rows);
}

Result<std::string> render_logql(element document) {
  simdjson::dom::array list;
  if (member_text(element(document["data"].value()), "resultType") == "streams" &&
      document["data"]["result"].get(list) == simdjson::SUCCESS) {
    return render_streams(list);
  }
  return render_promql(document);
}

// A log query is always over a range; a metric query is one where --start is given.
Result<std::string> query_logql(std::vector<std::string> args, QuerySession& session, UnixNanos now) {
  TT_ASSIGN(const auto start, take_time(args, "--start", now));
  TT_ASSIGN(const auto end, take_time(args, "--end", now));
  TT_ASSIGN(const auto step, take_option(args, "--step"));
  TT_ASSIGN(const auto limit, take_option(args, "--limit"));
  TT_ASSIGN(const auto expression, only_text(args, "EXPR"));
  TT_ASSIGN(const auto parsed, logql::parse(expression));
  const UnixNanos until = end.value_or(now);
  net::HttpRequest::Params params{{"query", expression}};
  if (!parsed.is_log() && !start) {
    if (step) return fail(ErrorKind::invalid_argument, "--start: missing, with --step");
    params.emplace_back("time", std::to_string(until.ns));
    TT_ASSIGN(const auto document, session.get("/loki/api/v1/query", params));
    return render_logql(document);
  }
  const UnixNanos from = start.value_or(until - std::chrono::hours(1));
  if (until < from) return fail(ErrorKind::invalid_argument, "--end: before --start");
  params.emplace_back("start", std::to_string(from.ns));
  params.emplace_back("end", std::to_string(until.ns));
  if (limit) params.emplace_back("limit", *limit);
  const auto points = std::chrono::ceil<std::chrono::seconds>((until - from) / kDefaultPoints).count();
  params.emplace_back("step", step.value_or(std::to_string(std::max<std::int64_t>(1, points))));
  TT_ASSIGN(const auto document, session.get("/loki/api/v1/query_range", params));
  return render_logql(document);
}

Result<std::string> render_rows(element document) {
  simdjson::dom::array list;
  if (document["rows"].get(list) != simdjson::SUCCESS) {
    return fail(ErrorKind::execution, "the answer has no rows");
  }
  std::vector<std::vector<std::string>> rows;
  for (const element row : list) {
    auto& line = rows.emplace_back();
    for (const char* name : {"time", "level", "service", "message"})
      line.emplace_back(member_text(row, name));
  }
  if (rows.empty()) return std::string("no rows\n");
  std::reverse(rows.begin(), rows.end());  // the newest last, as in a log file
  return render_table({"TIME", "LEVEL", "SERVICE", "MESSAGE"}, rows);
}

Result<std::string> query_logs(std::vector<std::string> args, QuerySession& session, UnixNanos now) {
  net::HttpRequest::Params params;
  TT_ASSIGN(const auto start, take_time(args, "--start", now));
  TT_ASSIGN(const auto end, take_time(args, "--end", now));
  if (start) params.emplace_back("start", format_rfc3339(*start));
  if (end) params.emplace_back("end", format_rfc3339(*end));
  TT_ASSIGN(const auto limit, take_option(args, "--limit"));
  if (limit) params.emplace_back("limit", *limit);
  TT_ASSIGN(const auto project, take_option(args, "--project"));
  if (project) params.emplace_back("project", *project);
  TT_ASSIGN(const auto named, take_option(args, "--table"));
  const std::string table = named.value_or("logs");
  if (!table_from(table)) return fail(ErrorKind::invalid_argument, "--table: logs, spans or errors");
  while (true) {
    TT_ASSIGN(const auto field, take_option(args, "--field"));
    if (!field) break;
    const auto equals = field->find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorKind::invalid_argument, "--field: NAME=VALUE");
    }
    params.emplace_back(field->substr(0, equals), field->substr(equals + 1));
  }
  while (true) {
    TT_ASSIGN(auto condition, take_option(args, "--where"));
    if (!condition) break;
    params.emplace_back("where", *std::move(condition));
  }
  TT_ASSIGN(const auto text, only_text(args, "TEXT"));
  params.emplace_back("query", text);
  TT_ASSIGN(const auto document, session.get("/api/telltale/v1/" + table, params));
  return render_rows(document);
}

}  // namespace

std::string query_usage() {
  return "usage: telltale query promql EXPR [--time T | --start T --end T --step 1m] [--url URL]\n"
         "       telltale query logql EXPR [--start T] [--end T] [--step 1m] [--limit N] [--url URL]\n"
         "       telltale query logs TEXT [--field NAME=VALUE]… [--where CONDITION]… [--start T] [--end T]\n"
         "                      [--limit N] [--project ID] [--table logs|spans|errors] [--url URL]\n"
         "T is RFC 3339, Unix seconds, now, or -15m. The API token comes from TELLTALE_TOKEN.\n";
}

Result<std::string> run_query(std::vector<std::string> args, const QueryTarget& target,
                              transport::HttpClient& client, const Clock& clock) {
  QueryTarget asked = target;
  TT_ASSIGN(const auto url, take_option(args, "--url"));
  if (url) asked.url = *url;
  while (asked.url.ends_with('/')) asked.url.pop_back();
  if (args.empty()) return fail(ErrorKind::invalid_argument, "query: promql, logql or logs");
  const std::string language = args.front();
  args.erase(args.begin());
  QuerySession session(asked, client);
  if (language == "promql") return query_promql(std::move(args), session, clock.now());
  if (language == "logql") return query_logql(std::move(args), session, clock.now());
  if (language == "logs") return query_logs(std::move(args), session, clock.now());
  return fail(ErrorKind::invalid_argument, "query " + language + ": promql, logql or logs");
}

}  // namespace telltale::server
