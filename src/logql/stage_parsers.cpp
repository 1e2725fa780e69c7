// The parser stages: json, logfmt, pattern, regexp, unpack.
#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/json_scan.hpp"
#include "base/text.hpp"
#include "logql/stage.hpp"
#include "logql/units.hpp"
#include "storage/json_line.hpp"

namespace telltale::logql {
namespace {

/// Label names of one parser: spelled, remembered, and whether anybody wants them.
class LabelNames {
 public:
  explicit LabelNames(WantedLabels wanted) : wanted_(std::move(wanted)) {}
  bool wants(std::string_view name) const {
    if (!wanted_ || wanted_->find(name) != wanted_->end()) return true;
    return wanted_->find(std::string(name) + "_extracted") != wanted_->end();
  }
  std::string_view stable(std::string_view name, RowState& row) {
    const std::string_view known = table_.intern(name);
    return known.data() != nullptr ? known : row.copy(name);
  }

 private:
  WantedLabels wanted_;
  NameTable table_;
};

bool has_replacement(std::string_view text) { return text.find("\xEF\xBF\xBD") != std::string_view::npos; }

std::string_view json_text(std::string_view raw, bool escaped, RowState& row) {
  if (!escaped) return raw;
  std::string out;
  unescape_json(raw, out);
  return has_replacement(out) ? std::string_view() : row.keep(std::move(out));
}

class JsonStage final : public RowStage {
 public:
  explicit JsonStage(WantedLabels wanted) : names_(std::move(wanted)) {}

  bool run(RowState& row) override {
    JsonScanner in(row.line());
    name_.clear();
    found_.clear();
    storage::flatten_json(
        in, name_, [&](std::string_view name, JsonType type, std::string_view raw, bool escaped) {
          if (name.empty() || !names_.wants(name)) return;
          found_.emplace_back(names_.stable(name, row),
                              type == JsonType::string ? json_text(raw, escaped, row) : raw);
        });
    if (in.ok() && !in.at_end()) {
      row.set_error(pipeline_error::kJson, "text behind the JSON document");
    } else if (!in.ok()) {
      row.set_error(pipeline_error::kJson, in.error());
    } else {
      for (const auto& [name, value] : found_) row.extract(name, value);
    }
    return true;
  }

 private:
  LabelNames names_;
  std::string name_;
  std::vector<std::pair<std::string_view, std::string_view>> found_;
};

struct JsonField {
  std::string label;
  std::vector<JsonStep> path;
};

class JsonFieldsStage final : public RowStage {
 public:
  explicit JsonFieldsStage(std::vector<JsonField> fields)
      : fields_(std::move(fields)), found_(fields_.size()) {}

  bool run(RowState& row) override {
    if (row.line().empty()) return true;
    std::fill(found_.begin(), found_.end(), std::nullopt);
    active_.resize(fields_.size());
    for (std::size_t i = 0; i < fields_.size(); ++i) active_[i] = i;
    JsonScanner in(row.line());
    visit(in, row, active_, 0);
    if (!in.ok() || !in.at_end())
      row.set_error(pipeline_error::kJson, in.ok() ? "text behind the JSON document" : in.error());
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (found_[i]) {
        row.extract(fields_[i].label, in.ok() ? *found_[i] : std::string_view());
      } else if (!row.base_has(fields_[i].label) && !row.has_parsed(fields_[i].label)) {
        row.set(fields_[i].label, {});
      }
    }
    return true;
  }

 private:
  /// The value at the cursor, for those fields whose path leads here after `depth` steps.
  void visit(JsonScanner& in, RowState& row, const std::vector<std::size_t>& here, std::size_t depth) {
    JsonType type = JsonType::null;
    if (!in.peek(type)) return;
    bool deeper = false;
    bool ends = false;
    for (const std::size_t i : here) (fields_[i].path.size() == depth ? ends : deeper) = true;
    if (ends || !deeper || (type != JsonType::object && type != JsonType::array)) {
      take_value(in, row, here, depth, type);
      return;
    }
    in.open(type == JsonType::object ? '{' : '[');
    std::string_view key;
    bool escaped = false;
    std::string plain;
    std::vector<std::size_t> next;
    for (std::size_t index = 0; type == JsonType::object ? in.member(key, escaped) : in.element(); ++index) {
      next.clear();
      if (escaped) {
        plain.clear();
        unescape_json(key, plain);
        key = plain;
        escaped = false;
      }
      for (const std::size_t i : here) {
        if (fields_[i].path.size() <= depth) continue;
        const JsonStep& step = fields_[i].path[depth];
        if (type == JsonType::object ? (!step.is_index && step.key == key)
                                     : (step.is_index && step.index == index))
          next.push_back(i);
      }
      if (next.empty()) {
        std::string_view raw;
        if (!in.value(raw)) return;
      } else {
        visit(in, row, next, depth + 1);
      }
    }
  }

  void take_value(JsonScanner& in, RowState& row, const std::vector<std::size_t>& here, std::size_t depth,
                  JsonType type) {
    std::string_view raw;
    std::string_view text;
    if (type == JsonType::string) {
      bool escaped = false;
      if (!in.string(raw, escaped)) return;
      text = json_text(raw, escaped, row);
    } else {
      if (!in.value(raw)) return;
      text = type == JsonType::null ? std::string_view() : raw;
    }
    for (const std::size_t i : here) {
      if (fields_[i].path.size() == depth) {
        if (!found_[i]) found_[i] = text;
      } else if (type == JsonType::object || type == JsonType::array) {
        // A longer path through a value that another field takes whole.
        JsonScanner again(raw);
        visit(again, row, {i}, depth);
      }
    }
  }

  const std::vector<JsonField> fields_;
  std::vector<std::optional<std::string_view>> found_;
  std::vector<std::size_t> active_;
};

/// Key and value pairs of a logfmt line, one a call. Without `strict` what is malformed is passed over.
class LogfmtReader {
 public:
  LogfmtReader(std::string_view line, bool strict) : line_(line), strict_(strict) {}

  struct Pair {
    std::string_view key;
    std::string_view value;
    bool escaped = false;  // the value needs unescape()
  };
  bool next(Pair& out) {
    while (at_ < line_.size() && error_.empty()) {
      if (static_cast<unsigned char>(line_[at_]) <= ' ') {
        ++at_;
        continue;
      }
      if (read(out)) return true;
      if (strict_) return false;
      error_.clear();
      while (at_ < line_.size() && static_cast<unsigned char>(line_[at_]) > ' ') ++at_;
    }
    return false;
  }
  const std::string& error() const { return error_; }

 private:
  bool wrong(std::string_view what) {
    error_ = fmt::format("{} at byte {}", what, at_);
    return false;
  }
  bool read(Pair& out) {
    const std::size_t begin = at_;
    out = {};
    while (at_ < line_.size() && static_cast<unsigned char>(line_[at_]) > ' ' && line_[at_] != '=') {
      if (line_[at_] == '"') return wrong("a quote in a key");
      ++at_;
    }
    out.key = line_.substr(begin, at_ - begin);
    if (at_ >= line_.size() || line_[at_] != '=') return true;
    if (out.key.empty()) return wrong("= without a key");
    ++at_;
    if (at_ < line_.size() && line_[at_] == '"') return quoted(out);
    const std::size_t value = at_;
    while (at_ < line_.size() && static_cast<unsigned char>(line_[at_]) > ' ') {
      if (line_[at_] == '=' || line_[at_] == '"') return wrong("= or a quote in a value");
      ++at_;
    }
    out.value = line_.substr(value, at_ - value);
    return true;
  }
  bool quoted(Pair& out) {
    const std::size_t value = ++at_;
    while (at_ < line_.size() && line_[at_] != '"') {
      if (line_[at_] == '\\') {
        out.escaped = true;
        ++at_;
      }
      ++at_;
    }
    if (at_ >= line_.size()) {
      at_ = line_.size();
      return wrong("a value whose quote is not closed");
    }
    out.value = line_.substr(value, at_ - value);
    ++at_;
    return true;
  }

  std::string_view line_;
  const bool strict_;
  std::size_t at_ = 0;
  std::string error_;
};

std::string_view logfmt_text(const LogfmtReader::Pair& pair, RowState& row) {
  if (has_replacement(pair.value)) return {};
  if (!pair.escaped) return pair.value;
  // The escapes are JSON's; an unknown one stands for itself.
  JsonScanner check(row.keep("\"" + std::string(pair.value) + "\""));
  std::string_view raw;
  bool escaped = false;
  std::string out;
  if (check.string(raw, escaped)) {
    unescape_json(raw, out);
  } else {
    for (std::size_t i = 0; i < pair.value.size(); ++i) {
      if (pair.value[i] == '\\' && i + 1 < pair.value.size()) ++i;
      out += pair.value[i];
    }
  }
  return row.keep(std::move(out));
}

class LogfmtStage final : public RowStage {
 public:
  LogfmtStage(bool strict, bool keep_empty, WantedLabels wanted)
      : strict_(strict), keep_empty_(keep_empty), names_(std::move(wanted)) {}

  bool run(RowState& row) override {
    LogfmtReader in(row.line(), strict_);
    LogfmtReader::Pair pair;
    while (in.next(pair)) {
      if (pair.value.empty() && !keep_empty_) continue;
      name_.clear();
      if (pair.key[0] >= '0' && pair.key[0] <= '9') name_ += '_';
      append_sanitised(name_, pair.key);
      if (!names_.wants(name_)) continue;
      const std::string_view value = logfmt_text(pair, row);
      if (value.empty() && !keep_empty_) continue;
      row.extract(names_.stable(name_, row), value);
    }
    if (!in.error().empty()) row.set_error(pipeline_error::kLogfmt, in.error());
    return true;
  }

 private:
  const bool strict_;
  const bool keep_empty_;
  LabelNames names_;
  std::string name_;
};

class LogfmtFieldsStage final : public RowStage {
 public:
  LogfmtFieldsStage(std::vector<Assignment> fields, bool strict)
      : fields_(std::move(fields)), strict_(strict) {}

  bool run(RowState& row) override {
    found_.assign(fields_.size(), false);
    LogfmtReader in(row.line(), strict_);
    LogfmtReader::Pair pair;
    while (in.next(pair)) {
      for (std::size_t i = 0; i < fields_.size(); ++i) {
        if (found_[i] || !(pair.key == fields_[i].value || has_spelling(pair.key, fields_[i].value)))
          continue;
        found_[i] = true;
        row.extract(fields_[i].label, logfmt_text(pair, row));
      }
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const std::string& label = fields_[i].label;
      if (!found_[i] && !row.base_has(label) && !row.has_parsed(label)) row.set(label, {});
    }
    if (!in.error().empty()) row.set_error(pipeline_error::kLogfmt, in.error());
    return true;
  }

 private:
  const std::vector<Assignment> fields_;
  const bool strict_;
  std::vector<bool> found_;
};

/// Literals and captures in turn; an empty name is `<_>`.
struct PatternPart {
  bool capture = false;
  std::string text;
};

Result<std::vector<PatternPart>> parse_pattern(std::string_view text) {
  std::vector<PatternPart> out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t close = text[i] == '<' ? text.find('>', i) : std::string_view::npos;
    const std::string_view name = close == std::string_view::npos ? "" : text.substr(i + 1, close - i - 1);
    if (is_label_name(name)) {
      if (!out.empty() && out.back().capture)
        return fail(ErrorKind::invalid_argument,
                    fmt::format("pattern: <{}> stands right behind another capture", name));
      if (name != "_" && !seen.insert(std::string(name)).second)
        return fail(ErrorKind::invalid_argument, fmt::format("pattern: <{}> stands twice", name));
      out.push_back({true, name == "_" ? "" : std::string(name)});
      i = close + 1;
    } else {
      if (out.empty() || out.back().capture) out.push_back({false, ""});
      out.back().text += text[i++];
    }
  }
  if (seen.empty())
    return fail(ErrorKind::invalid_argument, "pattern: at least one named capture as in <name>");
  return out;
}

class PatternStage final : public RowStage {
 public:
  PatternStage(std::vector<PatternPart> parts, WantedLabels wanted)
      : parts_(std::move(parts)), names_(std::move(wanted)) {}

  bool run(RowState& row) override {
    std::string_view rest = row.line();
    if (rest.empty()) return true;
    std::size_t i = 0;
    if (!parts_[0].capture) {
      if (!rest.starts_with(parts_[0].text)) return true;
      rest.remove_prefix(parts_[0].text.size());
      i = 1;
    }
    for (; i < parts_.size(); i += 2) {
      const bool last = i + 1 >= parts_.size();
      const std::size_t found = last ? std::string_view::npos : rest.find(parts_[i + 1].text);
      const std::string& name = parts_[i].text;
      if (!name.empty() && names_.wants(name)) row.extract(name, rest.substr(0, found));
      if (found == std::string_view::npos) return true;
      rest.remove_prefix(found + parts_[i + 1].text.size());
    }
    return true;
  }

 private:
  const std::vector<PatternPart> parts_;
  LabelNames names_;
};

class RegexpStage final : public RowStage {
 public:
  static Result<std::unique_ptr<RowStage>> make(const std::string& pattern) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto out = std::make_unique<RegexpStage>();
    out->regex_ = std::make_unique<re2::RE2>(pattern, options);
    if (!out->regex_->ok())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("bad regular expression \"{}\": {}", pattern, out->regex_->error()));
    for (const auto& [index, name] : out->regex_->CapturingGroupNames()) {
      out->names_.emplace_back(static_cast<std::size_t>(index), name);
      if (!is_label_name(name))
        return fail(ErrorKind::invalid_argument, fmt::format("regexp: {} is no label name", name));
    }
    if (out->names_.empty())
      return fail(ErrorKind::invalid_argument, "regexp: at least one named group as in (?P<name>…)");
    out->groups_.resize(static_cast<std::size_t>(out->regex_->NumberOfCapturingGroups()) + 1);
    return out;
  }

  bool run(RowState& row) override {
    const re2::StringPiece line(row.line().data(), row.line().size());
    if (!regex_->Match(line, 0, line.size(), re2::RE2::UNANCHORED, groups_.data(),
                       static_cast<int>(groups_.size())))
      return true;
    for (const auto& [index, name] : names_) {
      const re2::StringPiece& g = groups_[index];
      row.extract(name, g.data() == nullptr ? std::string_view() : std::string_view(g.data(), g.size()));
    }
    return true;
  }

 private:
  std::unique_ptr<re2::RE2> regex_;
  std::vector<std::pair<std::size_t, std::string>> names_;
  std::vector<re2::StringPiece> groups_;
};

class UnpackStage final : public RowStage {
 public:
  explicit UnpackStage(WantedLabels wanted) : names_(std::move(wanted)) {}

  bool run(RowState& row) override {
    if (row.line().empty()) return true;
    JsonScanner in(row.line());
    std::vector<std::pair<std::string_view, std::string_view>> found;
    std::optional<std::string_view> entry;
    std::string_view key;
    bool key_escaped = false;
    in.open('{');
    while (in.member(key, key_escaped)) {
      JsonType type = JsonType::null;
      std::string_view raw;
      bool escaped = false;
      if (!in.peek(type)) break;
      if (type != JsonType::string) {
        if (!in.value(raw)) break;
        continue;
      }
      if (!in.string(raw, escaped)) break;
      const std::string_view value = json_text(raw, escaped, row);
      if (key == "_entry") {
        entry = value;
        continue;
      }
      const std::string name = sanitise_label(key_escaped ? json_text(key, true, row) : key);
      if (!name.empty() && names_.wants(name)) found.emplace_back(names_.stable(name, row), value);
    }
    if (!in.ok() || !in.at_end()) {
      row.set_error(pipeline_error::kJson, in.ok() ? "text behind the JSON document" : in.error());
      return true;
    }
    // Without _entry the line was not packed: it is left as it is.
    if (!entry) return true;
    for (const auto& [name, value] : found) row.extract(name, value);
    row.set_line(*entry);
    return true;
  }

 private:
  LabelNames names_;
};

}  // namespace

Result<std::unique_ptr<RowStage>> make_parser_stage(const Stage& stage, const WantedLabels& wanted) {
  switch (stage.kind) {
    case StageKind::json: {
      if (stage.assignments.empty()) return std::make_unique<JsonStage>(wanted);
      std::vector<JsonField> fields;
      for (const Assignment& a : stage.assignments) {
        JsonField& f = fields.emplace_back();
        f.label = a.label;
        if (!parse_json_path(a.value, f.path))
          return fail(ErrorKind::invalid_argument,
                      fmt::format("json: \"{}\" is no path; wanted one as in a.b[0][\"c d\"]", a.value));
      }
      return std::make_unique<JsonFieldsStage>(std::move(fields));
    }
    case StageKind::logfmt:
      if (!stage.assignments.empty())
        return std::make_unique<LogfmtFieldsStage>(stage.assignments, stage.strict);
      return std::make_unique<LogfmtStage>(stage.strict, stage.keep_empty, wanted);
    case StageKind::pattern: {
      TT_ASSIGN(auto parts, parse_pattern(stage.text));
      return std::make_unique<PatternStage>(std::move(parts), wanted);
    }
    case StageKind::regexp:
      return RegexpStage::make(stage.text);
    default:
      return std::make_unique<UnpackStage>(wanted);
  }
}

}  // namespace telltale::logql
