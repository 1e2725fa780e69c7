// Lines of JSON come back byte for byte from their skeletons, or are not made into one.
#include "eventdb/skeleton.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/escaped_needle.hpp"
#include "eventdb/text_form.hpp"

namespace telltale::eventdb {

namespace {

std::string random_text(Rng& rng) {
  static constexpr std::string_view kPieces[] = {
      "a", "word", " ", "\n", "\"",           "\\",  "\t", "\x02", "\xC3\xA9", "\xF0\x9F\x98\x80",
      "/", "{1}",  "",  "42", "\xE2\x82\xAC", "\x7F"};
  std::string out;
  for (auto n = rng.below(5); n > 0; --n) out += kPieces[rng.below(std::size(kPieces))];
  return out;
}

/// A row whose message says its attributes in a notation chosen by chance.
EventRow random_json_row(Rng& rng) {
  EventRow row;
  row.time = UnixNanos{1'700'000'000'123'456'789};
  const bool spaced = rng.chance(0.5);
  const bool ascii = rng.chance(0.5);
  std::string out = "{";
  const auto key = [&](const std::string& name) {
    if (out.back() != '{') out += spaced ? ", " : ",";
    out += "\"" + name + (spaced ? "\": " : "\":");
  };
  if (rng.chance(0.3)) {
    key("ts");
    out += "\"2023-11-14T22:13:20.123456Z\"";
  }
  for (auto n = rng.below(6); n > 0; --n) {
    const std::string name = "k" + std::to_string(n);
    key(name);
    switch (rng.below(8)) {
      case 0: {
        row.set(name, random_text(rng), AttrKind::parsed);
        out += '"';
        append_escaped(std::get<std::string>(*row.find(name)), ascii, out);
        out += '"';
        break;
      }
      case 1:
        row.set(name, static_cast<std::int64_t>(rng.below(1000)) - 500);
        out += to_string(*row.find(name));
        break;
      case 2: {
        const double v = static_cast<double>(rng.below(1000)) / 8;
        row.set(name, v);
        append_value(rng.chance(0.5) ? static_cast<char>('1' + rng.below(9))
                     : ascii         ? 'f'
                                     : 'r',
                     to_string(AttrValue(v)), out);
        break;
      }
      case 3:
        row.set(name, rng.chance(0.5));
        out += to_string(*row.find(name));
        break;
      case 4:
        out += rng.chance(0.5) ? "null" : "[]";
        break;
      case 5:
        row.set(name + ".in", std::string("x"));
        row.set(name + ".deep.er", std::int64_t{7});
        out += spaced ? "{\"in\": \"x\", \"deep\": {\"er\": 7}}" : "{\"in\":\"x\",\"deep\":{\"er\":7}}";
        break;
      case 6:
        row.set(name, std::string("[1, {\"a\": \"]\"}]"));
        out += "[1, {\"a\": \"]\"}]";
        break;
      default:
        out += "\"not among the attributes\"";
    }
  }
  row.message = out + "}";
  return row;
}

std::string render(const Skeleton& skeleton, const EventRow& row) {
  std::string out;
  for (std::size_t i = 0; i < skeleton.references.size(); ++i) {
    out += skeleton.literals[i];
    const auto& r = skeleton.references[i];
    if (r.mode == 't') {
      std::string time;
      render_time(static_cast<std::uint8_t>(std::stoi(r.name)), row.time.ns, time);
      out += time;
    } else {
      append_value(r.mode, to_string(*row.find(r.name)), out);
    }
  }
  return out + skeleton.literals.back();
}

TEST(Skeleton, LinesComeBackByteForByte) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  int made = 0;
  for (int run = 0; run < 3000; ++run) {
    EventRow row = random_json_row(rng);
    if (rng.chance(0.3) && row.message.size() > 2)
      row.message[rng.below(row.message.size())] = "\"\\{},:x "[rng.below(8)];
    const auto bytes = make_skeleton(row);
    if (!bytes) continue;
    ++made;
    const auto skeleton = Skeleton::parse(*bytes);
    ASSERT_TRUE(skeleton);
    ASSERT_EQ(render(*skeleton, row), row.message);
  }
  EXPECT_GT(made, 300);
}

TEST(Skeleton, RealsMayHaveAFixedNumberOfDigits) {
  EventRow row;
  row.set("ms", 33.85, AttrKind::parsed);
  row.set("n", 2.0, AttrKind::parsed);
  row.message = R"({"ms":33.850,"n":2.00})";
  EXPECT_EQ(make_skeleton(row),
            "{\"ms\":\x01"
            "3ms\x01,\"n\":\x01"
            "2n\x01}");
  row.message = R"({"ms":33.85000000000,"n":2.00})";
  EXPECT_FALSE(make_skeleton(row)) << "more than nine";
  row.message = R"({"ms":33.851,"n":2.00})";
  EXPECT_FALSE(make_skeleton(row));
}

TEST(EscapedNeedle, FindsInValuesWhatStandsInTheirEscapes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 3000; ++run) {
    std::vector<std::string> values(1 + rng.below(5));
    std::string joined;
    std::vector<std::size_t> ends;
    for (std::string& v : values) {
      v = random_text(rng);
      if (rng.chance(0.3)) v += static_cast<char>(rng.below(0x20));
      if (rng.chance(0.3)) v += random_text(rng);
      joined += v;
      ends.push_back(joined.size());
    }
    std::string escaped;
    append_escaped(values[rng.below(values.size())], false, escaped);
    std::string needle = rng.chance(0.2) ? "00" : "word";
    if (!escaped.empty() && rng.chance(0.9))
      needle = escaped.substr(rng.below(escaped.size()), 1 + rng.below(8));
    if (!EscapedNeedle::can_be(needle)) continue;
    const EscapedNeedle looked_for(needle, false);
    std::vector<bool> want(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      escaped.clear();
      append_escaped(values[i], false, escaped);
      want[i] = escaped.find(needle) != std::string::npos;
      ASSERT_EQ(looked_for.in(values[i]), want[i]) << needle << " in " << escaped;
    }
    if (looked_for.needs_whole_texts()) continue;
    const auto value_of = [&ends](std::size_t offset) {
      return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), offset) - ends.begin());
    };
    std::vector<bool> found(values.size());
    looked_for.each_in(
        joined, [&](std::size_t a, std::size_t b) { return value_of(a) == value_of(b); },
        [&](std::size_t at) { found[value_of(at)] = true; });
    ASSERT_EQ(found, want) << needle;
  }
}

/// Another value of the same type for every attribute, sometimes, and the message as the skeleton gives it.
EventRow like(const EventRow& row, const Skeleton& skeleton, Rng& rng) {
  EventRow out = row;
  for (Attr& a : out.attributes) {
    if (rng.chance(0.4)) continue;
    if (auto* text = std::get_if<std::string>(&a.value)) *text = random_text(rng);
    if (auto* number = std::get_if<std::int64_t>(&a.value))
      *number = static_cast<std::int64_t>(rng.below(99));
    if (auto* real = std::get_if<double>(&a.value)) *real = static_cast<double>(rng.below(99)) / 4;
  }
  out.message = render(skeleton, out);
  return out;
}

// A row fits when, and only when, the skeleton gives its line with its values.
TEST(Skeleton, FitsTheRowsItGives) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  int fitted = 0;
  int others = 0;
  std::string scratch;
  for (int run = 0; run < 3000; ++run) {
    const EventRow row = random_json_row(rng);
    const auto bytes = make_skeleton(row);
    if (!bytes) continue;
    const auto skeleton = Skeleton::parse(*bytes);
    const auto matcher = SkeletonMatcher::make(*bytes, row);
    ASSERT_TRUE(skeleton && matcher);
    for (int t = 0; t < 5; ++t) {
      EventRow other = like(row, *skeleton, rng);
      if (t > 2 && !other.message.empty())
        other.message[rng.below(other.message.size())] = "\"\\{},:x "[rng.below(8)];
      if (t == 2) other.message += rng.chance(0.5) ? " " : "}";
      const bool fits = matcher->fits(other, scratch);
      const bool gives = render(*skeleton, other) == other.message;
      if (fits) {
        ASSERT_TRUE(gives) << other.message;
      }
      // An empty text is left to make_skeleton().
      const bool any_empty = std::any_of(other.attributes.begin(), other.attributes.end(), [](const Attr& a) {
        const auto* text = std::get_if<std::string>(&a.value);
        return text != nullptr && text->empty();
      });
      if (gives && !any_empty) {
        ASSERT_TRUE(fits) << other.message;
      }
      (fits ? fitted : others) += 1;
    }
  }
  EXPECT_GT(fitted, 300);
  EXPECT_GT(others, 300);
}

TEST(Skeleton, WhatTheAttributesDoNotSayStaysALine) {
  EventRow row;
  row.set("a", std::string("1"));
  for (const char* line : {"", "{", "{}", "text", "{\"a\": \"2\"}", "{\"a\": \"1\"} ", "{\"b\": \"1\"}",
                           "[1]", "{\"a\": \"1\", \"b\": 7}", "{\"a\": \"1\"", "{\"a\"}", "{\"a\": \"1\\"}) {
    row.message = line;
    EXPECT_FALSE(make_skeleton(row)) << line;
  }
  row.message = "{ \"a\" : \"1\" , \"n\":null}";
  EXPECT_TRUE(make_skeleton(row));
  EXPECT_FALSE(Skeleton::parse("\x01"));
  EXPECT_FALSE(Skeleton::parse("\x01zname\x01"));
  EXPECT_FALSE(Skeleton::parse("\x01t99\x01"));
}

}  // namespace

}  // namespace telltale::eventdb
