#include "logql/row_state.hpp"

#include <algorithm>

#include "logql/units.hpp"

namespace telltale::logql {
namespace {

constexpr std::size_t kMaxCachedNames = 10'000;
constexpr std::size_t kMaxIdleTexts = 256;

std::optional<std::string_view> fixed_text(const EventRow& row, std::string_view column, RowState& state) {
  const EventIds& ids = row.ids;
  const auto view = [](const std::string& s) {
    return s.empty() ? std::nullopt : std::optional<std::string_view>(s);
  };
  if (column == "service") return view(ids.service);
  if (column == "environment") return view(ids.environment);
  if (column == "release") return view(ids.release);
  if (column == "host") return view(ids.host);
  if (column == "request_id") return view(ids.request_id);
  if (column == "user_id") return view(ids.user_id);
  if (column == "transaction") return view(ids.transaction);
  if (column == "level") {
    if (ids.level == Level::unknown) return std::nullopt;
    return to_string(ids.level);
  }
  if (column == "trace_id" && ids.trace_id.present()) return state.keep(ids.trace_id.hex());
  if (column == "span_id" && ids.span_id.present()) return state.keep(ids.span_id.hex());
  return std::nullopt;
}

}  // namespace

std::string_view NameTable::intern(std::string_view name) {
  if (const auto found = index_.find(name); found != index_.end()) return names_[found->second];
  if (names_.size() >= kMaxCachedNames) return {};
  names_.emplace_back(name);
  index_.emplace(names_.back(), names_.size() - 1);
  return names_.back();
}

std::string_view RowState::sane_name(std::string_view name, bool& changed) {
  changed = !is_label_name(name);
  if (!changed) return name;
  auto found = sane_names_.find(std::string(name));
  if (found == sane_names_.end()) {
    if (sane_names_.size() >= kMaxCachedNames) return keep(sanitised_name(name));
    found = sane_names_.emplace(std::string(name), sanitised_name(name)).first;
  }
  return found->second;
}

void RowState::start(const EventRow& row) {
  row_ = &row;
  line_ = row.message;
  labels_.clear();
  base_.clear();
  hidden_.clear();
  hide_fields_ = false;
  error_ = {};
  details_ = {};
  used_texts_ = 0;
  if (texts_.size() > kMaxIdleTexts) texts_.clear();
  bool any_changed = false;
  for (const AttrKind kind : {AttrKind::label, AttrKind::metadata}) {
    for (const Attr& a : row.attributes) {
      if (a.kind != kind) continue;
      const auto* text = std::get_if<std::string>(&a.value);
      const std::string_view value =
          text != nullptr ? std::string_view(*text) : keep(telltale::to_string(a.value));
      if (value.empty()) continue;
      bool changed = false;
      const std::string_view name = sane_name(a.name, changed);
      any_changed = any_changed || changed;
      // Raw names are unique; spellings need not be, and the first counts.
      if (any_changed && find(name) != nullptr) continue;
      labels_.push_back({name, value, kind == AttrKind::label ? LabelHome::stream : LabelHome::metadata});
      base_.push_back(name);
    }
  }
}

const RowState::Entry* RowState::find(std::string_view name) const {
  for (const Entry& e : labels_)
    if (e.name == name) return &e;
  return nullptr;
}

std::optional<std::string_view> RowState::get(std::string_view name) {
  if (const Entry* e = find(name)) return e->value;
  if (name == kErrorLabel) return has_error() ? std::optional(error_) : std::nullopt;
  if (name == kErrorDetailsLabel) return details_.empty() ? std::nullopt : std::optional(details_);
  if (hide_fields_ || std::find(hidden_.begin(), hidden_.end(), name) != hidden_.end()) return std::nullopt;
  for (const Attr& a : row_->attributes) {
    if (a.kind != AttrKind::parsed || !has_spelling(a.name, name)) continue;
    const auto* text = std::get_if<std::string>(&a.value);
    const std::string_view value =
        text != nullptr ? std::string_view(*text) : keep(telltale::to_string(a.value));
    if (!value.empty()) return value;
  }
  const std::string_view column = fixed_field_spelled(name);
  return column.empty() ? std::nullopt : fixed_text(*row_, column, *this);
}

void RowState::set(std::string_view name, std::string_view value, LabelHome home) {
  if (name == kErrorLabel) {
    error_ = value;
    return;
  }
  if (name == kErrorDetailsLabel) {
    details_ = value;
    return;
  }
  for (Entry& e : labels_) {
    if (e.name != name) continue;
    e.value = value;
    e.home = home;
    return;
  }
  labels_.push_back({name, value, home});
}

void RowState::erase(std::string_view name) {
  if (name == kErrorLabel) return clear_error();
  if (name == kErrorDetailsLabel) return clear_error_details();
  std::erase_if(labels_, [name](const Entry& e) { return e.name == name; });
  hidden_.push_back(copy(name));
}

bool RowState::base_has(std::string_view name) const {
  return std::find(base_.begin(), base_.end(), name) != base_.end();
}

bool RowState::has_parsed(std::string_view name) const {
  const Entry* e = find(name);
  return e != nullptr && e->home == LabelHome::parsed;
}

void RowState::extract(std::string_view name, std::string_view value) {
  if (base_has(name)) name = keep(std::string(name) + "_extracted");
  if (!has_parsed(name)) set(name, value);
}

void RowState::set_error(std::string_view kind, std::string_view details) {
  error_ = kind;
  details_ = copy(details);
}

std::string_view RowState::copy(std::string_view text) {
  if (used_texts_ == texts_.size()) texts_.emplace_back();
  std::string& slot = texts_[used_texts_++];
  slot.assign(text);
  return slot;
}

std::string_view RowState::keep(std::string text) {
  if (used_texts_ == texts_.size()) texts_.emplace_back();
  std::string& slot = texts_[used_texts_++];
  slot = std::move(text);
  return slot;
}

}  // namespace telltale::logql
