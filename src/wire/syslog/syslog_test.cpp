// The corpus in tests/corpus/syslog, and the framing of streams: whatever way the bytes are cut, the messages
// are the same.
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "wire/syslog/framer.hpp"
#include "wire/syslog/message.hpp"

namespace telltale::wire::syslog {
namespace {

const UnixNanos kCorpusNow = *parse_rfc3339("2026-01-08T12:00:00Z");

std::string raw_bytes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
    }
  }
  return out;
}

std::string rendered(const Message& m) {
  static constexpr std::string_view kFormats[] = {"rfc5424", "rfc3164", "bare"};
  std::string out = fmt::format("format: {}\n", kFormats[static_cast<std::size_t>(m.format)]);
  const auto field = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) out += fmt::format("{}: {}\n", name, text);
  };
  if (m.has_priority)
    out += fmt::format("priority: {}.{}\n", facility_name(m.facility), severity_name(m.severity));
  if (m.time) field("time", format_rfc3339(*m.time));
  field("host", m.host);
  field("app", m.app);
  field("process", m.process_id);
  field("id", m.message_id);
  for (const auto& [name, value] : m.structured_data) out += fmt::format("  {} = {}\n", name, value);
  return out + fmt::format("text: {}\n", m.text);
}

TEST(Syslog, Corpus) {
  std::ifstream in(std::filesystem::path(TELLTALE_SOURCE_DIR) / "tests/corpus/syslog/messages.txt");
  std::string name;
  std::string input;
  std::string expected;
  std::size_t count = 0;
  const auto check = [&] {
    if (name.empty()) return;
    EXPECT_EQ(rendered(parse_message(raw_bytes(input), TimeZone(), kCorpusNow)), expected) << name;
    ++count;
    expected.clear();
  };
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# ")) {
      check();
      name = line.substr(2);
    } else if (line.starts_with("> ")) {
      input = line.substr(2);
    } else if (!line.empty()) {
      expected += line + "\n";
    }
  }
  check();
  EXPECT_GE(count, 45u);
}

TEST(Syslog, ZoneOfTheListener) {
  const auto zone = TimeZone::find("America/New_York");
  ASSERT_TRUE(zone);
  const auto message = parse_message("<13>Jul  8 09:30:00 h a: x", *zone, kCorpusNow);
  ASSERT_TRUE(message.time);
  EXPECT_EQ(format_rfc3339(*message.time), "2025-07-08T13:30:00Z");
}

std::vector<std::string> framed(std::string_view stream, std::size_t max, std::mt19937& random,
                                std::uint64_t* cut = nullptr) {
  Framer framer(max);
  std::vector<std::string> out;
  const auto sink = [&](std::string_view m) { out.emplace_back(m); };
  while (!stream.empty()) {
    const std::size_t n = std::min<std::size_t>(1 + random() % 7, stream.size());
    framer.feed(stream.substr(0, n), sink);
    stream.remove_prefix(n);
  }
  framer.finish(sink);
  if (cut != nullptr) *cut = framer.cut();
  return out;
}

TEST(Framer, EveryKindInOneStream) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  using List = std::vector<std::string>;
  const std::string_view nul("<13>a\0<13>b\0", 12);
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(framed("<13>a\n<13>b\r\n\n<13>c", 100, random), (List{"<13>a", "<13>b\r", "<13>c"}));
    EXPECT_EQ(framed("7 <13>a\nb6 <13>cd5 <13>e", 100, random), (List{"<13>a\nb", "<13>cd", "<13>e"}));
    EXPECT_EQ(framed("5 <13>a<13>b\n5 <13>c\n", 100, random), (List{"<13>a", "<13>b", "<13>c"}));
    EXPECT_EQ(framed(nul, 100, random), (List{"<13>a", "<13>b"}));
    EXPECT_EQ(framed("2026-01-08 text\n12 apples\n", 100, random), (List{"2026-01-08 text", "12 apples"}));
    EXPECT_EQ(framed("9 <13>cut", 100, random), (List{"<13>cut"}));
    std::uint64_t cut = 0;
    EXPECT_EQ(framed("<13>abcdefghij\n<13>b\n", 8, random, &cut), (List{"<13>abcd", "<13>b"}));
    EXPECT_EQ(cut, 1u);
    EXPECT_EQ(framed("14 <13>abcdefghij5 <13>b", 8, random, &cut), (List{"<13>abcd", "<13>b"}));
    EXPECT_EQ(cut, 1u);
  }
}

TEST(Framer, KeepsNoMoreThanAMessage) {
  Framer framer(1000);
  const auto ignore = [](std::string_view) {};
  for (int i = 0; i < 1000; ++i) framer.feed(std::string(100, 'x'), ignore);
  EXPECT_LE(framer.pending(), 1000u);
  EXPECT_EQ(framer.cut(), 1u);
}

}  // namespace
}  // namespace telltale::wire::syslog
