#include "api/loki/encode.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace telltale::api::loki {
namespace {

double rate_of(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

void write_matrix(JsonWriter& w, const std::vector<logql::Series>& series) {
  w.begin_array();
  for (const auto& s : series) {
    w.begin_object().key("metric").begin_object();
    for (const auto& label : s.labels) w.field(label.name, label.value);
    w.end_object().key("values").begin_array();
    for (const auto& point : s.points) write_point(w, point);
    w.end_array().end_object();
  }
  w.end_array();
}

void write_vector(JsonWriter& w, const std::vector<logql::Series>& series) {
  w.begin_array();
  for (const auto& s : series) {
    if (s.points.empty()) continue;
    w.begin_object().key("metric").begin_object();
    for (const auto& label : s.labels) w.field(label.name, label.value);
    w.end_object().key("value");
    write_point(w, s.points.front());
    w.end_object();
  }
  w.end_array();
}

void write_stats(JsonWriter& w, const logql::QueryResult& result) {
  const double seconds = std::chrono::duration<double>(result.stats.took).count();
  const auto rows = static_cast<double>(result.stats.rows);
  const auto bytes = static_cast<double>(result.stats.bytes);
  w.begin_object().key("summary").begin_object();
  w.key("bytesProcessedPerSecond").integer(std::llround(rate_of(bytes, seconds)));
  w.key("linesProcessedPerSecond").integer(std::llround(rate_of(rows, seconds)));
  w.field("totalBytesProcessed", result.stats.bytes).field("totalLinesProcessed", result.stats.rows);
  w.field("totalPostFilterLines", result.stats.matched);
  w.field("totalEntriesReturned", std::uint64_t{result.entries.size()});
  w.field("execTime", seconds);
  w.end_object().end_object();
}

}  // namespace

std::string sample_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char digits[400];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  return problem == std::errc() ? std::string(digits, end) : fmt::format("{}", value);
}

void write_point(JsonWriter& w, const logql::Point& point) {
  const std::int64_t ms = point.time.to_millis().ms;
  w.begin_array();
  if (ms % 1000 == 0) {
    w.integer(ms / 1000);
  } else {
    std::string text = fmt::format("{:.3f}", static_cast<double>(ms) / 1000);
    while (text.ends_with('0')) text.pop_back();
    w.raw(text);
  }
  w.string(sample_text(point.value)).end_array();
}

void write_label_object(JsonWriter& w, const std::vector<Label>& labels) {
  w.begin_object();
  for (const auto& label : labels) {
    if (!label.value.empty()) w.field(label.name, label.value);
  }
  w.end_object();
}

void write_streams(JsonWriter& w, const std::vector<logql::LogEntry>& entries, bool categories) {
  w.begin_array();
  for (const auto& stream : logql::group_streams(entries, categories)) {
    w.begin_object().key("stream");
    write_label_object(w, stream.labels);
    w.key("values").begin_array();
    for (const logql::LogEntry* entry : stream.entries) {
      w.begin_array().string(std::to_string(entry->time.ns)).string(entry->line);
      if (categories) {
        w.begin_object();
        if (!entry->metadata.empty()) {
          w.key("structuredMetadata");
          write_label_object(w, entry->metadata);
        }
        if (!entry->parsed.empty()) {
          w.key("parsed");
          write_label_object(w, entry->parsed);
        }
        w.end_object();
      }
      w.end_array();
    }
    w.end_array().end_object();
  }
  w.end_array();
}

void write_flags(JsonWriter& w, bool categories) {
  if (categories) w.key("encodingFlags").begin_array().string("categorize-labels").end_array();
}

std::string query_answer(const logql::QueryResult& result, bool categories) {
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.field("resultType", logql::to_string(result.kind));
  const bool streams = result.kind == logql::ResultKind::streams;
  write_flags(w, streams && categories);
  w.key("result");
  switch (result.kind) {
    case logql::ResultKind::streams:
      write_streams(w, result.entries, categories);
      break;
    case logql::ResultKind::matrix:
      write_matrix(w, result.series);
      break;
    case logql::ResultKind::vector:
      write_vector(w, result.series);
      break;
    case logql::ResultKind::scalar:
      write_point(w, result.scalar);
      break;
  }
  w.key("stats");
  write_stats(w, result);
  w.end_object().end_object();
  return w.take();
}

std::string list_answer(const std::vector<std::string>& list) {
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_array();
  for (const auto& item : list) w.string(item);
  w.end_array().end_object();
  return w.take();
}

}  // namespace telltale::api::loki
