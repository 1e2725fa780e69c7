// Columns of templates against the texts themselves: what is read is what was written, and no row that has a
// text is left out of a search; whole stores against the plain evaluator.
#include "eventdb/text_template.hpp"

#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/skeleton.hpp"
#include "eventdb/template_tree.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

namespace {

std::vector<std::string> printed_texts(Rng& rng, std::size_t count) {
  static constexpr const char* kFormats[] = {"Loaded quote for user_%n in %d ms",
                                             "Price of %t moved from %d to %d",
                                             "cache miss %x (%x)",
                                             "GET /orders/%n/%w?page=%n -> %n",
                                             "\"%t\" said:\n\t%w, %w",
                                             "worker%n: caf\xC3\xA9 %w closed",
                                             "%n",
                                             "nothing varies here",
                                             "%p%p padded"};
  static constexpr const char* kWords[] = {"alpha", "beta", "caf\xC3\xA9", "NULL", "x1y", "deadbeef", "7"};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text;
    if (rng.chance(0.02)) {
      for (auto n = rng.below(30); n > 0; --n) text += static_cast<char>(rng.below(256));
      out.push_back(text);
      continue;
    }
    for (const char* c = kFormats[rng.below(std::size(kFormats))]; *c != 0; ++c) {
      if (*c != '%') {
        text += *c;
        continue;
      }
      switch (*++c) {
        case 'n':
          text += std::to_string(rng.below(1'000'000'000'000));
          break;
        case 'd':
          text += std::to_string(rng.below(1000)) + "." + std::to_string(rng.below(100));
          break;
        case 'p':
          text += std::to_string(1'000'000 + rng.below(1'000'000)).substr(1);
          break;
        case 't':
          for (int k = 0; k < 4; ++k) text += static_cast<char>('A' + rng.below(26));
          break;
        case 'x':
          text += Id64{rng.next()}.hex();
          break;
        default:
          text += kWords[rng.below(std::size(kWords))];
      }
    }
    out.push_back(text);
  }
  return out;
}

std::optional<std::string> encoded(const std::vector<std::string>& texts) {
  return encode_templates(std::vector<std::string_view>(texts.begin(), texts.end()));
}

std::string bytes_of(const TextTemplate& t) {
  std::string out;
  for (const TextTemplate::Piece& piece : t.pieces) {
    out += piece.literal;
    if (!piece.is_variable()) continue;
    out += kVariableMark;
    out += static_cast<char>(piece.kind);
    if (piece.kind == VariableKind::hex) out += static_cast<char>(piece.width);
  }
  return out;
}

TextTemplate parsed(std::string bytes) { return TextTemplate::parse(bytes).value(); }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

TEST(TextTemplate, TokensOfALine) {
  std::vector<Token> tokens;
  ASSERT_TRUE(find_tokens("user_71 took 12.05 ms, id 9f86d081884c7d65", tokens));
  std::string kinds;
  for (const Token& t : tokens) kinds += static_cast<char>(t.kind);
  EXPECT_EQ(kinds, "wnwnnwwh");
  EXPECT_FALSE(
      find_tokens("a\x01"
                  "b",
                  tokens));
}

TEST(TemplateTree, LiteralsBeforeVariablesAndBackAgain) {
  const TemplateTree tree({parsed("took \x01n ms"), parsed("took \x01n s"), parsed("took \x01w"),
                           parsed("took long"), parsed("id \x01h\x08."), parsed("user_\x01n")});
  std::vector<std::string_view> variables;
  const auto match = [&](std::string_view text) { return tree.match(text, variables); };
  EXPECT_EQ(match("took 12 ms"), 0u);
  EXPECT_EQ(variables, std::vector<std::string_view>{"12"});
  EXPECT_EQ(match("took 12 s"), 1u);
  EXPECT_EQ(match("took long"), 3u) << "a literal first";
  EXPECT_EQ(match("took longer"), 2u) << "and the word where that does not reach";
  EXPECT_EQ(variables, std::vector<std::string_view>{"longer"});
  EXPECT_EQ(match("took 12x"), 2u) << "digits that a letter follows are of a word";
  EXPECT_EQ(match("took x12"), TemplateTree::kNone) << "a word does not take a number's digits";
  EXPECT_EQ(match("id 00c0ffee."), 4u);
  EXPECT_EQ(match("id 00c0ffee1."), TemplateTree::kNone);
  EXPECT_EQ(match("user_7"), 5u);
  EXPECT_EQ(match("user_"), TemplateTree::kNone);
  EXPECT_EQ(match(""), TemplateTree::kNone);
}

/// What a walk finds prints the text; what no walk finds has no template that is all literals.
TEST(TemplateTree, RandomTemplates) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  std::size_t found = 0;
  for (int run = 0; run < 200; ++run) {
    std::vector<TextTemplate> templates;
    static constexpr const char* kParts[] = {"a", "ab",    "abc ",  " ",        ": ",
                                             "b", "\x01n", "\x01w", "\x01h\x06"};
    for (auto t = 1 + rng.below(12); t > 0; --t) {
      std::string bytes;
      for (auto n = 1 + rng.below(5); n > 0; --n) bytes += kParts[rng.below(std::size(kParts))];
      templates.push_back(parsed(bytes));
      EXPECT_EQ(bytes_of(templates.back()), bytes);
    }
    const TemplateTree tree(templates);
    std::vector<std::string_view> variables;
    for (int k = 0; k < 60; ++k) {
      std::string text;
      static constexpr const char* kTexts[] = {"a", "b", "c", " ", ": ", "7", "42", "0a1b2c", "abc", "_"};
      for (auto n = 1 + rng.below(6); n > 0; --n) text += kTexts[rng.below(std::size(kTexts))];
      const std::uint32_t number = tree.match(text, variables);
      if (number == TemplateTree::kNone) {
        for (const TextTemplate& t : templates) EXPECT_NE(bytes_of(t), text);
        continue;
      }
      ++found;
      std::string printed;
      std::size_t v = 0;
      for (const TextTemplate::Piece& piece : templates[number].pieces)
        printed += piece.is_variable() ? std::string(variables.at(v++)) : piece.literal;
      EXPECT_EQ(printed, text);
      EXPECT_EQ(v, variables.size());
    }
  }
  EXPECT_GT(found, 100u);
}

TEST(TextTemplate, ReadsWhatWasWritten) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (const std::size_t rows : {600u, 5'000u}) {
    const auto texts = printed_texts(rng, rows);
    const auto bytes = encoded(texts);
    ASSERT_TRUE(bytes);
    std::size_t raw = 0;
    for (const std::string& text : texts) raw += text.size();
    EXPECT_LT(bytes->size(), raw / 2);
    auto column = TemplateColumn::open(*bytes, rows);
    ASSERT_TRUE(column) << column.error().message();
    std::string text;
    for (std::size_t i = 0; i < rows; ++i) {
      ASSERT_TRUE(column->text(i, text));
      ASSERT_EQ(text, texts[i]) << i;
    }
    // One row of a column of which nothing was asked before.
    for (int round = 0; round < 50; ++round) {
      auto alone = TemplateColumn::open(*bytes, rows);
      ASSERT_TRUE(alone);
      const std::size_t row = rng.below(rows);
      ASSERT_TRUE(alone->text(row, text));
      ASSERT_EQ(text, texts[row]) << row;
    }
  }
}

TEST(TextTemplate, NotWorthIt) {
  Rng rng(1);
  std::vector<std::string> texts;
  for (int i = 0; i < 3'000; ++i) {
    std::string text;
    for (int k = 0; k < 40; ++k) text += rng.chance(0.2) ? ' ' : static_cast<char>('a' + rng.below(26));
    texts.push_back(text);
  }
  EXPECT_FALSE(encoded(texts)) << "all of them are different";
  EXPECT_FALSE(encoded(printed_texts(rng, 100))) << "too few";
}

TEST(TextTemplate, NoRowIsLeftOut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  const auto texts = printed_texts(rng, 2'000);
  const auto bytes = encoded(texts);
  ASSERT_TRUE(bytes);
  auto column = TemplateColumn::open(*bytes, texts.size());
  ASSERT_TRUE(column);
  std::size_t asked = 0;
  std::size_t had = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string& from = texts[rng.below(texts.size())];
    TemplateNeedle needle;
    needle.escaped = rng.chance(0.5);
    needle.ascii = needle.escaped && rng.chance(0.5);
    const auto shown = [&](std::string_view text) {
      std::string out;
      if (!needle.escaped) return std::string(text);
      append_escaped(text, needle.ascii, out);
      return out;
    };
    const std::string whole = shown(from);
    if (whole.empty()) continue;
    const std::size_t begin = rng.below(whole.size());
    needle.text = whole.substr(begin, 1 + rng.below(20));
    needle.fold = rng.chance(0.3);
    if (needle.fold) needle.text = lowered(needle.text);
    if (rng.chance(0.2)) column = TemplateColumn::open(*bytes, texts.size());
    const auto found = column->may_have(needle);
    ASSERT_TRUE(found);
    const Bitmap& may = *found;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string text = needle.fold ? lowered(shown(texts[i])) : shown(texts[i]);
      const bool has = text.find(needle.text) != std::string::npos;
      ASSERT_TRUE(!has || may.test(i)) << "'" << needle.text << "' in '" << text << "'";
      had += has ? 1 : 0;
    }
    asked += may.count();
  }
  EXPECT_GT(had, 0u);
  EXPECT_LT(asked, 400u * texts.size() / 2) << "a search that spares nothing";
}

TEST(TextTemplate, BadBytesAreRefused) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  const auto texts = printed_texts(rng, 700);
  const auto bytes = encoded(texts);
  ASSERT_TRUE(bytes);
  std::string text;
  std::size_t refused = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string bad = *bytes;
    for (auto n = 1 + rng.below(3); n > 0; --n)
      bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    if (rng.chance(0.2)) bad.resize(rng.below(bad.size()));
    auto column = TemplateColumn::open(bad, texts.size());
    if (!column) continue;
    refused += column->may_have({"quote", false, false, false}) ? 0 : 1;
    for (std::size_t i = 0; i < texts.size(); i += 7)
      if (!column->text(i, text)) ++refused;
  }
  EXPECT_GT(refused, 0u) << "nothing was damaged where it is looked at late";
}

/// Lines, documents and attributes in a store, against the plain evaluator: all ways a text is asked for.
TEST(TextTemplate, StoresAnswerTheSame) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  auto fs = io::make_memory_file_system();
  EventDbOptions options;
  options.block_rows = 2'048;
  auto opened = open_eventdb(*fs, "events", options, clock, log, metrics);
  ASSERT_TRUE(opened);
  auto& db = **opened;
  std::vector<EventRow> rows;
  const auto texts = printed_texts(rng, 6'000);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(1'767'830'400 + static_cast<std::int64_t>(rng.below(20'000)));
    const bool is_line = rng.chance(0.5);
    if (!is_line) row.message = texts[i];
    if (is_line || rng.chance(0.5)) row.set("msg", texts[i], is_line ? AttrKind::parsed : AttrKind::metadata);
    if (is_line) {
      row.message = "{\"n\":1,\"msg\":\"";
      append_escaped(texts[i], rng.chance(0.3), row.message);
      row.message += "\"}";
      row.set("n", std::int64_t{1}, AttrKind::parsed);
    }
    rows.push_back(std::move(row));
  }
  for (std::uint64_t b = 0; b < 3; ++b) {
    storage::Batch batch;
    batch.logs.assign(rows.begin() + static_cast<std::ptrdiff_t>(b * 2'000),
                      rows.begin() + static_cast<std::ptrdiff_t>(b * 2'000 + 2'000));
    ASSERT_TRUE(db.apply(Sequence{b + 1}, batch));
    ASSERT_TRUE(db.checkpoint());
  }
  ASSERT_TRUE(db.maintenance());
  using storage::EventFilter;
  using storage::FilterOp;
  static constexpr FilterOp kOps[] = {FilterOp::contains, FilterOp::icontains, FilterOp::eq, FilterOp::regex};
  for (int round = 0; round < 120; ++round) {
    const std::string& from = rows[rng.below(rows.size())].message;
    const FilterOp op = kOps[rng.below(std::size(kOps))];
    std::string value = texts[rng.below(texts.size())];
    if (op != FilterOp::eq) {
      value = from.substr(rng.below(from.size() + 1)).substr(0, 1 + rng.below(14));
      if (op == FilterOp::regex)
        value = rng.chance(0.5) ? "moved from 4[0-9]*" : std::string("Price of [A-M]+ moved");
    }
    static constexpr const char* kFields[] = {"message", "msg", "*"};
    const EventFilter filter =
        EventFilter::leaf(op, op == FilterOp::eq ? "msg" : kFields[rng.below(3)], value);
    const auto plain = storage::CompiledFilter::compile(filter);
    ASSERT_TRUE(plain);
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    q.filter = filter;
    q.limit = rows.size();
    WorkContext context(clock, WorkLimits{});
    const auto found = storage::collect(db, q, context);
    ASSERT_TRUE(found) << found.error().message();
    const auto want =
        std::count_if(rows.begin(), rows.end(), [&](const EventRow& r) { return plain->matches(r); });
    ASSERT_EQ(found->size(), static_cast<std::size_t>(want)) << filter.field << " " << value;
  }
}

}  // namespace telltale::eventdb
