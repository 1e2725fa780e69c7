// Numbers for other Prometheus servers: remote read with everything that was asked for, federation with the
// newest sample of each series.
#include "api/prometheus/read_routes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "api/prometheus/answer.hpp"
#include "base/compress.hpp"
#include "base/metric_limits.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"
#include "wire/prometheus/remote_read.hpp"

namespace telltale::api {
namespace {

using wire::prometheus::ReadRequest;

constexpr Millis kFederateLookback = std::chrono::minutes(5);

net::HttpResponse read_error(const Error& error) {
  auto response = net::HttpResponse::text(error.message() + "\n", net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

Result<storage::SeriesSelect> select_of(const wire::prometheus::ReadQuery& query,
                                        const storage::Projects& projects) {
  storage::SeriesSelect out;
  out.projects = projects;
  out.range = {query.start, query.end};
  for (const auto& m : query.matchers) {
    static constexpr storage::MatchOp kOps[] = {storage::MatchOp::eq, storage::MatchOp::ne,
                                                storage::MatchOp::re, storage::MatchOp::nre};
    auto matcher = storage::LabelMatcher::make(kOps[static_cast<int>(m.type)], m.name, m.value);
    if (!matcher) return tl::unexpected<Error>(std::move(matcher).error().within("matchers"));
    out.matchers.push_back(*std::move(matcher));
  }
  return out;
}

struct ReadSeries {
  Labels labels;
  std::vector<Sample> samples;
};

std::vector<Sample> samples_of(const storage::SeriesView& view) {
  std::vector<Sample> out(view.times_ms.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].time.ms = view.times_ms[i];
    out[i].value = view.values[i];
    if (!view.histograms.empty()) out[i].histogram = view.histograms[i];
  }
  return out;
}

Result<std::vector<ReadSeries>> read_all(const Services& services, const storage::SeriesSelect& query,
                                         WorkContext& context, std::size_t& samples) {
  TT_ASSIGN(const auto cursor, services.metrics.select(query, context));
  std::vector<ReadSeries> out;
  storage::SeriesView view;
  while (true) {
    TT_ASSIGN(const bool more, cursor->next(view));
    if (!more) return out;
    samples += view.times_ms.size();
    if (samples > limits::kMaxReadSamples) {
      return fail(ErrorKind::execution,
                  fmt::format("over the limit of {} samples of one remote read; ask for less",
                              limits::kMaxReadSamples));
    }
    out.push_back({view.labels->all(), samples_of(view)});
  }
}

bool has_histogram(const std::vector<std::vector<ReadSeries>>& results) {
  for (const auto& series : results) {
    for (const auto& s : series) {
      if (std::any_of(s.samples.begin(), s.samples.end(),
                      [](const Sample& x) { return x.histogram != nullptr; }))
        return true;
    }
  }
  return false;
}

net::HttpResponse chunked_answer(const std::vector<std::vector<ReadSeries>>& results) {
  net::HttpResponse response;
  response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (const auto& s : results[i]) {
      response.body += wire::prometheus::chunked_frame(s.labels, s.samples, static_cast<std::int64_t>(i));
    }
  }
  return response;
}

net::HttpResponse sampled_answer(const std::vector<std::vector<ReadSeries>>& results) {
  wire::prometheus::ReadResponseWriter writer;
  for (const auto& series : results) {
    writer.begin_query();
    for (const auto& s : series) writer.add_series(s.labels, s.samples);
    writer.end_query();
  }
  net::HttpResponse response;
  response.content_type = "application/x-protobuf";
  response.body = compress(Codec::snappy, writer.take());
  response.headers.emplace_back("Content-Encoding", "snappy");
  return response;
}

Result<net::HttpResponse> remote_read(const Services& services, const net::HttpRequest& request,
                                      WorkContext& context) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto projects, readable_projects(services, principal));
  TT_ASSIGN(const std::string plain, decompress(Codec::snappy, request.body, limits::kMaxWriteBytes));
  TT_ASSIGN(const ReadRequest read, wire::prometheus::parse_read_request(plain));
  std::vector<std::vector<ReadSeries>> results;
  std::size_t samples = 0;
  for (const auto& query : read.queries) {
    TT_ASSIGN(const auto select, select_of(query, projects));
    TT_ASSIGN(auto series, read_all(services, select, context, samples));
    results.push_back(std::move(series));
  }
  // Chunks of native histograms are not made: such an answer is one of samples.
  const bool native = has_histogram(results);
  if (read.chunks && !native) return chunked_answer(results);
  if (!read.samples) {
    return fail(ErrorKind::unsupported,
                "accepted_response_types: series with native histograms are answered as SAMPLES");
  }
  return sampled_answer(results);
}

// --- federation ---

bool is_legacy(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [colon](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

void append_value(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

/// A name that its reader cannot take gets underscores.
void append_name(std::string& out, std::string_view name, bool utf8) {
  if (is_legacy(name, false)) {
    out += name;
  } else if (utf8) {
    append_value(out, name);
  } else {
    const std::size_t at = out.size();
    out += name;
    for (std::size_t i = at; i < out.size(); ++i) {
      if (!is_legacy(out.substr(i, 1), false) && !(i > at && out[i] >= '0' && out[i] <= '9')) out[i] = '_';
    }
  }
}

struct Newest {
  Labels labels;
  Sample sample;
};

void append_series(std::string& out, const Newest& newest, bool utf8) {
  const std::string_view name = newest.labels.get(kMetricName);
  const bool quoted = utf8 && !is_legacy(name, true);
  if (!quoted) {
    if (is_legacy(name, true)) {
      out += name;
    } else {
      append_name(out, name, false);
    }
  }
  out += '{';
  bool first = true;
  if (quoted) {
    append_value(out, name);
    first = false;
  }
  for (const Label& l : newest.labels) {
    if (l.name == kMetricName) continue;
    if (!first) out += ',';
    first = false;
    append_name(out, l.name, utf8);
    out += '=';
    append_value(out, l.value);
  }
  out += fmt::format("}} {} {}\n", promql::format_value(newest.sample.value), newest.sample.time.ms);
}

Result<std::vector<Newest>> newest_of(const Services& services, const net::HttpRequest& request,
                                      WorkContext& context) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  storage::SeriesSelect query;
  TT_ASSIGN(query.projects, readable_projects(services, principal));
  const UnixMillis now = services.clock.now().to_millis();
  query.range = {now - kFederateLookback, now};
  std::map<Labels, Sample> found;
  for (const auto selector : request.params("match[]")) {
    TT_ASSIGN(query.matchers, promql::parse_selector(selector));
    TT_ASSIGN(const auto cursor, services.metrics.select(query, context));
    storage::SeriesView view;
    while (true) {
      TT_ASSIGN(const bool more, cursor->next(view));
      if (!more) break;
      auto samples = samples_of(view);
      // Text has no form for native histograms.
      if (samples.empty() || samples.back().histogram || is_stale_nan(samples.back().value)) continue;
      found[view.labels->all()] = samples.back();
      if (found.size() > limits::kMaxFederated) {
        return fail(ErrorKind::execution,
                    fmt::format("match[]: over the limit of {} series", limits::kMaxFederated));
      }
    }
  }
  std::vector<Newest> out;
  out.reserve(found.size());
  for (auto& [labels, sample] : found) out.push_back({labels, std::move(sample)});
  std::stable_sort(out.begin(), out.end(), [](const Newest& a, const Newest& b) {
    return a.labels.get(kMetricName) < b.labels.get(kMetricName);
  });
  return out;
}

net::HttpResponse federate(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  const auto newest = newest_of(services, request, context);
  if (!newest) return read_error(newest.error());
  const bool utf8 = request.header("accept").find("escaping=allow-utf-8") != std::string_view::npos;
  net::HttpResponse response = net::HttpResponse::text("");
  response.content_type = utf8 ? "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8";
  std::string_view last;
  for (const Newest& n : *newest) {
    const std::string_view name = n.labels.get(kMetricName);
    if (name != last && is_legacy(name, true)) response.body += fmt::format("# TYPE {} untyped\n", name);
    last = name;
    append_series(response.body, n, utf8);
  }
  return response;
}

}  // namespace

void add_read_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.work = services.query_limits;
  options.name = "prom_federate";
  router.add(
      "GET", "/federate",
      [&services](const net::HttpRequest& r, WorkContext& c) { return federate(services, r, c); }, options);
  options.name = "prom_read";
  options.decode_body = false;  // always snappy, said or not
  options.max_body_bytes = limits::kMaxWriteBytes;
  router.add(
      "POST", "/api/v1/read",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        auto answer = remote_read(services, r, c);
        return answer ? *std::move(answer) : read_error(answer.error());
      },
      options);
}

}  // namespace telltale::api
