#include "model/labels.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace telltale {
namespace {

bool is_bare_name(std::string_view s, bool colon) {
  if (s.empty() || (s[0] >= '0' && s[0] <= '9')) return false;
  return std::all_of(s.begin(), s.end(), [colon](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

void append_quoted(std::string& out, std::string_view s) {
  out += '"';
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

bool name_less(const Label& l, std::string_view name) { return l.name < name; }

}  // namespace

Labels::Labels(std::vector<Label> labels) : labels_(std::move(labels)) {
  std::stable_sort(labels_.begin(), labels_.end(),
                   [](const Label& a, const Label& b) { return a.name < b.name; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (i + 1 < labels_.size() && labels_[i + 1].name == labels_[i].name) continue;
    if (labels_[i].value.empty()) continue;
    if (kept != i) labels_[kept] = std::move(labels_[i]);
    ++kept;
  }
  labels_.resize(kept);
}

std::string_view Labels::get(std::string_view name) const {
  const auto it = std::lower_bound(labels_.begin(), labels_.end(), name, name_less);
  if (it == labels_.end() || it->name != name) return {};
  return it->value;
}

void Labels::set(std::string_view name, std::string_view value) {
  const auto it = std::lower_bound(labels_.begin(), labels_.end(), name, name_less);
  const bool found = it != labels_.end() && it->name == name;
  if (value.empty()) {
    if (found) labels_.erase(it);
  } else if (found) {
    it->value = std::string(value);
  } else {
    labels_.insert(it, Label{std::string(name), std::string(value)});
  }
}

std::uint64_t Labels::hash() const {
  // Lengths stand in front of the texts so that no two label sets are the same bytes.
  std::string bytes;
  for (const Label& l : labels_) {
    for (const std::string* s : {&l.name, &l.value}) {
      const auto n = static_cast<std::uint32_t>(s->size());
      bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
      bytes += *s;
    }
  }
  return hash64(bytes);
}

std::string Labels::to_string() const {
  const std::string_view metric = get(kMetricName);
  const bool bare = is_bare_name(metric, true);
  std::string out(bare ? metric : std::string_view());
  std::string inside;
  if (!metric.empty() && !bare) append_quoted(inside, metric);
  for (const Label& l : labels_) {
    if (l.name == kMetricName) continue;
    if (!inside.empty()) inside += ", ";
    if (is_bare_name(l.name, false)) {
      inside += l.name;
    } else {
      append_quoted(inside, l.name);
    }
    inside += '=';
    append_quoted(inside, l.value);
  }
  if (!inside.empty() || out.empty()) out += '{' + inside + '}';
  return out;
}

}  // namespace telltale
