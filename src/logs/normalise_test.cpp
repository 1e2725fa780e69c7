// The corpus in tests/corpus/normalise: input lines and everything that is to be read out of them.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "logs/line.hpp"
#include "logs/roles.hpp"

namespace telltale::logs {
namespace {

const UnixNanos kCorpusNow = *parse_rfc3339("2026-01-08T12:00:00Z");

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == 't')) {
      out += text[++i] == 'n' ? '\n' : '\t';
    } else if (text.substr(i).starts_with("\\\\")) {
      out += text[i++];
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string value_text(const AttrValue& value) {
  static constexpr std::string_view kTypes[] = {"", " (int)", " (real)", " (bool)"};
  std::string out;
  for (const char c : telltale::to_string(value)) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + std::string(kTypes[value.index()]);
}

// One line a column or attribute, in the row's order.
std::string rendered(const EventRow& row, LineForm form) {
  std::string out = fmt::format("form: {}\n", form_name(form));
  const EventIds& ids = row.ids;
  const auto column = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) out += fmt::format("{}: {}\n", name, text);
  };
  if (row.time.ns != 0) column("time", format_rfc3339(row.time));
  if (ids.level != Level::unknown) column("level", to_string(ids.level));
  column("trace", ids.trace_id.present() ? ids.trace_id.hex() : "");
  column("span", ids.span_id.present() ? ids.span_id.hex() : "");
  column("request", ids.request_id);
  column("user", ids.user_id);
  column("service", ids.service);
  column("environment", ids.environment);
  column("release", ids.release);
  column("host", ids.host);
  column("transaction", ids.transaction);
  for (const Attr& a : row.attributes) {
    if (a.kind == AttrKind::parsed) out += fmt::format("  {} = {}\n", a.name, value_text(a.value));
  }
  return out;
}

struct Case {
  std::string name;
  std::string input;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string expected;
};

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::vector<Case> cases;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("# ")) {
      cases.push_back({file.filename().string() + ": " + line.substr(2), {}, {}, {}});
    } else if (line.starts_with("> ")) {
      cases.back().input = unescaped(std::string_view(line).substr(2));
    } else if (line.starts_with("label ")) {
      const std::size_t equals = line.find('=');
      cases.back().labels.emplace_back(line.substr(6, equals - 6), line.substr(equals + 1));
    } else if (!line.empty()) {
      cases.back().expected += line + "\n";
    }
  }
  return cases;
}

TEST(Normalise, Corpus) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(TELLTALE_SOURCE_DIR) /
                                                               "tests/corpus/normalise")) {
    if (entry.path().extension() != ".txt") continue;
    for (const Case& c : read_cases(entry.path())) {
      EventRow row;
      row.message = c.input;
      for (const auto& [name, value] : c.labels) row.set(name, value, AttrKind::label);
      const LineForm form = normalise_line(row, {TimeZone(), kCorpusNow});
      EXPECT_EQ(rendered(row, form), c.expected) << c.name;
      EXPECT_EQ(row.message, c.input) << c.name << ": a line stays as it was sent";
      ++count;
    }
  }
  EXPECT_GE(count, 60u);
}

TEST(Normalise, NamesOfLoki) {
  const auto named = [](std::string_view message, std::vector<Attr> attributes = {},
                        std::string service = "") {
    EventRow row;
    row.message = message;
    row.ids.service = std::move(service);
    row.attributes = std::move(attributes);
    normalise_line(row, {TimeZone(), kCorpusNow});
    name_stream(row);
    std::string out;
    for (const Attr& a : row.attributes) {
      if (has_spelling(a.name, "service_name") || a.name == "detected_level")
        out += fmt::format("{}={}{} ", a.name, telltale::to_string(a.value),
                           a.kind == AttrKind::label ? " (label)" : "");
    }
    return out;
  };
  EXPECT_EQ(named("hello"), "service_name=unknown_service (label) detected_level=unknown ");
  EXPECT_EQ(named("level=warn msg=\"low stock\"", {}, "shop"),
            "service_name=shop (label) detected_level=warn ");
  EXPECT_EQ(named(R"({"level":"CRITICAL"})"),
            "service_name=unknown_service (label) detected_level=critical ");
  EXPECT_EQ(named("x", {{"service.name", std::string("cart"), AttrKind::label}}),
            "service.name=cart (label) detected_level=unknown ");
}

TEST(Normalise, WhatStoodBesideTheLineIsBelieved) {
  EventRow row;
  row.message = R"({"level":"debug","user_id":"u-2","trace_id":"0af7651916cd43dd8448eb211c80319c"})";
  row.set("level", std::string("error"), AttrKind::label);
  row.set("enduser.id", std::string("u-1"), AttrKind::metadata);
  normalise_line(row, {TimeZone(), kCorpusNow});
  EXPECT_EQ(row.ids.level, Level::error);
  EXPECT_EQ(row.ids.user_id, "u-1");
  EXPECT_EQ(row.ids.trace_id.hex(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(telltale::to_string(*row.find("level")), "error");
}

TEST(Normalise, ManyFieldsAreBoundedAndUnique) {
  std::string line = "{";
  for (int i = 0; i < 400; ++i) line += fmt::format("\"field{}\":{},", i % 300, i);
  line.back() = '}';
  EventRow row;
  row.message = line;
  EXPECT_EQ(parse_fields(row), LineForm::json);
  EXPECT_EQ(row.attributes.size(), limits::kMaxAttributes);
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    EXPECT_EQ(row.attributes[i].name, fmt::format("field{}", i));
    EXPECT_EQ(row.attributes[i].kind, AttrKind::parsed);
  }
}

TEST(Normalise, MessageOfADocument) {
  EventRow row;
  row.set("event", std::string("signed in"));
  row.set("msg", std::string("hello"));
  ASSERT_NE(message_field(row), nullptr);
  EXPECT_EQ(message_field(row)->name, "msg");
}

}  // namespace
}  // namespace telltale::logs
