#include "errors/event_words.hpp"

#include <algorithm>
#include <iterator>

#include "errors/event_body.hpp"

namespace telltale::errors {
namespace {

using search::Condition;
using search::Conditions;
using search::FieldKind;
using search::FieldSource;
using search::Pattern;
using search::Tree;
using storage::TextKinds;
using storage::WordCondition;
using storage::WordNeedle;

constexpr TextKinds kEveryKind = 0xFF;
/// What the search language asks as a whole (FieldKind::word in its catalogue), and lines of source, in which
/// people look for phrases.
constexpr TextKinds kNameKinds =
    1U << static_cast<unsigned>(TextKind::function) | 1U << static_cast<unsigned>(TextKind::module) |
    1U << static_cast<unsigned>(TextKind::filename) | 1U << static_cast<unsigned>(TextKind::abs_path) |
    1U << static_cast<unsigned>(TextKind::package) | 1U << static_cast<unsigned>(TextKind::line);

struct BodyText {
  std::string_view reads;  // KnownField::reads
  TextKind kind;
  EventBody::Texts EventBody::*texts;
};
constexpr BodyText kBodyTexts[] = {{"function", TextKind::function, &EventBody::functions},
                                   {"module", TextKind::module, &EventBody::modules},
                                   {"filename", TextKind::filename, &EventBody::filenames},
                                   {"abs_path", TextKind::abs_path, &EventBody::abs_paths},
                                   {"package", TextKind::package, &EventBody::packages},
                                   {"line", TextKind::line, &EventBody::lines},
                                   {"vars", TextKind::var, &EventBody::vars},
                                   {"said", TextKind::said, &EventBody::said}};
static_assert(std::size(kBodyTexts) == storage::kTextKinds);

class BodyTexts final : public storage::EventTexts {
 public:
  void read(std::string_view payload, const Visit& visit) override {
    const EventBody& body = reader_.read(payload);
    for (const BodyText& k : kBodyTexts)
      for (const std::string_view text : body.*k.texts) visit(static_cast<unsigned>(k.kind), text);
  }

 private:
  EventBodyReader reader_;
};

/// Conditions that follow from a tree, all of which hold; `exact`: they are all that it says.
struct Followed {
  std::vector<WordCondition> all;
  bool exact = true;
};

bool says_something(const WordNeedle& needle) {
  return std::any_of(needle.pieces.begin(), needle.pieces.end(), [](const std::string& piece) {
    return std::any_of(piece.begin(), piece.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' ||
             u >= 0x80;
    });
  });
}

Followed followed_by(const Condition& c) {
  Followed out;
  if (c.name.empty()) {
    for (const Pattern& p : c.values) {
      WordNeedle needle{kEveryKind, p.pieces, false};
      if (says_something(needle)) {
        out.all.push_back({{std::move(needle)}});
      } else {
        out.exact = false;
      }
    }
    return out;
  }
  const auto* kind = std::end(kBodyTexts);
  if (c.field != nullptr && c.field->source == FieldSource::body)
    kind = std::find_if(std::begin(kBodyTexts), std::end(kBodyTexts),
                        [&](const BodyText& k) { return k.reads == c.field->reads; });
  if (kind == std::end(kBodyTexts) || c.has) return {{}, false};
  WordCondition condition;
  for (const Pattern& p : c.values) {
    const auto kinds = static_cast<TextKinds>(1U << static_cast<unsigned>(kind->kind));
    WordNeedle needle{kinds, p.pieces, c.field->kind != FieldKind::text};
    if (!needle.whole && !says_something(needle)) return {{}, false};
    condition.any.push_back(std::move(needle));
  }
  if (condition.any.empty()) return {{}, false};
  out.all.push_back(std::move(condition));
  return out;
}

Followed followed_by(const Conditions& tree) {
  if (tree.kind == Tree::Kind::term) return followed_by(tree.condition);
  if (tree.kind == Tree::Kind::none) return {{}, false};
  Followed out;
  WordCondition one_of;
  for (const Conditions& child : tree.children) {
    Followed more = followed_by(child);
    if (tree.kind == Tree::Kind::all) {
      out.exact = out.exact && more.exact;
      std::move(more.all.begin(), more.all.end(), std::back_inserter(out.all));
      continue;
    }
    // One of several conditions that a child says has to do.
    if (more.all.empty()) return {{}, false};
    out.exact = out.exact && more.exact && more.all.size() == 1;
    std::move(more.all.front().any.begin(), more.all.front().any.end(), std::back_inserter(one_of.any));
  }
  if (!one_of.any.empty()) out.all.push_back(std::move(one_of));
  return out;
}

}  // namespace

storage::WordIndexing event_word_indexing() {
  storage::WordIndexing out;
  out.table = Table::errors;
  out.group = attr::kGroupHashes;
  out.message = static_cast<unsigned>(TextKind::said);
  out.names = kNameKinds;
  out.texts = [] { return std::make_unique<BodyTexts>(); };
  return out;
}

std::optional<storage::WordQuery> word_query_of(const std::vector<const Conditions*>& trees,
                                                const std::vector<const Conditions*>& negated) {
  storage::WordQuery out;
  out.table = Table::errors;
  out.group = attr::kGroupHashes;
  out.exact = negated.empty();
  for (const Conditions* tree : trees) {
    Followed more = followed_by(*tree);
    out.exact = out.exact && more.exact;
    std::move(more.all.begin(), more.all.end(), std::back_inserter(out.all));
  }
  if (out.all.empty()) return std::nullopt;
  return out;
}

}  // namespace telltale::errors
