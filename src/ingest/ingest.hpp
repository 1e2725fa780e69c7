// Every way in, one function a protocol: a decoded HTTP body and the project its credential belongs to become
// a batch that is limited, redacted, enriched and committed, in this order. The good part of a request is
// kept; what was left out is listed with its reason. How the bytes arrived is api/'s business.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/time_zone.hpp"
#include "errors/rules.hpp"
#include "health/attachments.hpp"
#include "ingest/pipeline.hpp"
#include "logs/file_follower.hpp"
#include "quota/intake.hpp"
#include "redact/redactor.hpp"
#include "wire/cloudwatch/requests.hpp"
#include "wire/item_error.hpp"
#include "wire/otlp/common.hpp"
#include "wire/otlp/metric_names.hpp"
#include "wire/prometheus/remote_write.hpp"
#include "wire/prometheus/text.hpp"
#include "wire/sentry/health.hpp"
#include "wire/sentry/security.hpp"

namespace telltale::ingest {

struct OtlpMetricOptions {
  wire::otlp::TranslationStrategy strategy;
  /// Of a resource, that become labels of all of its series; `*`: all of them.
  std::vector<std::string> promote_resource_attributes;
};

struct IngestOptions {
  Nanos max_past{std::chrono::hours(24 * 30)};
  Nanos max_future{std::chrono::minutes(10)};
  /// The service of what a Sentry client sends without naming one or its server; empty when unknown.
  std::function<std::string(ProjectId)> slug_of = [](ProjectId) { return std::string(); };
  /// A project's own redactor; without it the one for all holds.
  std::function<std::shared_ptr<const redact::Redactor>(ProjectId)> redactor_of;
  /// A project's own rules of grouping errors; without it there are none.
  std::function<std::shared_ptr<const errors::GroupingRules>(ProjectId)> grouping_of;
  health::Attachments* attachments = nullptr;  // null: files that come with events are left out
  /// Limits, filters and bodies of what Sentry's SDKs send; null: everything is taken.
  quota::Intake* intake = nullptr;
  OtlpMetricOptions otlp_metrics;
};

/// Who sends with Sentry's protocol.
struct SentrySender {
  Id128 key;              // the DSN key; zero: none
  std::string address;    // where the request came from
  bool internal = false;  // the server itself: neither limited nor filtered
};

/// What became of a request.
struct Outcome {
  std::size_t accepted = 0;    // rows and items journaled
  std::size_t duplicates = 0;  // rows a client sent again
  wire::ItemErrors rejected;
  Id128 event_id;            // Sentry: of the envelope's event, zero when there is none
  std::size_t filtered = 0;  // Sentry: events that the project does not want
  /// Sentry: categories of which not everything was taken, because the key has sent enough.
  struct Limited {
    std::string category;
    std::int64_t retry_after_s = 0;
    bool all_categories = false;  // the limit is one on everything
  };
  std::vector<Limited> limited;
};

/// What became of numbers.
struct MetricOutcome {
  std::size_t samples = 0;  // floats journaled
  std::size_t histograms = 0;
  std::size_t exemplars = 0;
  std::size_t refused_samples = 0;  // floats and histograms
  std::size_t refused = 0;          // reasons; the first limits::kMaxMetricErrors are told
  std::vector<wire::ItemError> rejected;
};

struct DocumentShape;   // document.hpp
struct ElasticOutcome;  // elastic.hpp

enum class LokiFormat : unsigned char { json, legacy_json, snappy_protobuf };

/// One message as it came, and from which address.
struct SyslogMessage {
  std::string bytes;
  std::string peer;
};

/// What grouping looked at in a Sentry event that is kept. invalid_argument when the payload is none.
Result<errors::GroupingInput> stored_grouping_input(std::string_view payload);

/// Thread-safe.
class Ingest {
 public:
  Ingest(Pipeline& pipeline, const redact::Redactor& redactor, const Clock& clock, MetricsRegistry& metrics,
         IngestOptions options);
  ~Ingest();

  /// For requests that begin afterwards.
  void set_time_bounds(Nanos max_past, Nanos max_future);

  /// invalid_argument when the envelope's own frame is broken.
  Result<Outcome> sentry_envelope(ProjectId project, std::string_view body, const SentrySender& sender = {});
  /// POST /store/: one event's JSON.
  Result<Outcome> sentry_store(ProjectId project, std::string_view body, const SentrySender& sender = {});
  /// What a browser says of a violated policy (wire/sentry/security.hpp).
  Result<Outcome> sentry_security(ProjectId project, std::string_view body,
                                  const wire::sentry::SecurityOrigin& origin,
                                  const SentrySender& sender = {});
  /// Files of an event, as multipart/form-data.
  Result<Outcome> sentry_attachments(ProjectId project, Id128 event_id, std::string_view content_type,
                                     std::string_view body, const SentrySender& sender = {});
  /// A crash reporter's multipart/form-data: a minidump, which is kept as it is, and what else it says of
  /// the crash. It becomes an error event with attachments.
  Result<Outcome> sentry_minidump(ProjectId project, std::string_view content_type, std::string_view body,
                                  const SentrySender& sender = {});
  /// A scheduled job's, said without an SDK.
  Result<Outcome> sentry_check_in(ProjectId project, wire::sentry::CheckInItem check_in,
                                  const SentrySender& sender = {});
  /// What has been refused so far is counted durably when it returns (refusals.hpp).
  Result<> flush_refusals();
  Result<Outcome> loki_push(ProjectId project, std::string_view body, LokiFormat format);
  Result<Outcome> otlp_logs(ProjectId project, std::string_view body, wire::otlp::Encoding encoding);
  /// Refused are data points.
  Result<MetricOutcome> otlp_metrics(ProjectId project, std::string_view body, wire::otlp::Encoding encoding);
  Result<Outcome> otlp_traces(ProjectId project, std::string_view body, wire::otlp::Encoding encoding);
  /// invalid_argument only when the body is no bulk request; too_large with over kMaxRowsPerRequest actions.
  Result<ElasticOutcome> elastic_bulk(ProjectId project, std::string_view body,
                                      std::string_view default_index, const DocumentShape& shape);
  /// One document; `id` may be empty.
  Result<ElasticOutcome> elastic_document(ProjectId project, std::string_view body, std::string_view index,
                                          std::string_view id, bool create, const DocumentShape& shape);
  /// Refused records are numbered from 1.
  Result<Outcome> json_lines(ProjectId project, std::string_view body, const DocumentShape& shape);
  /// The first rows that json_lines() would store, masked; nothing is stored.
  Result<std::vector<EventRow>> json_lines_preview(ProjectId project, std::string_view body,
                                                   const DocumentShape& shape);
  /// Masks, as a row's would be, a name that is kept outside of rows, or a value under `key` of such a thing.
  void mask_name(ProjectId project, std::string_view key, std::string& text);
  /// The same of all labels of a series.
  Labels mask_labels(ProjectId project, const Labels& labels);
  /// That group and stream exist is the caller's to know (log_groups.hpp).
  Result<Outcome> cloudwatch_put(ProjectId project, wire::cloudwatch::PutLogEvents put);
  /// No message is refused; one whose time is out of bounds gets ours. `zone` is of times without an offset.
  Result<Outcome> syslog(ProjectId project, const std::vector<SyslogMessage>& messages, const TimeZone& zone);
  /// A body as it was sent. invalid_argument when it is not of its message or not compressed so, too_large
  /// over limits::kMaxWriteBytes.
  Result<MetricOutcome> remote_write(ProjectId project, std::string_view body, Codec codec,
                                     wire::prometheus::WriteVersion version);
  /// Line protocol, times in units of `unit_ns`; `db` becomes a label unless it is empty.
  Result<MetricOutcome> influx_write(ProjectId project, std::string_view body, std::int64_t unit_ns,
                                     std::string_view db);
  /// The text exposition format; invalid_argument with the number of a malformed line, and nothing is stored.
  /// `labels` stand in place of labels of the same name, `time` where the text says none (absent: now).
  Result<MetricOutcome> text_import(ProjectId project, std::string_view body,
                                    wire::prometheus::TextFormat format, const Labels& labels,
                                    std::optional<UnixMillis> time);
  /// Whatever was decoded elsewhere.
  Result<MetricOutcome> write_numbers(ProjectId project, wire::MetricWrite write);
  Result<Outcome> file_lines(ProjectId project, const std::vector<logs::FileLines>& files);

  struct Impl;  // request.hpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::ingest
