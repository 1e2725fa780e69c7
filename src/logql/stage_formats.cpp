// The stages that rewrite: line_format, label_format, decolorize, drop, keep.
#include <algorithm>

#include <fmt/format.h>

#include "logql/stage.hpp"
#include "logql/template.hpp"
#include "logql/text_match.hpp"

namespace telltale::logql {
namespace {

class LineFormatStage final : public RowStage {
 public:
  explicit LineFormatStage(Template t) : template_(std::move(t)) {}
  bool run(RowState& row) override {
    auto text = template_.run(row);
    if (text) {
      row.set_line(row.keep(*std::move(text)));
    } else {
      row.set_error(pipeline_error::kTemplate, text.error().message());
    }
    return true;
  }

 private:
  Template template_;
};

class LabelFormatStage final : public RowStage {
 public:
  static Result<std::unique_ptr<RowStage>> make(const Stage& stage) {
    auto out = std::make_unique<LabelFormatStage>();
    for (const Assignment& a : stage.assignments) {
      Item& item = out->items_.emplace_back();
      item.label = a.label;
      if (a.is_label) {
        item.source = a.value;
      } else {
        TT_ASSIGN(item.text, Template::compile(a.value));
      }
    }
    return out;
  }

  bool run(RowState& row) override {
    for (Item& item : items_) {
      if (!item.text) {
        const auto value = row.get(item.source);
        if (!value) continue;
        const std::string_view kept = row.copy(*value);
        row.erase(item.source);
        row.set(item.label, kept);
        continue;
      }
      auto text = item.text->run(row);
      if (text) {
        row.set(item.label, row.keep(*std::move(text)));
      } else {
        row.set_error(pipeline_error::kTemplate, text.error().message());
      }
    }
    return true;
  }

 private:
  struct Item {
    std::string label;
    std::string source;
    std::optional<Template> text;
  };
  std::vector<Item> items_;
};

/// The length of an ANSI escape sequence at the front of `s`; 0: there is none. ECMA-48: CSI sequences, and
/// OSC up to its terminator.
std::size_t ansi_length(std::string_view s) {
  std::size_t i = 0;
  if (s[0] == '\x1B') {
    i = 1;
  } else if (s.starts_with("\xC2\x9B")) {
    i = 2;
  } else {
    return 0;
  }
  const bool csi = i == 2 || (i < s.size() && s[i] == '[');
  if (csi) {
    if (i == 1) ++i;
    while (i < s.size() && s[i] >= 0x20 && s[i] <= 0x3F) ++i;
    return i < s.size() && s[i] >= 0x40 && s[i] <= 0x7E ? i + 1 : 0;
  }
  if (i < s.size() && s[i] == ']') {
    const std::size_t bell = s.find('\x07', i);
    const std::size_t end = s.find("\x1B\\", i);
    if (bell == std::string_view::npos && end == std::string_view::npos) return 0;
    return bell < end ? bell + 1 : end + 2;
  }
  return 0;
}

class DecolorizeStage final : public RowStage {
 public:
  bool run(RowState& row) override {
    const std::string_view line = row.line();
    if (line.find('\x1B') == std::string_view::npos && line.find("\xC2\x9B") == std::string_view::npos)
      return true;
    std::string out;
    for (std::size_t i = 0; i < line.size();) {
      const std::size_t n = ansi_length(line.substr(i));
      if (n == 0) out += line[i];
      i += std::max<std::size_t>(n, 1);
    }
    row.set_line(row.keep(std::move(out)));
    return true;
  }
};

struct Choice {
  std::string name;
  std::optional<TextMatcher> matcher;
};

Result<std::vector<Choice>> make_choices(const Stage& stage) {
  std::vector<Choice> out;
  for (const LabelChoice& c : stage.choices) {
    Choice& choice = out.emplace_back();
    choice.name = c.name;
    if (c.matcher) {
      TT_ASSIGN(choice.matcher, TextMatcher::make(c.matcher->op, c.matcher->value));
    }
  }
  return out;
}

class DropStage final : public RowStage {
 public:
  explicit DropStage(std::vector<Choice> choices) : choices_(std::move(choices)) {}
  bool run(RowState& row) override {
    for (const Choice& c : choices_) {
      if (c.matcher) {
        const auto value = row.get(c.name);
        if (!value || !c.matcher->matches(*value)) continue;
      }
      row.erase(c.name);
    }
    return true;
  }

 private:
  const std::vector<Choice> choices_;
};

class KeepStage final : public RowStage {
 public:
  explicit KeepStage(std::vector<Choice> choices) : choices_(std::move(choices)) {}
  bool run(RowState& row) override {
    row.keep_if([this](const RowState::Entry& e) {
      return std::any_of(choices_.begin(), choices_.end(), [&e](const Choice& c) {
        return c.name == e.name && (!c.matcher || c.matcher->matches(e.value));
      });
    });
    return true;
  }

 private:
  const std::vector<Choice> choices_;
};

}  // namespace

Result<std::unique_ptr<RowStage>> make_format_stage(const Stage& stage) {
  switch (stage.kind) {
    case StageKind::line_format: {
      TT_ASSIGN(Template t, Template::compile(stage.text));
      return std::make_unique<LineFormatStage>(std::move(t));
    }
    case StageKind::label_format:
      return LabelFormatStage::make(stage);
    case StageKind::decolorize:
      return std::make_unique<DecolorizeStage>();
    default: {
      TT_ASSIGN(auto choices, make_choices(stage));
      if (stage.kind == StageKind::drop) return std::make_unique<DropStage>(std::move(choices));
      return std::make_unique<KeepStage>(std::move(choices));
    }
  }
}

Result<std::unique_ptr<RowStage>> make_stage(const Stage& stage, const WantedLabels& wanted) {
  switch (stage.kind) {
    case StageKind::line_filter:
      return make_line_stage(stage);
    case StageKind::label_filter:
      return make_filter_stage(stage.filter);
    case StageKind::json:
    case StageKind::logfmt:
    case StageKind::pattern:
    case StageKind::regexp:
    case StageKind::unpack:
      return make_parser_stage(stage, wanted);
    default:
      return make_format_stage(stage);
  }
}

bool add_read_labels(const Stage& stage, std::set<std::string, std::less<>>& out) {
  switch (stage.kind) {
    case StageKind::label_filter:
      add_read_labels(stage.filter, out);
      return true;
    case StageKind::line_format: {
      const auto t = Template::compile(stage.text);
      return t && t->add_fields(out);
    }
    case StageKind::label_format:
      for (const Assignment& a : stage.assignments) {
        if (a.is_label) {
          out.insert(a.value);
          continue;
        }
        const auto t = Template::compile(a.value);
        if (!t || !t->add_fields(out)) return false;
      }
      return true;
    case StageKind::drop:
    case StageKind::keep:
      for (const LabelChoice& c : stage.choices) out.insert(c.name);
      return true;
    default:
      return true;
  }
}

}  // namespace telltale::logql
