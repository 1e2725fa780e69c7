// Views over log lines of their own: patterns, the lines around a line, and all of a search as a file.
#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/log_context.hpp"
#include "api/own/params.hpp"
#include "api/own/row_search.hpp"
#include "base/limits.hpp"
#include "logql/lexer.hpp"
#include "logs/pattern_miner.hpp"
#include "logs/pattern_query.hpp"
#include "search/histogram.hpp"
#include "storage/event_filter.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kDefaultPatternBuckets = 60;
constexpr std::size_t kDefaultPatterns = 100;
constexpr std::size_t kDefaultContextLines = 10;

// ---- Patterns

Result<logs::PatternReport> log_patterns(const Services& services, const net::HttpRequest& request,
                                         WorkContext& context) {
  logs::PatternQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, window_params(services, request));
  TT_ASSIGN(auto search, RowSearch::of(request, {"buckets"}));
  query.filter = search.filter();
  if (search.has_pipeline()) query.keep = [&search](EventRow& row) { return search.keep(row); };
  TT_ASSIGN(const auto buckets,
            number_param(request, "buckets", kDefaultPatternBuckets, 1, limits::kMaxHistogramBuckets));
  TT_ASSIGN(const auto limit,
            number_param(request, "limit", kDefaultPatterns, 1, limits::kMaxPatternAnswers));
  query.step = search::round_step(query.range, buckets);
  TT_ASSIGN(auto report, logs::find_patterns(services.events, query, context));
  if (report.patterns.size() > limit) report.patterns.resize(limit);
  return report;
}

Level most_frequent_level(const logs::PatternEntry& entry) {
  Level level = Level::unknown;
  std::uint64_t most = 0;
  for (const auto& [candidate, counts] : entry.counts) {
    std::uint64_t rows = 0;
    for (const std::uint64_t n : counts) rows += n;
    if (rows > most) {
      most = rows;
      level = candidate;
    }
  }
  return level;
}

void write_pattern_entry(JsonWriter& w, const logs::PatternReport& report, const logs::PatternEntry& entry) {
  w.begin_object().field("pattern", entry.pattern).field("service", entry.service);
  w.field("level", to_string(most_frequent_level(entry))).field("count", entry.count);
  w.field("share",
          report.total == 0 ? 0 : static_cast<double>(entry.count) / static_cast<double>(report.total));
  w.field("example", entry.example).key("counts").begin_array();
  for (std::size_t i = 0; i < report.buckets.size(); ++i) {
    std::uint64_t rows = 0;
    for (const auto& [level, counts] : entry.counts) rows += counts[i];
    w.unsigned_integer(rows);
  }
  w.end_array();
  const std::string expression = logs::pattern_regex(entry.pattern);
  w.key("select").begin_object().field("where", "message~" + expression);
  w.field("logql", "|> " + logql::quote(entry.pattern)).end_object();
  w.key("exclude").begin_object().field("where", "message!~" + expression);
  w.field("logql", "!> " + logql::quote(entry.pattern)).end_object();
  w.end_object();
}

void write_pattern_report(JsonWriter& w, const logs::PatternReport& report) {
  w.field("step_s", seconds(report.step)).key("buckets").begin_array();
  for (const UnixNanos start : report.buckets) w.number(unix_seconds(start));
  w.end_array().key("patterns").begin_array();
  for (const auto& entry : report.patterns) write_pattern_entry(w, report, entry);
  w.end_array().field("total", report.total).field("sampled_rows", report.sampled_rows);
  w.field("exact", report.exact);
}

// ---- Context

Result<ContextLines> lines_around(const Services& services, const net::HttpRequest& request,
                                  WorkContext& context) {
  ContextQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  const auto time = request.param("time");
  if (!time || time->empty()) return fail(ErrorKind::invalid_argument, "time: missing");
  TT_ASSIGN(query.time, parse_time_param("time", *time));
  query.message = std::string(request.param("message").value_or(""));
  TT_ASSIGN(query.place, number_param(request, "place", 0, 0, limits::kMaxContextTies));
  const std::string_view scope = request.param("scope").value_or("stream");
  if (scope != "stream" && scope != "service") {
    return fail(ErrorKind::invalid_argument, "scope: stream or service");
  }
  query.scope = scope == "stream" ? ContextScope::stream : ContextScope::service;
  TT_ASSIGN(query.before, number_param(request, "before", kDefaultContextLines, 0, limits::kMaxContextLines));
  TT_ASSIGN(query.after, number_param(request, "after", kDefaultContextLines, 0, limits::kMaxContextLines));
  TT_ASSIGN(const auto hours, number_param(request, "hours", 24, 1, limits::kMaxContextHours));
  query.reach = std::chrono::hours(hours);
  TT_ASSIGN(query.filter,
            filter_params(request, {"time", "message", "place", "scope", "before", "after", "hours"}));
  return log_context(services.events, query, context);
}

// ---- Export

enum class ExportFormat : unsigned char { ndjson, csv };
const std::vector<std::string> kExportColumns = {"time",     "level",      "service", "message",
                                                 "trace_id", "request_id", "user_id", "attributes"};

/// A place among the exports that run at once.
class ExportSlot {
 public:
  static std::shared_ptr<ExportSlot> take() {
    if (running_.fetch_add(1) < limits::kMaxExports) return std::shared_ptr<ExportSlot>(new ExportSlot());
    running_.fetch_sub(1);
    return nullptr;
  }
  ~ExportSlot() { running_.fetch_sub(1); }
  ExportSlot(const ExportSlot&) = delete;
  ExportSlot& operator=(const ExportSlot&) = delete;

 private:
  ExportSlot() = default;
  static inline std::atomic<std::size_t> running_{0};
};

/// A text that a spreadsheet would run: it gets an apostrophe in front, which says "text" there. Numbers are
/// left alone.
bool is_formula(std::string_view text) {
  if (text.empty() || std::string_view("=+-@\t\r").find(text[0]) == std::string_view::npos) return false;
  return !storage::number_of(text);
}

std::string csv_cell(std::string_view text) {
  const std::string_view mark = is_formula(text) ? "'" : "";
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(mark) + std::string(text);
  std::string out = "\"" + std::string(mark);
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string attributes_json(const EventRow& row) {
  JsonWriter w;
  w.begin_object();
  for (const Attr& a : row.attributes) w.field(a.name, to_string(a.value));
  w.end_object();
  return w.take();
}

/// Rows as text, a piece at a time; holds one batch of the cursor's.
class LogExport {
 public:
  LogExport(std::shared_ptr<ExportSlot> slot, std::unique_ptr<storage::EventCursor> cursor, RowSearch search,
            ExportFormat format, std::vector<std::string> columns, std::size_t limit)
      : slot_(std::move(slot)),
        cursor_(std::move(cursor)),
        search_(std::move(search)),
        format_(format),
        columns_(std::move(columns)),
        left_(limit) {}

  Result<> piece(std::string& out) {
    out.clear();
    while (out.size() < limits::kStreamPieceBytes && left_ > 0) {
      if (next_ == batch_.size()) {
        next_ = 0;
        TT_TRY(cursor_->next(batch_));
        if (batch_.empty()) left_ = 0;
        continue;
      }
      EventRow& row = batch_[next_++];
      if (!search_.keep(row)) continue;
      --left_;
      add_row(out, row);
    }
    return {};
  }

 private:
  void add_row(std::string& out, const EventRow& row) const {
    if (format_ == ExportFormat::ndjson) {
      JsonWriter w;
      write_row(w, row);
      out += w.view();
      out += '\n';
      return;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      out += csv_cell(column_text(row, columns_[i]));
    }
    out += "\r\n";
  }

  static std::string column_text(const EventRow& row, const std::string& column) {
    if (column == "time") return format_rfc3339(row.time);
    if (column == "attributes") return attributes_json(row);
    return field_text(row, column).value_or("");
  }

  std::shared_ptr<ExportSlot> slot_;
  std::unique_ptr<storage::EventCursor> cursor_;
  RowSearch search_;
  const ExportFormat format_;
  const std::vector<std::string> columns_;
  std::size_t left_;
  std::vector<EventRow> batch_;
  std::size_t next_ = 0;
};

Result<std::vector<std::string>> export_columns(const net::HttpRequest& request) {
  std::vector<std::string> columns;
  std::string_view rest = request.param("columns").value_or("");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) columns.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (columns.size() > limits::kMaxExportColumns) {
    return fail(ErrorKind::invalid_argument, fmt::format("columns: at most {}", limits::kMaxExportColumns));
  }
  return columns.empty() ? kExportColumns : columns;
}

Result<net::HttpResponse> log_export(const Services& services, const net::HttpRequest& request,
                                     WorkContext& context) {
  storage::EventQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, range_params(request));
  TT_ASSIGN(query.order, order_param(request));
  TT_ASSIGN(const auto limit,
            number_param(request, "limit", limits::kMaxExportRows, 1, limits::kMaxExportRows));
  const std::string_view name = request.param("format").value_or("ndjson");
  if (name != "ndjson" && name != "csv") return fail(ErrorKind::invalid_argument, "format: ndjson or csv");
  const auto format = name == "csv" ? ExportFormat::csv : ExportFormat::ndjson;
  TT_ASSIGN(auto columns, export_columns(request));
  TT_ASSIGN(auto search, RowSearch::of(request, {"format", "columns"}));
  query.filter = search.filter();
  auto slot = ExportSlot::take();
  if (!slot) {
    return fail(ErrorKind::resource_exhausted,
                fmt::format("{} exports are running already", limits::kMaxExports));
  }
  TT_ASSIGN(auto cursor, services.events.select(query, context));
  net::HttpResponse response;
  response.content_type = format == ExportFormat::csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
  response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"logs.{}\"", name));
  response.headers.emplace_back("Cache-Control", "no-store");
  if (format == ExportFormat::csv) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      response.body += (i > 0 ? "," : "") + csv_cell(columns[i]);
    response.body += "\r\n";
  }
  const auto made = std::make_shared<LogExport>(std::move(slot), std::move(cursor), std::move(search), format,
                                                std::move(columns), limit);
  // The first piece here, so that what is wrong from the start is an answer of its own.
  std::string first;
  TT_TRY(made->piece(first));
  response.body += first;
  response.stream = [made](std::string& piece, WorkContext&) { return made->piece(piece); };
  return response;
}

}  // namespace

void add_log_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/logs/patterns",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<logs::PatternReport>(log_patterns(services, r, c), write_pattern_report);
      },
      query_route(services, "own_logs_patterns"));
  router.add(
      "GET", "/api/telltale/v1/logs/context",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<ContextLines>(
            lines_around(services, r, c), [](JsonWriter& w, const ContextLines& found) {
              write_rows(w, "before", found.before);
              w.key("line");
              write_row(w, found.line);
              write_rows(w, "after", found.after);
              w.field("more_before", found.more_before).field("more_after", found.more_after);
            });
      },
      query_route(services, "own_logs_context"));
  auto export_route = query_route(services, "own_logs_export");
  export_route.work.timeout = std::chrono::seconds(limits::kExportSeconds);
  router.add(
      "GET", "/api/telltale/v1/logs/export",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        auto made = log_export(services, r, c);
        return made ? *std::move(made) : error_response(made.error());
      },
      export_route);
}

}  // namespace telltale::api
