// A row's texts are put one behind the other and scanned at once: starting a scan costs more than most values
// are long. JSON is scanned as it stands and once more without its escapes, so that whatever a walk would
// meet is in what was scanned; where nothing is found, nothing is walked. What was read out of the line
// (FieldForm::derived) is in the line, too, and is looked at only when the line was struck.
#include <algorithm>

#include "redact/json_walk.hpp"
#include "redact/redactor_impl.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kLeastSecret = 5;              // `pw=x1` and nothing shorter
constexpr std::size_t kKeptBytes = 4 * 1024 * 1024;  // of a workspace, from row to row

/// Grows to the largest row and is kept up to kKeptBytes; one a thread.
struct Workspace {
  std::string texts;
  std::vector<std::uint32_t> ends;
  std::vector<DetectorSet> found;
  std::vector<std::uint32_t> fields;  // whose text ends at ends[i]

  void clear() {
    texts.clear();
    ends.clear();
    fields.clear();
  }
  /// After the scan: a huge row's room is not held for ever.
  void trim() {
    if (texts.capacity() > kKeptBytes) std::string().swap(texts);
  }
  void end_text(std::size_t field) {
    ends.push_back(static_cast<std::uint32_t>(texts.size()));
    texts += '\0';
    fields.push_back(static_cast<std::uint32_t>(field));
  }
  void add(std::size_t field, std::string_view value) {
    texts.append(value);
    end_text(field);
    if (!looks_like_json(value) || value.find('\\') == std::string_view::npos) return;
    const std::size_t begin = texts.size();
    append_unescaped(texts, value);
    const std::size_t end = texts.size();
    end_text(field);
    // JSON held in a string of JSON.
    if (std::string_view(texts).substr(begin, end - begin).find('\\') == std::string_view::npos) return;
    const std::string once = texts.substr(begin, end - begin);
    append_unescaped(texts, once);
    end_text(field);
  }
};

}  // namespace

bool Redactor::redact_fields(std::span<const Field> fields, Counts* counts) const {
  thread_local Workspace work;
  work.clear();
  bool changed = false;
  bool derived = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    std::string& value = *field.value;
    const KeyKind kind = field.kind          ? *field.kind
                         : field.key.empty() ? KeyKind::plain
                                             : impl_->facts(field.key).kind;
    if (kind != KeyKind::plain && impl_->filter_by_key(kind, value, counts)) {
      changed = true;
      continue;
    }
    if (value.size() < kLeastSecret && impl_->custom.empty()) continue;
    if (field.form == FieldForm::derived) {
      derived = true;
      continue;
    }
    if (field.form == FieldForm::id && has_id_shape(value)) continue;
    work.add(i, value);
  }
  work.found.assign(work.ends.size(), DetectorSet());
  bool struck = builtin_prefilter().scan_all(work.texts, work.ends, work.found);
  if (impl_->own) struck = impl_->own->scan_all(work.texts, work.ends, work.found) || struck;
  work.trim();
  if (!struck) return changed;
  // Nested calls use the workspace, too.
  const std::vector<DetectorSet> found = std::move(work.found);
  const std::vector<std::uint32_t> owners = std::move(work.fields);
  DetectorSet of_line;
  for (std::size_t i = 0; i < owners.size();) {
    DetectorSet d;
    const std::uint32_t owner = owners[i];
    for (; i < owners.size() && owners[i] == owner; ++i) d |= found[i];
    if (d.none()) continue;
    const Field& field = fields[owner];
    if (owner == 0) of_line = d;
    if (is_id_field(field.key, *field.value)) continue;
    changed = (field.form == FieldForm::event ? impl_->redact_event(*field.value, d, counts)
                                              : impl_->redact_content(*field.value, d, counts)) ||
              changed;
  }
  if (!derived || of_line.none()) return changed;
  for (const Field& field : fields) {
    if (field.form != FieldForm::derived || is_id_field(field.key, *field.value)) continue;
    changed = impl_->redact_content(*field.value, of_line, counts) || changed;
  }
  return changed;
}

}  // namespace telltale::redact
