// Prometheus' remote read: queries in, series out, as samples or as chunks in Prometheus' own XOR encoding
// (prometheus.io/docs/prometheus/latest/querying/remote_read_api/ and tsdb/docs/format/chunks.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/histogram.hpp"
#include "model/sample.hpp"

namespace telltale::wire::prometheus {

/// The numbers are the protocol's.
enum class ReadMatcherType : std::uint8_t { eq = 0, ne = 1, re = 2, nre = 3 };

struct ReadMatcher {
  ReadMatcherType type = ReadMatcherType::eq;
  std::string name;
  std::string value;
};

struct ReadQuery {
  UnixMillis start;
  UnixMillis end;  // inclusive
  std::vector<ReadMatcher> matchers;
};

struct ReadRequest {
  std::vector<ReadQuery> queries;
  /// Whether the client prefers chunks to samples, and whether it takes samples at all.
  bool chunks = false;
  bool samples = true;
};

/// prometheus.ReadRequest, not compressed. invalid_argument when it is none, or has over
/// limits::kMaxReadQueries queries or kMaxReadMatchers matchers in one.
Result<ReadRequest> parse_read_request(std::string_view body);

/// prometheus.ReadResponse, built from series in the order of their queries.
class ReadResponseWriter {
 public:
  void begin_query();
  void add_series(const Labels& labels, std::span<const Sample> samples);
  void end_query();
  std::size_t size() const { return out_.size() + query_.size(); }
  /// Not compressed.
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string query_;
};

/// One frame of the chunked form: a ChunkedReadResponse with one series, its length in front and its CRC-32C.
/// All samples are floats, in the order of time.
std::string chunked_frame(const Labels& labels, std::span<const Sample> samples, std::int64_t query_index);

/// At most 65,535 samples as an XOR chunk.
std::string xor_chunk(std::span<const Sample> samples);

}  // namespace telltale::wire::prometheus
