// The writing half of text_codec.hpp.
#include <algorithm>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/compress.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kPlainBytes = 0;
constexpr std::uint8_t kZstdBytes = 1;
constexpr std::size_t kWorthCompressing = 48;
constexpr std::uint8_t kHasPresence = 1;
constexpr std::uint8_t kFirstIsAbsent = 2;
constexpr std::uint8_t kSharedCodes = 4;

void put_head(ByteWriter& out, TextCodec codec, std::uint8_t flags) {
  out.u8(static_cast<std::uint8_t>(codec));
  out.u8(flags);
}

void put_presence(ByteWriter& out, const Bitmap* presence) {
  if (presence == nullptr) return;
  const auto& words = presence->words();
  out.string(pack_bytes({reinterpret_cast<const char*>(words.data()), words.size() * 8}));
}

/// The form all of `values` (but the skipped one) have.
FormSpec common_form(std::span<const std::string_view> values, const Bitmap* presence, std::size_t skip) {
  FormSpec form;
  char binary[32];
  bool first = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == skip || (presence != nullptr && !presence->test(i))) continue;
    if (first) {
      form = form_of(values[i]);
      first = false;
    }
    if (form.form == TextForm::text || !to_binary(form, values[i], binary)) return {};
  }
  return form;
}

std::string to_binary_bytes(std::span<const std::string_view> values, FormSpec have, FormSpec want) {
  std::string out(values.size() * want.width, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    char* to = out.data() + i * want.width;
    if (have.form != TextForm::text) {
      std::copy(values[i].begin(), values[i].end(), to);
    } else {
      to_binary(want, values[i], to);
    }
  }
  return out;
}

Result<std::string> encode_dictionary(TextValues& column, std::uint32_t number, SharedCodes& shared) {
  const std::size_t skip = column.first_is_absent ? 0 : SIZE_MAX;
  const FormSpec form =
      column.form.form != TextForm::text ? column.form : common_form(column.entries, nullptr, skip);
  const auto same = std::find_if(shared.columns.begin(), shared.columns.end(),
                                 [&](const auto& other) { return other.second == column.codes; });
  const bool shares = column.entries.size() > 1 && same != shared.columns.end();
  ByteWriter out;
  put_head(
      out, TextCodec::dictionary,
      static_cast<std::uint8_t>((column.first_is_absent ? kFirstIsAbsent : 0) | (shares ? kSharedCodes : 0)));
  out.u8(static_cast<std::uint8_t>(form.form));
  out.u8(form.width);
  out.varint(column.entries.size());
  if (form.form == TextForm::text) {
    out.string(pack_bytes(text_bytes(column.entries)));
  } else {
    out.bytes(to_binary_bytes(column.entries, column.form, form));
  }
  if (shares) {
    out.varint(same->first);
  } else if (column.entries.size() > 1) {
    const unsigned bits = bits_for(column.entries.size() - 1);
    out.u8(static_cast<std::uint8_t>(bits));
    std::string packed;
    pack_bits(column.codes, bits, packed);
    out.bytes(packed);
    // Few values are too common for their codes to be worth a comparison.
    if (column.entries.size() > 64) shared.columns.emplace_back(number, std::move(column.codes));
  }
  return out.take();
}

Result<std::string> encode_plain(const TextValues& column, Effort effort, BlockSink& sink) {
  const Bitmap* presence = column.presence ? &*column.presence : nullptr;
  const FormSpec form =
      column.form.form != TextForm::text ? column.form : common_form(column.values, presence, SIZE_MAX);
  ByteWriter out;
  const std::uint8_t flags = presence != nullptr ? kHasPresence : 0;
  if (form.form != TextForm::text) {
    put_head(out, TextCodec::binary, flags);
    put_presence(out, presence);
    out.u8(static_cast<std::uint8_t>(form.form));
    out.u8(form.width);
    out.bytes(to_binary_bytes(column.values, column.form, form));
    return out.take();
  }
  const auto templates = effort == Effort::thorough ? encode_templates(column.values) : std::nullopt;
  if (templates) {
    put_head(out, TextCodec::templates, flags);
    put_presence(out, presence);
    out.bytes(*templates);
    return out.take();
  }
  put_head(out, TextCodec::pages, flags);
  put_presence(out, presence);
  ByteWriter pages;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < column.values.size(); ++count) {
    std::size_t end = begin;
    for (std::size_t bytes = 0;
         end < column.values.size() && end - begin < limits::kEventPageRows &&
         (end == begin || bytes + column.values[end].size() <= limits::kEventPageBytes);
         ++end)
      bytes += column.values[end].size();
    const auto values = std::span(column.values).subspan(begin, end - begin);
    TT_ASSIGN(const io::BlockHandle handle, sink.put(pack_bytes(text_bytes(values))));
    pages.varint(end - begin);
    pages.varint(handle.offset);
    pages.varint(handle.size);
    begin = end;
  }
  out.varint(count);
  out.bytes(pages.view());
  return out.take();
}

}  // namespace

std::string text_bytes(std::span<const std::string_view> values) {
  std::size_t size = 0;
  std::size_t longest = 0;
  for (const std::string_view v : values) {
    size += v.size();
    longest = std::max(longest, v.size());
  }
  std::vector<std::uint64_t> lengths;
  lengths.reserve(values.size());
  for (const std::string_view v : values) lengths.push_back(v.size());
  const unsigned bits = bits_for(longest);
  std::string out(1, static_cast<char>(bits));
  out.reserve(1 + packed_bytes(values.size(), bits) + size);
  pack_bits(lengths, bits, out);
  for (const std::string_view v : values) out.append(v);
  return out;
}

std::string pack_bytes(std::string_view raw) {
  ByteWriter out;
  if (raw.size() >= kWorthCompressing) {
    const std::string zipped = compress(Codec::zstd, raw, 1);
    if (zipped.size() + zipped.size() / 16 < raw.size()) {
      out.u8(kZstdBytes);
      out.varint(raw.size());
      out.bytes(zipped);
      return out.take();
    }
  }
  out.u8(kPlainBytes);
  out.varint(raw.size());
  out.bytes(raw);
  return out.take();
}

Result<std::string> unpack_bytes(std::string_view packed) {
  const auto bad = [](const char* what) {
    return fail(ErrorKind::corruption, std::string("column: ") + what);
  };
  ByteReader in(packed);
  const std::uint8_t codec = in.u8();
  const std::uint64_t size = in.varint();
  if (!in.ok() || size > limits::kEventColumnBytes) return bad("bad header");
  const std::string_view bytes = in.bytes(in.remaining());
  if (codec == kPlainBytes) {
    if (bytes.size() != size) return bad("wrong size");
    return std::string(bytes);
  }
  if (codec != kZstdBytes) return bad("unknown codec");
  auto raw = decompress_sized(bytes, size);
  if (!raw) return bad("does not decompress");
  return raw;
}

void Dictionary::grow() {
  slots_.assign(std::max<std::size_t>(256, slots_.size() * 2), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    std::size_t at = hashes_[e] & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(e + 1);
  }
}

std::optional<std::uint16_t> Dictionary::add(std::string_view value) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(hash64(value));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const std::size_t e = slots_[at] - 1;
    if (hashes_[e] == hash && entries_[e] == value) return static_cast<std::uint16_t>(e);
  }
  if (entries_.size() == kMost) return std::nullopt;
  entries_.push_back(value);
  hashes_.push_back(hash);
  slots_[at] = static_cast<std::uint32_t>(entries_.size());
  return static_cast<std::uint16_t>(entries_.size() - 1);
}

void find_dictionary(TextValues& column) {
  Dictionary dictionary;
  std::vector<std::uint16_t> codes(column.rows);
  const bool some_absent = column.presence && !column.presence->all();
  if (some_absent) dictionary.add({});
  const std::size_t most = most_entries(column.rows);
  std::size_t have = 0;
  std::size_t long_bytes = 0;
  std::string_view last;
  std::uint16_t last_code = 0;
  bool has_last = false;
  for (std::size_t i = 0; i < column.rows; ++i) {
    if (some_absent && !column.presence->test(i)) continue;  // code 0
    const std::string_view v = column.values[i];
    if (some_absent && v.empty()) return;  // an empty value is not an absent one
    if (!has_last || v != last) {
      const std::size_t before = dictionary.entries().size();
      const auto code = dictionary.add(v);
      if (!code || dictionary.entries().size() > most) return;
      if (dictionary.entries().size() > before && v.size() > kShortText) long_bytes += v.size();
      // One row would cost the whole dictionary: pages are cheaper.
      if (long_bytes > limits::kEventPageBytes) return;
      last_code = *code;
      last = v;
      has_last = true;
    }
    codes[i] = last_code;
    ++have;
    if (have == kDictionaryTrial && dictionary.entries().size() > kDictionaryTrial * 9 / 10) return;
  }
  if (column.presence && !some_absent) column.presence.reset();
  column.first_is_absent = some_absent;
  column.entries = dictionary.entries();
  column.codes = std::move(codes);
  column.values.clear();
}

Result<std::string> encode_text_column(TextValues& column, std::uint32_t number, SharedCodes& shared,
                                       Effort effort, BlockSink& sink) {
  if (!column.entries.empty()) return encode_dictionary(column, number, shared);
  if (column.presence && column.presence->all()) column.presence.reset();
  return encode_plain(column, effort, sink);
}

std::string encode_alias_column(std::uint8_t fixed_column, const Bitmap* presence) {
  ByteWriter out;
  put_head(out, TextCodec::alias, presence != nullptr ? kHasPresence : 0);
  put_presence(out, presence);
  out.u8(fixed_column);
  return out.take();
}

std::string encode_time_column(std::uint8_t style, const Bitmap* presence) {
  ByteWriter out;
  put_head(out, TextCodec::time, presence != nullptr ? kHasPresence : 0);
  put_presence(out, presence);
  out.u8(style);
  return out.take();
}

}  // namespace telltale::eventdb
