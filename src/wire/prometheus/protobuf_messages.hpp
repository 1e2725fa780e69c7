// The messages inside a metric: labels, exemplars, histograms. For this folder's .cpp files only; they throw
// protozero::exception on malformed bytes.
#pragma once

#include <optional>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "wire/prometheus/exposition.hpp"

namespace telltale::wire::prometheus {

inline constexpr auto kProtoBytes = protozero::pbf_wire_type::length_delimited;
inline constexpr auto kProtoVarint = protozero::pbf_wire_type::varint;
inline constexpr auto kProtoFixed64 = protozero::pbf_wire_type::fixed64;

struct ProtoBucket {
  double count = 0;  // cumulative
  double upper_bound = 0;
  std::optional<ScrapedExemplar> exemplar;
};

struct ProtoHistogram {
  double count = 0;
  double sum = 0;
  std::vector<ProtoBucket> buckets;
  std::optional<UnixMillis> start;
  std::vector<ScrapedExemplar> exemplars;  // beside the buckets' own
  std::shared_ptr<Histogram> native;       // valid; null: classic only
};

Result<UnixMillis> read_proto_timestamp(protozero::pbf_reader in);
Result<Label> read_proto_label(protozero::pbf_reader in);
Result<ScrapedExemplar> read_proto_exemplar(protozero::pbf_reader in);
/// too_large over limits::kMaxScrapeSamples buckets.
Result<ProtoHistogram> read_proto_histogram(protozero::pbf_reader in);

}  // namespace telltale::wire::prometheus
