// Grouping against a corpus of events with the partition they must fall into (tests/corpus/grouping/*.txt;
// README.md there has the format), against the hashes of the version before, and parameterising against
// pairs.
#include "errors/grouping.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "errors/rules.hpp"

namespace telltale::errors {
namespace {

struct Case {
  std::string where;
  std::string group;  // cases with the same name share a hash; with different names they do not
  std::string title;
  std::string culprit;
  std::string before;   // hashes of version 1
  std::string variant;  // of the best hash
  std::string stack_rules;
  std::string fingerprint_rules;
  GroupingInput input;
};

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

std::string unescape(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  return text;
}

/// function|module|filename|context line|app or lib or -; `raw:NAME` and `package:PATH` may stand behind
/// that.
GroupingFrame frame_of(const std::string& text, std::int64_t lineno) {
  auto parts = split(text, '|');
  parts.resize(std::max<std::size_t>(parts.size(), 5));
  GroupingFrame frame;
  frame.function = parts[0];
  frame.module = parts[1];
  frame.filename = frame.abs_path = parts[2];
  frame.context_line = parts[3];
  for (std::size_t i = 5; i < parts.size(); ++i) {
    if (parts[i].starts_with("raw:")) frame.raw_function = parts[i].substr(4);
    if (parts[i].starts_with("package:")) frame.package = parts[i].substr(8);
  }
  if (parts[4] == "app" || parts[4] == "lib") frame.in_app = parts[4] == "app";
  frame.lineno = lineno;
  return frame;
}

void set_field(Case& c, const std::string& key, const std::string& value, std::int64_t line) {
  GroupingInput& in = c.input;
  if (key == "title") {
    c.title = value;
  } else if (key == "culprit") {
    c.culprit = value;
  } else if (key == "platform") {
    in.platform = value;
  } else if (key == "message") {
    in.message = unescape(value);
  } else if (key == "formatted") {
    in.formatted = unescape(value);
  } else if (key == "logger") {
    in.logger = value;
  } else if (key == "level") {
    in.level = value;
  } else if (key == "transaction") {
    in.transaction = value;
  } else if (key == "fingerprint") {
    in.fingerprint = split(value, '|');
  } else if (key == "tag") {
    in.tags.emplace_back(split(value, '=')[0], split(value, '=')[1]);
  } else if (key == "exception" || key == "synthetic") {
    const auto colon = value.find(": ");
    GroupingException e;
    e.type = value.substr(0, colon);
    if (colon != std::string::npos) e.value = unescape(value.substr(colon + 2));
    e.synthetic = key == "synthetic";
    in.exceptions.push_back(e);
  } else if (key == "checksum") {
    in.checksum = value;
  } else if (key == "release") {
    in.release = value;
  } else if (key == "environment") {
    in.environment = value;
  } else if (key == "mechanism") {
    in.exceptions.back().mechanism = value;
  } else if (key == "group") {
    in.exceptions.back().group = value == "yes";
  } else if (key == "before") {
    c.before = value;
  } else if (key == "variant") {
    c.variant = value;
  } else if (key == "stack-rule") {
    c.stack_rules.append(value).push_back('\n');
  } else if (key == "fingerprint-rule") {
    c.fingerprint_rules.append(value).push_back('\n');
  } else if (key == "ids") {
    const auto ids = split(value, ' ');
    in.exceptions.back().exception_id = std::stoll(ids[0]);
    if (ids.size() > 1) in.exceptions.back().parent_id = std::stoll(ids[1]);
  } else if (key == "frame") {
    auto& frames = in.threads.empty() ? in.exceptions.back().frames : in.threads.back().frames;
    frames.push_back(frame_of(value, line));
  } else if (key == "again") {
    auto& frames = in.exceptions.back().frames;
    frames.insert(frames.end(), static_cast<std::size_t>(std::stoi(value)), frames.back());
  } else if (key == "thread") {
    in.threads.push_back({value == "crashed", value == "current", {}});
  } else {
    ADD_FAILURE() << c.where << ": unknown key " << key;
  }
}

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::vector<Case> cases;
  std::ifstream in(file);
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const auto colon = line.find(": ");
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (key == "case") {
      cases.emplace_back();
      cases.back().where = file.filename().string() + ":" + std::to_string(number);
      cases.back().group = value;
    } else {
      set_field(cases.back(), key, value, number);
    }
  }
  return cases;
}

GroupingResult group(const Case& c, Explain explain = Explain::no) {
  const auto rules = GroupingRules::parse(c.stack_rules, c.fingerprint_rules);
  EXPECT_TRUE(rules) << c.where << ": " << (rules ? "" : rules.error().message());
  return group_event(c.input, rules ? **rules : GroupingRules::none(), explain);
}

bool share(const GroupingResult& a, const GroupingResult& b) {
  return std::any_of(a.variants.begin(), a.variants.end(), [&](const auto& v) {
    return std::any_of(b.variants.begin(), b.variants.end(), [&](const auto& w) { return v.hash == w.hash; });
  });
}

std::vector<std::filesystem::path> corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/grouping")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  return files;
}

TEST(Grouping, CorpusFallsIntoItsPartition) {
  std::size_t seen = 0;
  for (const auto& path : corpus()) {
    const auto cases = read_cases(path);
    std::vector<GroupingResult> results;
    for (const Case& c : cases) {
      results.push_back(group(c));
      const GroupingResult& result = results.back();
      ASSERT_FALSE(result.variants.empty()) << c.where;
      for (const auto& variant : result.variants) EXPECT_EQ(variant.hash.size(), 32u) << c.where;
      if (!c.title.empty()) {
        EXPECT_EQ(result.title, c.title) << c.where;
      }
      if (!c.culprit.empty()) {
        EXPECT_EQ(result.culprit, c.culprit) << c.where;
      }
      if (!c.variant.empty()) {
        EXPECT_EQ(result.variants.front().name, c.variant) << c.where;
      }
    }
    for (std::size_t a = 0; a < cases.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        EXPECT_EQ(share(results[a], results[b]), cases[a].group == cases[b].group)
            << cases[a].where << " (" << cases[a].group << ") and " << cases[b].where << " ("
            << cases[b].group << ")";
      }
    }
    seen += cases.size();
  }
  EXPECT_GE(seen, 150u);
}

// Issues of the time before are found for good.
TEST(Grouping, HashesOfTheVersionBeforeStay) {
  for (const Case& c : read_cases(TELLTALE_SOURCE_DIR "/tests/corpus/grouping-1/events.txt")) {
    std::string before;
    for (const std::string& hash : group(c).before) before.append(before.empty() ? "" : " ").append(hash);
    EXPECT_EQ(before, c.before) << c.where;
  }
}

// Paths, line numbers, addresses, ids and values are left out, whatever they are.
TEST(Grouping, WhatVariesDoesNotCount) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto hex = [&](std::size_t size) {
    std::string out;
    while (out.size() < size) out.push_back("0123456789abcdef"[random() % 16]);
    return out;
  };
  const auto number = [&] { return std::to_string(random() % 100'000); };
  for (const auto& path : corpus()) {
    for (const Case& c : read_cases(path)) {
      const GroupingResult before = group(c);
      if (before.variants.front().name == "checksum") continue;
      Case changed = c;
      const std::string root = "/srv/" + hex(6) + "/";
      const auto moved = static_cast<std::int64_t>(random() % 5000);
      for (auto& e : changed.input.exceptions) {
        for (auto& f : e.frames) {
          f.lineno += moved;
          if (f.abs_path.empty() || f.abs_path.find("://") != std::string::npos) continue;
          if (c.stack_rules.empty() && f.in_app) f.abs_path = root + f.filename;
        }
        if (e.frames.empty() || before.variants.front().name != "app") continue;
        if (c.fingerprint_rules.empty() && c.input.fingerprint.empty())
          e.value = "id " + number() + " at 0x" + hex(12) + " of " + hex(32);
      }
      const GroupingResult after = group(changed);
      EXPECT_TRUE(share(before, after)) << c.where;
    }
  }
}

// The explanation is of the hash that counts, and says of every part why it does not.
TEST(Grouping, Explains) {
  for (const auto& path : corpus()) {
    for (const Case& c : read_cases(path)) {
      const auto plain = group(c);
      const auto explained = group(c, Explain::yes);
      ASSERT_EQ(plain.variants.size(), explained.variants.size()) << c.where;
      for (std::size_t i = 0; i < plain.variants.size(); ++i) {
        EXPECT_EQ(plain.variants[i].hash, explained.variants[i].hash) << c.where;
        EXPECT_FALSE(explained.variants[i].parts.empty()) << c.where;
        for (const auto& part : explained.variants[i].parts)
          EXPECT_EQ(part.counts, part.why.empty()) << c.where;
      }
    }
  }
}

TEST(Grouping, AppHashComesFirst) {
  GroupingInput input;
  input.platform = "python";
  GroupingException e;
  e.type = "E";
  e.frames = {frame_of("main|shop|||app", 1), frame_of("get|requests|||lib", 2)};
  input.exceptions = {e};
  const auto both = group_event(input, GroupingRules::none());
  ASSERT_EQ(both.variants.size(), 2u);
  EXPECT_EQ(both.variants[0].name, "app");
  EXPECT_EQ(both.variants[1].name, "system");
  input.exceptions[0].frames[1].function = "post";
  const auto other = group_event(input, GroupingRules::none());
  EXPECT_EQ(both.variants[0].hash, other.variants[0].hash);
  EXPECT_NE(both.variants[1].hash, other.variants[1].hash);
}

// Of many exceptions together as of few; and what is made to be slow is not.
TEST(Grouping, ManyOfEverything) {
  const auto group_of = [](int members) {
    GroupingInput input;
    input.platform = "python";
    for (int i = members; i > 0; --i) {
      GroupingException e;
      e.type = "TimeoutError";
      e.value = std::string("late ") + std::to_string(i);
      e.exception_id = i;
      e.parent_id = 0;
      input.exceptions.push_back(e);
    }
    GroupingException root;
    root.type = "ExceptionGroup";
    root.group = true;
    root.exception_id = 0;
    input.exceptions.push_back(root);
    return group_event(input, GroupingRules::none());
  };
  EXPECT_TRUE(share(group_of(60), group_of(3)));
  EXPECT_EQ(group_of(60).title, group_of(3).title.substr(0, 19) + "60");
  std::string slow;
  while (slow.size() < 8000) slow += "a-";
  EXPECT_EQ(parameterise(slow + " 17"), slow + " 17") << "given up, as it is";
  GroupingInput native;
  native.platform = "native";
  GroupingException e;
  GroupingFrame frame;
  while (frame.function.size() < 1'000'000) frame.function += "(anonymous namespace)";
  e.frames = {frame};
  native.exceptions = {e};
  EXPECT_EQ(group_event(native, GroupingRules::none()).variants.front().name, "system");
}

TEST(Parameterise, ReplacesWhatVaries) {
  const std::pair<const char*, const char*> pairs[] = {
      {"user 42 not found", "user <int> not found"},
      {"took 12.5 ms", "took <duration>"},
      {"took 125ms, waited 3s", "took <duration>, waited <duration>"},
      {"mail to ann.b@example.org bounced", "mail to <email> bounced"},
      {"GET https://a.example/x?y=1 failed", "GET <url> failed"},
      {"connect 10.0.0.7:5432 refused", "connect <ip> refused"},
      {"at 2026-11-23T10:00:00.123Z", "at <date>"},
      {"on 2026-11-23", "on <date>"},
      {"id 123e4567-e89b-12d3-a456-426614174000 gone", "id <uuid> gone"},
      {"object at 0x7f3a9c0012", "object at <hex>"},
      {"commit deadbeef01", "commit <hex>"},
      {"deadbeef is a word here: defaced", "deadbeef is a word here: defaced"},
      {"order 1234567890 lost", "order <int> lost"},
      {"utf8 and x86_64 stay", "utf8 and x86_64 stay"},
      {"key 'basket' missing", "key <quoted> missing"},
      {"don't stop, can't stop", "don't stop, can't stop"},
      {"balance -5", "balance <int>"},
      {"", ""},
      {"no values", "no values"},
  };
  for (const auto& [text, want] : pairs) EXPECT_EQ(parameterise(text), want) << text;
}

}  // namespace
}  // namespace telltale::errors
