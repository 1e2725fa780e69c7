// Rows as a file: NDJSON with every field, or CSV with chosen ones, made while they are sent, so that neither
// side ever holds them all.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kMaxExportRows = 10'000'000;
constexpr std::size_t kMaxExportColumns = 64;
constexpr auto kExportTimeout = std::chrono::minutes(10);  // it is streamed at its reader's speed
constexpr std::string_view kExportColumns[] = {"time", "level", "service", "message"};

/// A cell of RFC 4180. Spreadsheets take a text that begins with one of `=+-@` for a formula, and what is
/// logged is often not ours: such a cell gets an apostrophe in front, unless it is a number.
void append_cell(std::string& out, std::string_view text) {
  const bool formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  const bool number = formula && text.size() > 1 &&
                      text.substr(1).find_first_not_of("0123456789.eE") == std::string_view::npos;
  const std::string_view guard = formula && !number ? "'" : "";
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(guard).append(text);
    return;
  }
  out.append("\"").append(guard);
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

struct ExportFile {
  bool csv = false;
  std::vector<std::string> columns;
  std::unique_ptr<storage::EventCursor> rows;
  std::vector<EventRow> batch;
  std::size_t at = 0;

  void append(std::string& out, const EventRow& row) const {
    if (!csv) {
      JsonWriter w;
      write_row(w, row);
      out.append(w.view()).push_back('\n');
      return;
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_cell(out,
                  columns[i] == "time" ? format_rfc3339(row.time) : field_text(row, columns[i]).value_or(""));
    }
    out.append("\r\n");
  }
  Result<> piece(std::string& out, WorkContext& context) {
    out.clear();
    while (out.size() < limits::kStreamPieceBytes) {
      if (at == batch.size()) {
        TT_TRY(context.check());
        at = 0;
        TT_TRY(rows->next(batch));
        if (batch.empty()) break;
      }
      append(out, batch[at++]);
    }
    return {};
  }
};

Result<std::vector<std::string>> export_columns(const net::HttpRequest& request) {
  std::vector<std::string> columns;
  const std::string_view text = request.param("fields").value_or("");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) columns.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (columns.size() > kMaxExportColumns) {
    return fail(ErrorKind::invalid_argument, fmt::format("fields: at most {}", kMaxExportColumns));
  }
  if (columns.empty()) columns.assign(std::begin(kExportColumns), std::end(kExportColumns));
  return columns;
}

std::string export_heading(const ExportFile& file) {
  std::string line;
  for (std::size_t i = 0; i < file.columns.size(); ++i) {
    if (i > 0) line.push_back(',');
    append_cell(line, file.columns[i]);
  }
  return line + "\r\n";
}

Result<net::HttpResponse> export_rows(const Services& services, const net::HttpRequest& request,
                                      WorkContext& context, Table table) {
  auto file = std::make_shared<ExportFile>();
  const auto format = request.param("format").value_or("ndjson");
  if (format != "ndjson" && format != "csv")
    return fail(ErrorKind::invalid_argument, "format: ndjson or csv");
  file->csv = format == "csv";
  storage::EventQuery query;
  query.table = table;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, window_params(services, request));
  TT_ASSIGN(query.limit, number_param(request, "limit", kMaxExportRows, 1, kMaxExportRows));
  TT_ASSIGN(query.order, order_param(request));
  TT_ASSIGN(query.filter, filter_params(request, {"format", "fields"}));
  TT_ASSIGN(file->columns, export_columns(request));
  if (file->csv) query.fields = file->columns;
  TT_ASSIGN(file->rows, services.events.select(query, context));
  net::HttpResponse response;
  response.content_type = file->csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"{}-{}.{}\"", to_string(table),
                                            format_rfc3339(query.range.to).substr(0, 10), format));
  if (file->csv) response.body = export_heading(*file);
  response.stream = [file](std::string& piece, WorkContext& c) { return file->piece(piece, c); };
  return response;
}

}  // namespace

void add_export_routes(net::Router& router, const Services& services) {
  for (const Table table : kTables) {
    auto options = query_route(services, fmt::format("own_{}_export", to_string(table)));
    options.work.timeout = kExportTimeout;
    router.add(
        "GET", fmt::format("/api/telltale/v1/{}/export", to_string(table)),
        [&services, table](const net::HttpRequest& r, WorkContext& c) {
          auto made = export_rows(services, r, c, table);
          return made ? *std::move(made) : error_response(made.error());
        },
        options);
  }
}

}  // namespace telltale::api
