#include "wire/metric/metric_write.hpp"

#include <cstring>

#include <protozero/pbf_reader.hpp>

#include "base/hash.hpp"
#include "base/metric_limits.hpp"

namespace telltale::wire {
namespace {

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

std::size_t varint_size(std::uint64_t v) {
  std::size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

std::string_view text(protozero::data_view view) { return {view.data(), view.size()}; }

LabelView read_label(protozero::pbf_reader r) {
  LabelView label;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited):
        label.name = text(r.get_view());
        break;
      case protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited):
        label.value = text(r.get_view());
        break;
      default:
        r.skip();
    }
  }
  return label;
}

}  // namespace

void LabelPacker::add(std::string_view name, std::string_view value) {
  const std::size_t inside =
      2 + varint_size(name.size()) + name.size() + varint_size(value.size()) + value.size();
  bytes_ += '\x0a';
  put_varint(bytes_, inside);
  bytes_ += '\x0a';
  put_varint(bytes_, name.size());
  bytes_ += name;
  bytes_ += '\x12';
  put_varint(bytes_, value.size());
  bytes_ += value;
}

std::string_view to_string(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
    case MetricKind::gauge_histogram:
      return "gaugehistogram";
    case MetricKind::summary:
      return "summary";
    case MetricKind::info:
      return "info";
    case MetricKind::stateset:
      return "stateset";
    case MetricKind::unknown:
      break;
  }
  return "unknown";
}

MetricWrite::Series& MetricWrite::begin_packed(std::string_view labels, std::size_t index) {
  Series& s = series.emplace_back();
  s.key = hash128(labels);
  s.labels = labels;
  s.first_sample = static_cast<std::uint32_t>(samples.size());
  s.index = static_cast<std::uint32_t>(index);
  return s;
}

MetricWrite::Series& MetricWrite::begin_symbols(std::size_t count, std::size_t index) {
  constexpr std::size_t kOnStack = 64;
  std::uint64_t few[kOnStack];
  std::vector<std::uint64_t> many;
  std::uint64_t* hashes = few;
  if (count > kOnStack) {
    many.resize(count);
    hashes = many.data();
  }
  const std::size_t first = symbol_refs.size() - count;
  for (std::size_t i = 0; i < count; ++i) hashes[i] = symbol_hashes[symbol_refs[first + i]];
  Series& s = series.emplace_back();
  s.key = hash128({reinterpret_cast<const char*>(hashes), count * sizeof *hashes});
  s.first_ref = static_cast<std::uint32_t>(first);
  s.refs = static_cast<std::uint32_t>(count);
  s.first_sample = static_cast<std::uint32_t>(samples.size());
  s.index = static_cast<std::uint32_t>(index);
  return s;
}

bool MetricWrite::add(const Sample& sample) {
  if (samples.size() >= limits::kMaxWriteSamples) {
    if (full_) {
      ++refused_samples;
    } else {
      refuse(series.back().index, "the request has over " + std::to_string(limits::kMaxWriteSamples) +
                                      " samples; the rest is dropped");
    }
    full_ = true;
    return false;
  }
  samples.push_back(sample);
  ++series.back().samples;
  return true;
}

void MetricWrite::add_exemplar(MetricExemplar exemplar) {
  if (exemplars.size() >= limits::kMaxWriteExemplars) return;
  exemplar.series = static_cast<std::uint32_t>(series.size() - 1);
  exemplars.push_back(std::move(exemplar));
}

void MetricWrite::add_family(MetricFamily family) {
  if (families.size() < limits::kMaxWriteFamilies) families.push_back(std::move(family));
}

void MetricWrite::refuse(std::size_t index, std::string reason, std::size_t lost) {
  ++refused;
  refused_samples += lost;
  if (errors.size() < limits::kMaxMetricErrors) errors.push_back({index, std::move(reason)});
}

void MetricWrite::end_series() {
  if (series.empty()) return;
  const bool has_exemplars = !exemplars.empty() && exemplars.back().series + 1 == series.size();
  if (series.back().samples == 0 && !has_exemplars) series.pop_back();
}

std::string_view MetricWrite::keep(std::string_view bytes) {
  if (!arena_) arena_ = std::make_unique<std::pmr::monotonic_buffer_resource>(16 * 1024);
  if (bytes.empty()) return {};
  auto* copy = static_cast<char*>(arena_->allocate(bytes.size(), 1));
  std::memcpy(copy, bytes.data(), bytes.size());
  kept_bytes_ += bytes.size();
  return {copy, bytes.size()};
}

Result<> labels_of(const MetricWrite& write, const MetricWrite::Series& series, std::vector<LabelView>& out) {
  out.clear();
  if (series.refs > 0) {
    const auto* refs = write.symbol_refs.data() + series.first_ref;
    for (std::uint32_t i = 0; i + 1 < series.refs; i += 2)
      out.push_back({write.symbols[refs[i]], write.symbols[refs[i + 1]]});
    return {};
  }
  try {
    protozero::pbf_reader r(series.labels.data(), series.labels.size());
    while (r.next(1, protozero::pbf_wire_type::length_delimited)) out.push_back(read_label(r.get_message()));
  } catch (const protozero::exception& e) {
    return fail(ErrorKind::invalid_argument, std::string("labels: malformed protobuf: ") + e.what());
  }
  return {};
}

}  // namespace telltale::wire
