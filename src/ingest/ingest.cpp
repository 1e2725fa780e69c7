#include "ingest/ingest.hpp"

#include "ingest/request.hpp"

namespace telltale::ingest {

Ingest::Ingest(Pipeline& pipeline, const redact::Redactor& redactor, const Clock& clock,
               MetricsRegistry& metrics, IngestOptions options)
    : impl_(new Impl{pipeline, redactor, clock, options, metrics,
                     metrics.counter("telltale_ingest_dropped_total", "What was not accepted, by reason.",
                                     {{"reason", "invalid"}}),
                     metrics.counter("telltale_ingest_dropped_total", "What was not accepted, by reason.",
                                     {{"reason", "unsupported_item"}}),
                     metrics.counter("telltale_client_discarded_total",
                                     "What clients report to have dropped themselves."),
                     metrics.counter("telltale_ingest_dropped_attributes_total",
                                     "Attributes left out of rows that had too many.")}) {}

Ingest::~Ingest() = default;

void Ingest::set_time_bounds(Nanos max_past, Nanos max_future) {
  impl_->max_past = max_past;
  impl_->max_future = max_future;
}

Result<> Ingest::flush_refusals() { return impl_->refusals.flush(impl_->pipeline, impl_->clock); }

}  // namespace telltale::ingest
