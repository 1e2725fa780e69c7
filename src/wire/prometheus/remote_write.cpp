// A series' labels stand in front of its samples in one run of bytes, as every encoder writes them; that run
// is hashed as it is. Where they do not, they are brought together first.
#include "wire/prometheus/remote_write.hpp"

#include <optional>

#include <protozero/pbf_reader.hpp>

#include "base/hash.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"
#include "wire/prometheus/remote_write_parts.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;
constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kFixed64 = pbf_wire_type::fixed64;

std::string_view view_of(protozero::data_view view) { return {view.data(), view.size()}; }
std::string clean_text(protozero::data_view view) { return repair_utf8(view_of(view)); }

MetricKind kind_of(std::uint64_t number) {
  return number <= static_cast<std::uint64_t>(MetricKind::stateset) ? static_cast<MetricKind>(number)
                                                                    : MetricKind::unknown;
}

Sample read_sample(pbf_reader r) {
  Sample sample;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        sample.value = r.get_double();
        break;
      case tag_and_type(2, kVarint):
        sample.time.ms = r.get_int64();
        break;
      default:
        r.skip();
    }
  }
  return sample;
}

Label read_owned_label(pbf_reader r) {
  Label label;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kBytes):
        label.name = clean_text(r.get_view());
        break;
      case tag_and_type(2, kBytes):
        label.value = clean_text(r.get_view());
        break;
      default:
        r.skip();
    }
  }
  return label;
}

MetricExemplar read_exemplar(pbf_reader r) {
  MetricExemplar exemplar;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kBytes):
        exemplar.labels.push_back(read_owned_label(r.get_message()));
        break;
      case tag_and_type(2, kFixed64):
        exemplar.value = r.get_double();
        break;
      case tag_and_type(3, kVarint):
        exemplar.time.ms = r.get_int64();
        break;
      default:
        r.skip();
    }
  }
  return exemplar;
}

MetricFamily read_family(pbf_reader r) {
  MetricFamily family;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kVarint):
        family.kind = kind_of(r.get_uint64());
        break;
      case tag_and_type(2, kBytes):
        family.name = clean_text(r.get_view());
        break;
      case tag_and_type(4, kBytes):
        family.help = clean_text(r.get_view());
        break;
      case tag_and_type(5, kBytes):
        family.unit = clean_text(r.get_view());
        break;
      default:
        r.skip();
    }
  }
  return family;
}

/// The bytes of the series' labels: where they stand, or brought together in `out`.
std::string_view label_run(pbf_reader r, MetricWrite& out) {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::string gathered;
  bool scattered = false;
  for (const char* at = r.data().data(); r.next(); at = r.data().data()) {
    const bool label = r.tag_and_type() == tag_and_type(1, kBytes);
    r.skip();
    if (!label) continue;
    const char* after = r.data().data();
    if (begin == nullptr) begin = end = at;
    if (end != at && !scattered) {
      scattered = true;
      gathered.assign(begin, end);
    }
    if (scattered) gathered.append(at, after);
    end = after;
  }
  if (scattered) return out.keep(gathered);
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// What is behind the labels.
void read_points(pbf_reader r, MetricWrite& out) {
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(2, kBytes):
        out.add(read_sample(r.get_message()));
        break;
      case tag_and_type(3, kBytes):
        out.add_exemplar(read_exemplar(r.get_message()));
        break;
      case tag_and_type(4, kBytes):
        add_histogram(r.get_view(), out);
        break;
      default:
        r.skip();
    }
  }
}

bool is_full(const MetricWrite& out) { return out.series.size() >= limits::kMaxWriteSeries; }
std::string too_many_series() {
  return "the request has over " + std::to_string(limits::kMaxWriteSeries) + " series; the rest is dropped";
}

/// What a series that turns out to be malformed has added goes again; what it says of samples is one.
template <class Read>
void read_series(MetricWrite& out, std::size_t index, Read read) {
  const std::size_t series = out.series.size();
  const std::size_t samples = out.samples.size();
  const std::size_t exemplars = out.exemplars.size();
  try {
    read();
    if (out.series.size() > series) out.end_series();
  } catch (const protozero::exception& e) {
    out.series.resize(series);
    out.samples.resize(samples);
    out.exemplars.resize(exemplars);
    out.refuse(index, std::string("series: malformed protobuf: ") + e.what());
  }
}

Result<MetricWrite> parse_v1(std::string_view body) {
  MetricWrite out;
  std::size_t index = 0;
  pbf_reader r(body.data(), body.size());
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kBytes): {
        const auto message = r.get_view();
        if (is_full(out)) {
          out.refuse(index, too_many_series());
          return out;
        }
        read_series(out, index, [&] {
          out.begin_packed(label_run(pbf_reader(message), out), index);
          read_points(pbf_reader(message), out);
        });
        ++index;
        break;
      }
      case tag_and_type(3, kBytes):
        out.add_family(read_family(r.get_message()));
        break;
      default:
        r.skip();
    }
  }
  return out;
}

// --- 2.0 ---

/// Appends the field's references, whether they come packed or one by one. False when one is out of range.
bool read_refs(pbf_reader& r, MetricWrite& out) {
  const auto take = [&](std::uint32_t ref) {
    out.symbol_refs.push_back(ref);
    return ref < out.symbols.size();
  };
  if (r.wire_type() == kVarint) return take(r.get_uint32());
  bool good = true;
  for (const std::uint32_t ref : r.get_packed_uint32()) good = take(ref) && good;
  return good;
}

struct V2Series {
  std::size_t refs = 0;
  std::string_view metadata;
  bool bad_ref = false;
};

V2Series read_v2_labels(pbf_reader r, MetricWrite& out) {
  V2Series found;
  const std::size_t first = out.symbol_refs.size();
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kBytes):
      case tag_and_type(1, kVarint):
        if (!read_refs(r, out)) found.bad_ref = true;
        break;
      case tag_and_type(5, kBytes):
        found.metadata = view_of(r.get_view());
        break;
      default:
        r.skip();
    }
  }
  found.refs = out.symbol_refs.size() - first;
  return found;
}

Sample read_v2_sample(pbf_reader r) {
  Sample sample;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        sample.value = r.get_double();
        break;
      case tag_and_type(2, kVarint):
        sample.time.ms = r.get_int64();
        break;
      case tag_and_type(3, kVarint):
        sample.start.ms = r.get_int64();
        break;
      default:
        r.skip();
    }
  }
  return sample;
}

/// Nothing when it refers to symbols that are not there.
std::optional<MetricExemplar> read_v2_exemplar(pbf_reader r, MetricWrite& out) {
  MetricExemplar exemplar;
  const std::size_t first = out.symbol_refs.size();
  bool good = true;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kBytes):
      case tag_and_type(1, kVarint):
        good = read_refs(r, out) && good;
        break;
      case tag_and_type(2, kFixed64):
        exemplar.value = r.get_double();
        break;
      case tag_and_type(3, kVarint):
        exemplar.time.ms = r.get_int64();
        break;
      default:
        r.skip();
    }
  }
  const std::size_t refs = out.symbol_refs.size() - first;
  good = good && refs % 2 == 0;
  for (std::size_t i = 0; good && i < refs; i += 2) {
    const auto symbol = [&](std::size_t n) { return repair_utf8(out.symbols[out.symbol_refs[first + n]]); };
    exemplar.labels.push_back({symbol(i), symbol(i + 1)});
  }
  out.symbol_refs.resize(first);
  if (!good) return std::nullopt;
  return exemplar;
}

void read_v2_points(pbf_reader r, std::size_t index, MetricWrite& out) {
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(2, kBytes):
        out.add(read_v2_sample(r.get_message()));
        break;
      case tag_and_type(3, kBytes):
        add_histogram(r.get_view(), out);
        break;
      case tag_and_type(4, kBytes):
        if (auto exemplar = read_v2_exemplar(r.get_message(), out)) {
          out.add_exemplar(*std::move(exemplar));
        } else {
          out.refuse(index, "exemplar: labels_refs refer to symbols that are not there", 0);
        }
        break;
      default:
        r.skip();
    }
  }
}

/// The family is named by the series' __name__, the suffixes of histograms and summaries apart.
void add_v2_family(std::string_view message, const MetricWrite::Series& series, MetricWrite& out) {
  pbf_reader r(message.data(), message.size());
  MetricFamily family;
  const auto symbol = [&](std::uint32_t ref) {
    return ref < out.symbols.size() ? repair_utf8(out.symbols[ref]) : std::string();
  };
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, kVarint):
        family.kind = kind_of(r.get_uint64());
        break;
      case tag_and_type(3, kVarint):
        family.help = symbol(r.get_uint32());
        break;
      case tag_and_type(4, kVarint):
        family.unit = symbol(r.get_uint32());
        break;
      default:
        r.skip();
    }
  }
  if (family.kind == MetricKind::unknown && family.help.empty() && family.unit.empty()) return;
  for (std::uint32_t i = 0; i + 1 < series.refs; i += 2) {
    if (out.symbols[out.symbol_refs[series.first_ref + i]] != kMetricName) continue;
    family.name = family_of(repair_utf8(out.symbols[out.symbol_refs[series.first_ref + i + 1]]), family.kind);
    // The series of one family follow each other.
    if (!out.families.empty() && out.families.back().name == family.name) return;
    out.add_family(std::move(family));
    return;
  }
}

void read_v2_series(protozero::data_view message, std::size_t index, MetricWrite& out) {
  const V2Series found = read_v2_labels(pbf_reader(message), out);
  const auto lose = [&](const char* why) {
    out.symbol_refs.resize(out.symbol_refs.size() - found.refs);
    out.refuse(index, why);
  };
  if (found.bad_ref) return lose("labels_refs: a symbol that is not there");
  if (found.refs % 2 != 0) return lose("labels_refs: an odd number of references");
  if (found.refs == 0) return lose("labels_refs: missing");
  const MetricWrite::Series series = out.begin_symbols(found.refs, index);
  read_v2_points(pbf_reader(message), index, out);
  if (!found.metadata.empty()) add_v2_family(found.metadata, series, out);
}

Result<> read_symbols(std::string_view body, MetricWrite& out) {
  pbf_reader r(body.data(), body.size());
  while (r.next()) {
    if (r.tag_and_type() != tag_and_type(4, kBytes)) {
      r.skip();
      continue;
    }
    if (out.symbols.size() >= limits::kMaxWriteSymbols) {
      return fail(ErrorKind::too_large,
                  "symbols: over the limit of " + std::to_string(limits::kMaxWriteSymbols));
    }
    out.symbols.push_back(view_of(r.get_view()));
    out.symbol_hashes.push_back(hash64(out.symbols.back()));
  }
  if (!out.symbols.empty() && !out.symbols.front().empty())
    return fail(ErrorKind::invalid_argument, "symbols: the first one must be empty");
  return {};
}

Result<MetricWrite> parse_v2(std::string_view body) {
  MetricWrite out;
  TT_TRY(read_symbols(body, out));
  std::size_t index = 0;
  pbf_reader r(body.data(), body.size());
  while (r.next()) {
    if (r.tag_and_type() != tag_and_type(5, kBytes)) {
      r.skip();
      continue;
    }
    const auto message = r.get_view();
    if (is_full(out)) {
      out.refuse(index, too_many_series());
      break;
    }
    const std::size_t refs = out.symbol_refs.size();
    const std::size_t refused = out.refused;
    read_series(out, index, [&] { read_v2_series(message, index, out); });
    if (out.refused > refused && out.series.size() == 0) out.symbol_refs.resize(refs);
    ++index;
  }
  return out;
}

}  // namespace

Result<WriteVersion> write_version_from(std::string_view content_type) {
  const auto trim = [](std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return s;
  };
  if (content_type.empty()) return WriteVersion::v1;
  const std::size_t end = content_type.find(';');
  if (!equal_ignore_case(trim(content_type.substr(0, end)), "application/x-protobuf"))
    return fail(ErrorKind::unsupported, "Content-Type: remote write is application/x-protobuf");
  std::string_view rest = end == std::string_view::npos ? std::string_view() : content_type.substr(end + 1);
  while (!rest.empty()) {
    const std::size_t semicolon = std::min(rest.find(';'), rest.size());
    std::string_view parameter = trim(rest.substr(0, semicolon));
    rest.remove_prefix(std::min(semicolon + 1, rest.size()));
    if (parameter.size() < 6 || !equal_ignore_case(parameter.substr(0, 6), "proto=")) continue;
    parameter = trim(parameter.substr(6));
    if (parameter == "prometheus.WriteRequest") return WriteVersion::v1;
    if (parameter == "io.prometheus.write.v2.Request") return WriteVersion::v2;
    return fail(ErrorKind::unsupported,
                "Content-Type: proto must be prometheus.WriteRequest or io.prometheus.write.v2.Request");
  }
  return WriteVersion::v1;
}

Result<Codec> write_codec_from(std::string_view content_encoding) {
  if (content_encoding.empty() || equal_ignore_case(content_encoding, "snappy")) return Codec::snappy;
  if (equal_ignore_case(content_encoding, "zstd")) return Codec::zstd;
  return fail(ErrorKind::unsupported, "Content-Encoding: remote write is compressed with snappy");
}

Result<MetricWrite> parse_remote_write(std::string_view body, WriteVersion version) {
  try {
    return version == WriteVersion::v1 ? parse_v1(body) : parse_v2(body);
  } catch (const protozero::exception& e) {
    return fail(ErrorKind::invalid_argument, std::string("remote write: malformed protobuf: ") + e.what());
  }
}

}  // namespace telltale::wire::prometheus
