// json_line conditions (storage/json_line.hpp) on a block. Whether a line kept as a skeleton says what its
// fields say is a matter of the skeleton: it is read once, with examples in place of values. Lines that this
// cannot decide, and those kept as they were sent, are looked at one by one.
#include <algorithm>

#include "eventdb/column_scan.hpp"
#include "storage/json_line.hpp"

namespace telltale::eventdb {

using storage::CompiledLeaf;

namespace {

enum class SaysField : std::uint8_t { no, yes, look };

/// Reads one line in the place of all that a skeleton stands for.
class SkeletonReader {
 public:
  SkeletonReader(const CompiledLeaf& leaf, const BlockDirectory& directory)
      : leaf_(leaf), directory_(directory) {
    for (const ColumnEntry& c : directory.columns) {
      if (!c.is_attribute() || leaf.field().empty() || !has_spelling(c.name, leaf.field())) continue;
      if (std::find(names_.begin(), names_.end(), c.name) == names_.end()) names_.push_back(c.name);
    }
  }

  SaysField read(const Skeleton& skeleton) const {
    // A value's place is taken by a number, which is JSON with quotes around it and without.
    std::string text;
    for (std::size_t i = 0; i < skeleton.references.size(); ++i) {
      text += skeleton.literals[i];
      const Skeleton::Reference& r = skeleton.references[i];
      const bool is_string = r.mode == 's' || r.mode == 'a' || r.mode == 't';
      if (!is_string && !only_numbers(r.name)) return SaysField::look;
      text += mark(i);
    }
    text += skeleton.literals.back();
    bool found = false;
    SaysField says = SaysField::yes;
    JsonScanner in(text);
    std::string path;
    storage::flatten_json(in, path, [&](std::string_view name, JsonType, std::string_view raw, bool) {
      if (found || leaf_.field().empty() || name != leaf_.field()) return;
      found = true;
      says = of_value(skeleton, raw);
    });
    return in.ok() && in.at_end() ? says : SaysField::no;
  }

 private:
  static std::string mark(std::size_t reference) { return "87460213" + std::to_string(100'000 + reference); }

  /// Texts outside of quotes may be anything.
  bool only_numbers(const std::string& name) const {
    bool any = false;
    for (const ColumnEntry& c : directory_.columns) {
      if (!c.is_attribute() || c.name != name) continue;
      if (c.type == AttrType::text) return false;
      any = true;
    }
    return any;
  }

  SaysField of_value(const Skeleton& skeleton, std::string_view raw) const {
    for (std::size_t i = 0; i < skeleton.references.size(); ++i) {
      if (raw != mark(i)) continue;
      const Skeleton::Reference& r = skeleton.references[i];
      const bool same_number = r.mode == 'f' || (r.mode >= '1' && r.mode <= '9');
      const bool as_it_is = r.mode == 's' || r.mode == 'r' || (same_number && leaf_.as_number());
      const bool is_it = names_.size() == 1 && names_[0] == r.name;
      return as_it_is && is_it ? SaysField::yes : SaysField::look;
    }
    return SaysField::look;  // a value that no field has, such as ""
  }

  const CompiledLeaf& leaf_;
  const BlockDirectory& directory_;
  std::vector<std::string> names_;  // of attributes that are spelled so
};

class JsonLeafScan {
 public:
  JsonLeafScan(const CompiledLeaf& leaf, Block& block, const Bitmap& among)
      : leaf_(leaf), block_(block), among_(among), found_(block.rows()), open_(block.rows()) {}

  Result<Bitmap> run() {
    const auto message = block_.find(Column::message);
    if (!message) return std::move(found_);  // an empty line is no JSON
    if (block_.skeleton_column() && !block_.residual_column()) {
      TT_TRY(by_skeletons());
    } else {
      open_ = among_;
    }
    TT_TRY(one_by_one(*message));
    return std::move(found_);
  }

 private:
  Result<> by_skeletons() {
    TT_ASSIGN(const Skeletons* skeletons, block_.skeletons());
    const SkeletonReader reader(leaf_, block_.directory());
    std::vector<SaysField> says(skeletons->code_space, SaysField::look);
    for (std::size_t s = 1; s < skeletons->list.size(); ++s) says[s] = reader.read(skeletons->list[s]);
    const bool all =
        std::all_of(says.begin() + 1, says.begin() + static_cast<std::ptrdiff_t>(skeletons->list.size()),
                    [](SaysField v) { return v == SaysField::yes; });
    TT_ASSIGN(const bool only_skeletons, has_only_skeletons());
    if (all && only_skeletons) {
      found_ = among_;
      return {};
    }
    TT_ASSIGN(const auto* codes, block_.skeleton_codes());
    for (std::size_t i = 0; i < codes->size(); ++i) {
      const SaysField v = says[(*codes)[i]];
      if (v == SaysField::yes) found_.set(i);
      if (v == SaysField::look) open_.set(i);
    }
    found_ &= among_;
    open_ &= among_;
    return {};
  }

  /// Every row has a message, and none of them is kept as it was sent.
  Result<bool> has_only_skeletons() {
    const std::uint32_t message = *block_.find(Column::message);
    if (block_.directory().columns[message].present != block_.rows()) return false;
    TT_ASSIGN(const TextView raw, block_.raw_text(message));
    return raw.column->codec() == TextCodec::dictionary && raw.column->first_is_absent() &&
           raw.column->entries() == 1;
  }

  Result<> one_by_one(std::uint32_t message) {
    if (open_.none()) return {};
    TT_ASSIGN(const TextView view, block_.text(message));
    TT_TRY(block_.want(storage::FieldSet({}), false));
    std::string scratch;
    EventRow row;
    Result<> good;
    std::size_t n = 0;
    open_.for_each([&](std::size_t i) {
      if (good && ++n % 1024 == 0) good = block_.check();
      if (good) good = look(view, i, scratch, row);
    });
    return good;
  }

  Result<> look(const TextView& view, std::size_t i, std::string& scratch, EventRow& row) {
    TT_ASSIGN(const auto text, block_.text_at(view, i, scratch));
    if (!text) return {};
    const auto begin = text->find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || (*text)[begin] != '{') return {};
    TT_TRY(block_.materialise(i, row));
    if (leaf_.matches_line(row)) found_.set(i);
    return {};
  }

  const CompiledLeaf& leaf_;
  Block& block_;
  const Bitmap& among_;
  Bitmap found_;
  Bitmap open_;  // rows to look at
};

}  // namespace

Result<Bitmap> scan_json_line(const CompiledLeaf& leaf, Block& block, const Bitmap& among) {
  if (among.none()) return Bitmap(block.rows());
  return JsonLeafScan(leaf, block, among).run();
}

}  // namespace telltale::eventdb
