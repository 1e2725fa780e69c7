// The reading half of text_codec.hpp. Everything is checked before it is believed: sizes against the bytes
// there are, codes against entries, widths against forms.
#include <algorithm>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kReadPresence = 1;
constexpr std::uint8_t kReadFirstIsAbsent = 2;
constexpr std::uint8_t kReadSharedCodes = 4;

tl::unexpected<Error> bad_text(const char* what) {
  return fail(ErrorKind::corruption, std::string("text column: ") + what);
}

bool good_form(FormSpec form) {
  switch (form.form) {
    case TextForm::text:
      return form.width == 0;
    case TextForm::hex:
      return form.width >= 1 && form.width <= 32;
    case TextForm::uuid:
      return form.width == 16;
    case TextForm::ipv4:
      return form.width == 4;
  }
  return false;
}

}  // namespace

bool read_texts(std::string_view bytes, std::size_t count, std::vector<std::uint32_t>& ends,
                std::size_t& arena) {
  if (bytes.empty()) return false;
  const auto bits = static_cast<unsigned char>(bytes[0]);
  if (bits > 32 || count > limits::kEventBlockRows) return false;
  arena = 1 + packed_bytes(count, bits);
  if (arena > bytes.size()) return false;
  ends.resize(count);
  std::uint64_t end = 0;
  if (bits > 0) {
    for (std::size_t i = 0; i < count; ++i) {
      end += packed_at(bytes.data() + 1, i, bits);
      ends[i] = static_cast<std::uint32_t>(end);
      if (end > UINT32_MAX) return false;
    }
  }
  return end == bytes.size() - arena;
}

class TextReader : public ByteReader {
 public:
  using ByteReader::ByteReader;
};

Result<TextColumn> TextColumn::decode(Bytes bytes, std::size_t rows) {
  TextColumn out;
  out.rows_ = rows;
  out.bytes_ = std::move(bytes);
  TextReader in(out.bytes_.view);
  const std::uint8_t codec = in.u8();
  const std::uint8_t flags = in.u8();
  if (!in.ok() || codec < 1 || codec > static_cast<std::uint8_t>(TextCodec::templates) || flags > 7)
    return bad_text("unknown codec");
  out.codec_ = static_cast<TextCodec>(codec);
  if ((flags & kReadPresence) != 0) {
    TT_ASSIGN(const std::string words, unpack_bytes(in.string()));
    Bitmap presence(rows);
    if (words.size() != presence.words().size() * 8) return bad_text("wrong presence");
    std::memcpy(presence.words().data(), words.data(), words.size());
    if (rows % 64 != 0 && presence.words().back() >> (rows % 64) != 0) return bad_text("wrong presence");
    out.presence_ = std::move(presence);
  }
  out.first_is_absent_ = (flags & kReadFirstIsAbsent) != 0;
  switch (out.codec_) {
    case TextCodec::dictionary:
      if ((flags & kReadSharedCodes) != 0) out.shared_ = 0;
      TT_TRY(out.decode_dictionary(in));
      break;
    case TextCodec::pages:
      TT_TRY(out.decode_pages(in));
      break;
    case TextCodec::templates: {
      TT_ASSIGN(TemplateColumn templates, TemplateColumn::open(in.bytes(in.remaining()), rows));
      out.templates_ = std::make_unique<TemplateColumn>(std::move(templates));
      break;
    }
    case TextCodec::binary:
      out.form_ = {static_cast<TextForm>(in.u8()), in.u8()};
      if (!in.ok() || out.form_.form == TextForm::text || !good_form(out.form_))
        return bad_text("unknown form");
      out.payload_ = in.bytes(rows * out.form_.width);
      break;
    case TextCodec::alias:
    case TextCodec::time:
      out.number_ = in.u8();
      if (out.codec_ == TextCodec::time && out.number_ >= kTimeStyles) return bad_text("unknown notation");
      break;
  }
  if (!in.ok() || !in.empty()) return bad_text("wrong size");
  return out;
}

Result<> TextColumn::decode_dictionary(TextReader& in) {
  form_.form = static_cast<TextForm>(in.u8());
  form_.width = in.u8();
  const std::uint64_t entries = in.varint();
  if (!in.ok() || !good_form(form_) || entries == 0 || entries > Dictionary::kMost)
    return bad_text("bad dictionary");
  entries_ = entries;
  if (form_.form == TextForm::text) {
    TT_ASSIGN(std::string raw, unpack_bytes(in.string()));
    entry_bytes_ = std::make_shared<const std::string>(std::move(raw));
    std::size_t arena = 0;
    if (!read_texts(*entry_bytes_, entries_, ends_, arena)) return bad_text("entries do not fit");
    payload_ = std::string_view(*entry_bytes_).substr(arena);
  } else {
    payload_ = in.bytes(entries_ * form_.width);
  }
  if (shared_) {
    const std::uint64_t owner = in.varint();
    if (owner > UINT32_MAX || entries_ < 2) return bad_text("bad owner of codes");
    shared_ = static_cast<std::uint32_t>(owner);
    return {};
  }
  if (entries_ == 1) return {};
  code_bits_ = in.u8();
  if (!in.ok() || code_bits_ < 1 || code_bits_ > 16) return bad_text("bad codes");
  codes_ = in.bytes(packed_bytes(rows_, code_bits_));
  if (!in.ok()) return bad_text("too few codes");
  return {};
}

Result<> TextColumn::decode_pages(TextReader& in) {
  pages_at_ = bytes_.view.size() - in.remaining();
  const std::uint64_t pages = in.varint();
  if (!in.ok() || pages > in.remaining()) return bad_text("bad pages");
  std::uint64_t rows = 0;
  for (std::uint64_t p = 0; p < pages; ++p) {
    const std::uint64_t n = in.varint();
    const std::uint64_t offset = in.varint();
    const std::uint64_t size = in.varint();
    if (n == 0 || n > limits::kEventBlockRows || size > UINT32_MAX) return bad_text("bad page");
    page_rows_.push_back(static_cast<std::uint32_t>(rows));
    page_handles_.push_back({offset, static_cast<std::uint32_t>(size)});
    rows += n;
  }
  if (rows != rows_) return bad_text("wrong number of rows");
  loaded_.resize(pages);
  return {};
}

Result<std::string> TextColumn::with_pages_moved(const MovePage& move) const {
  if (codec_ != TextCodec::pages) return std::string(bytes_.view);
  ByteWriter out;
  out.bytes(bytes_.view.substr(0, pages_at_));
  out.varint(page_rows_.size());
  for (std::size_t p = 0; p < page_rows_.size(); ++p) {
    const auto [first, last] = page_rows(p);
    TT_ASSIGN(const io::BlockHandle handle, move(page_handles_[p]));
    out.varint(last - first);
    out.varint(handle.offset);
    out.varint(handle.size);
  }
  return out.take();
}

TextColumn TextColumn::absent(std::size_t rows) {
  TextColumn out;
  out.rows_ = rows;
  out.first_is_absent_ = true;
  out.entries_ = 1;
  out.ends_.assign(1, 0);
  return out;
}

std::string_view TextColumn::raw_entry(std::size_t code) const {
  if (code >= entries_) return {};  // checksums say that this does not happen; memory is safe if it does
  if (form_.form != TextForm::text) return payload_.substr(code * form_.width, form_.width);
  const std::uint32_t begin = code == 0 ? 0 : ends_[code - 1];
  return payload_.substr(begin, ends_[code] - begin);
}

std::string_view TextColumn::entry(std::size_t code, std::string& scratch) const {
  if (form_.form == TextForm::text) return raw_entry(code);
  if ((code == 0 && first_is_absent_) || code >= entries_) return {};
  to_text(form_, payload_.data() + code * form_.width, scratch);
  return scratch;
}

const std::vector<std::uint16_t>& TextColumn::codes() {
  if (unpacked_.size() == rows_) return unpacked_;
  unpacked_.resize(rows_);
  if (code_bits_ == 0) return unpacked_;
  const char* packed = codes_.data();
  const std::uint64_t mask = (std::uint64_t{1} << code_bits_) - 1;
  std::size_t bit = 0;
  for (std::uint16_t& c : unpacked_) {
    std::uint64_t word;
    std::memcpy(&word, packed + bit / 8, sizeof word);
    c = static_cast<std::uint16_t>(word >> (bit % 8) & mask);
    bit += code_bits_;
  }
  return unpacked_;
}

Result<> TextColumn::borrow_codes(const TextColumn& owner) {
  if (owner.codec_ != TextCodec::dictionary || owner.shared_ || owner.entries_ != entries_)
    return bad_text("codes of another dictionary");
  code_bits_ = owner.code_bits_;
  codes_ = owner.codes_;
  codes_owner_ = owner.bytes_;
  shared_.reset();
  return {};
}

std::size_t TextColumn::page_of(std::size_t row) const {
  const auto at = std::upper_bound(page_rows_.begin(), page_rows_.end(), row);
  return static_cast<std::size_t>(at - page_rows_.begin()) - 1;
}

Result<const TextPage*> TextColumn::page(std::size_t number, const BlockSource& source) {
  auto& page = loaded_[number];
  if (page) return page.get();
  TT_ASSIGN(const Bytes packed, source.read(page_handles_[number]));
  auto made = std::make_unique<TextPage>();
  auto raw = unpack_bytes(packed.view);
  if (!raw) return tl::unexpected<Error>(source.damage(std::move(raw).error()));
  made->bytes = *std::move(raw);
  made->first_row = page_rows_[number];
  const std::size_t end = number + 1 < page_rows_.size() ? page_rows_[number + 1] : rows_;
  if (!read_texts(made->bytes, end - made->first_row, made->ends, made->arena))
    return tl::unexpected<Error>(source.damage(Error(ErrorKind::corruption, "bad page of texts")));
  page = std::move(made);
  return page.get();
}

std::size_t TextColumn::memory_bytes() const {
  std::size_t bytes = bytes_.view.size() + ends_.capacity() * 4 + unpacked_.capacity() * 2 +
                      (entry_bytes_ ? entry_bytes_->size() : 0) + (presence_ ? rows_ / 8 : 0) +
                      page_rows_.size() * 24 + (templates_ ? templates_->memory_bytes() : 0);
  for (const auto& page : loaded_)
    if (page) bytes += page->memory_bytes();
  return bytes;
}

}  // namespace telltale::eventdb
