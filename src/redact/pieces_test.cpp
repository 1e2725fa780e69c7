// Texts put together at random from what the finders look for: what a finder meets the prefilter
// lets through, matches lie within the text, and JSON stays JSON.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "redact/pairs.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {
namespace {

constexpr std::string_view kPieces[] = {
    "password", "token", "Cookie",   "dbPwd", "api_key", "name",    "value",      "key",       "=",
    "=",        ":",     ": ",       "==",    "=>",      ":=",      "%3D",        "%3A",       "%22",
    "%5B",      "%5D",   "[",        "]",     "{",       "}",       "'",          "'",         "\"",
    "\"",       "\\",    "\\\"",     "b'",    "(",       ")",       " ",          " ",         ", ",
    ",",        "\n",    "\r\n\r\n", ";",     "hunter2", "x1",      "q9w8",       "12",        "[Filtered]",
    "[token]",  "--",    "-",        "<",     ">",       "</",      "<password>", "<![CDATA[", "]]>",
    "str = ",   "&",     "%26",      "null",  "true",    "********"};

std::string made(std::mt19937& rng) {
  std::string out;
  for (std::size_t i = 0, n = 1 + rng() % 14; i < n; ++i) out += kPieces[rng() % std::size(kPieces)];
  return out;
}

/// A hundred times as many with TELLTALE_SOAK=1.
int rounds(int usual) { return std::getenv("TELLTALE_SOAK") != nullptr ? usual * 100 : usual; }

TEST(Pieces, WhatAFinderMeetsThePrefilterLetsThrough) {
  const unsigned seed = std::random_device{}();
  std::mt19937 rng(seed);
  const auto redactor = std::move(Redactor::create({})).value();
  for (int round = 0; round < rounds(100'000); ++round) {
    const std::string text = made(rng);
    std::vector<Match> matches;
    find_pairs(
        text, [](std::string_view key) { return classify_key(key, {}, {}); }, matches);
    for (const Match& m : matches) {
      ASSERT_LT(m.begin, m.end) << "seed " << seed << ": " << text;
      ASSERT_LE(m.end, text.size()) << "seed " << seed << ": " << text;
    }
    std::string out = text;
    const bool changed = redactor->redact_text(out);
    EXPECT_TRUE(changed || matches.empty()) << "seed " << seed << ": " << text;
  }
}

TEST(Pieces, JsonStaysJson) {
  const unsigned seed = std::random_device{}();
  std::mt19937 rng(seed);
  const auto redactor = std::move(Redactor::create({})).value();
  simdjson::dom::parser parser;
  for (int round = 0; round < rounds(20'000); ++round) {
    JsonWriter w;
    const auto text = [&] {
      return rng() % 3 == 0 ? std::string(kPieces[rng() % std::size(kPieces)]) : made(rng);
    };
    w.begin_object();
    w.key(text()).string(text());
    w.key("list").begin_array().string(text()).string(text()).string(text()).string(text()).end_array();
    w.key("pair")
        .begin_object()
        .key(rng() % 2 ? "name" : "value")
        .string(text())
        .key(rng() % 2 ? "value" : "name")
        .string(text())
        .end_object();
    w.end_object();
    const std::string json = w.take();
    std::string out = json;
    redactor->redact_event(out);
    ASSERT_EQ(parser.parse(out).error(), simdjson::SUCCESS)
        << "seed " << seed << ": " << json << "\n -> " << out;
  }
}

}  // namespace
}  // namespace telltale::redact
