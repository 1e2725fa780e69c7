// Prometheus' remote write, 1.0 (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request): protobuf
// in, MetricWrite out. A bad series is listed and the others are kept; only a body that is not of its message
// at all is an error. The specification is at prometheus.io/docs/specs/prw/.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/compress.hpp"
#include "base/result.hpp"
#include "wire/metric/metric_write.hpp"

namespace telltale::wire::prometheus {

enum class WriteVersion : std::uint8_t { v1, v2 };

/// From a Content-Type header: `application/x-protobuf`, with `proto=prometheus.WriteRequest` or
/// `proto=io.prometheus.write.v2.Request`; without the parameter, or without the header, it is 1.0.
/// unsupported when it is neither.
Result<WriteVersion> write_version_from(std::string_view content_type);
/// From a Content-Encoding header: `snappy`, as the specification has it, and what is not said is that;
/// `zstd`, which VictoriaMetrics' agent prefers. unsupported otherwise.
Result<Codec> write_codec_from(std::string_view content_encoding);

/// A body that is not compressed any more. `body` outlives the result.
Result<MetricWrite> parse_remote_write(std::string_view body, WriteVersion version);

}  // namespace telltale::wire::prometheus
