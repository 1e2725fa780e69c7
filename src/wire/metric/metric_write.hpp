// What every protocol that pushes numbers is decoded into: series, their samples and exemplars, and what is
// said of metric families.
//
// A client sends the same series again and again, so a decoder does not make a set of labels of each: they
// stay bytes, and a hash of them is the key under which ingest knows the series again. Only a series that it
// does not know has its labels read (labels_of()). The bytes have remote write's own form, so that the most
// common protocol needs no copy; the others write them with LabelPacker. Remote write 2.0 refers to symbols
// instead, and the key is made of the symbols' hashes.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "model/histogram.hpp"
#include "model/sample.hpp"
#include "wire/item_error.hpp"

namespace telltale::wire {

struct LabelView {
  std::string_view name;
  std::string_view value;
};

/// Labels as remote write's `repeated Label labels = 1`, in the order they are added.
class LabelPacker {
 public:
  void clear() { bytes_.clear(); }
  void add(std::string_view name, std::string_view value);
  std::string_view view() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Remote write's own numbers.
enum class MetricKind : std::uint8_t {
  unknown = 0,
  counter = 1,
  gauge = 2,
  histogram = 3,
  gauge_histogram = 4,
  summary = 5,
  info = 6,
  stateset = 7,
};
/// `counter`, `gaugehistogram`, … as Prometheus' API says them.
std::string_view to_string(MetricKind kind);

struct MetricFamily {
  std::string name;
  MetricKind kind = MetricKind::unknown;
  std::string help;
  std::string unit;
};

struct MetricExemplar {
  std::uint32_t series = 0;  // in MetricWrite::series
  UnixMillis time;
  double value = 0;
  std::vector<Label> labels;
};

/// One request. Views point into the body that was decoded or into the memory of this; move-only.
struct MetricWrite {
  struct Series {
    Id128 key;                // equal for equal labels of one protocol
    std::string_view labels;  // packed; empty when `refs` are used
    std::uint32_t first_ref = 0;
    std::uint32_t refs = 0;  // pairs of symbols, as numbers in `symbol_refs`
    std::uint32_t first_sample = 0;
    std::uint32_t samples = 0;
    std::uint32_t index = 0;  // of the series in the request, for errors
  };

  std::vector<Series> series;
  std::vector<Sample> samples;  // of all series, one after the other
  std::vector<MetricExemplar> exemplars;
  std::vector<MetricFamily> families;
  /// What was left out; at most limits::kMaxMetricErrors of them, the count is of all.
  std::vector<ItemError> errors;
  std::size_t refused_samples = 0;
  std::size_t refused = 0;  // errors, told or not

  std::size_t buckets = 0;  // of all histograms, as far as they have been read

  std::vector<std::string_view> symbols;
  std::vector<std::uint64_t> symbol_hashes;
  std::vector<std::uint32_t> symbol_refs;

  /// A new series; the bytes outlive this.
  Series& begin_packed(std::string_view labels, std::size_t index);
  /// The same, with the bytes kept here.
  Series& begin(const LabelPacker& labels, std::size_t index) {
    return begin_packed(keep(labels.view()), index);
  }
  /// A new series of the last `count` of `symbol_refs`, all of them known symbols.
  Series& begin_symbols(std::size_t count, std::size_t index);
  /// To the newest series. False, and told once, when the request has too many.
  bool add(const Sample& sample);
  void add_exemplar(MetricExemplar exemplar);
  void add_family(MetricFamily family);
  /// `samples` that are lost with it.
  void refuse(std::size_t index, std::string reason, std::size_t lost = 1);
  /// Takes the newest series out again when nothing was added to it.
  void end_series();
  /// Bytes that live as long as this.
  std::string_view keep(std::string_view bytes);
  std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
  std::size_t kept_bytes_ = 0;
  bool full_ = false;
};

/// The labels as they were sent, in their order, into `out`. invalid_argument when they are no labels.
Result<> labels_of(const MetricWrite& write, const MetricWrite::Series& series, std::vector<LabelView>& out);

}  // namespace telltale::wire
