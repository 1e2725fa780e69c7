// Grouping against a corpus of events with the partition they must fall into (tests/corpus/grouping/*.txt;
// its format stands in the first file), and parameterising against pairs.
#include "errors/grouping.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace telltale::errors {
namespace {

struct Case {
  std::string where;
  std::string group;  // cases with the same name share a hash; with different names they do not
  std::string title;
  std::string culprit;
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

/// function|module|filename|context line|app or lib or -
GroupingFrame frame_of(const std::string& text, std::int64_t lineno) {
  auto parts = split(text, '|');
  parts.resize(5);
  GroupingFrame frame;
  frame.function = parts[0];
  frame.module = parts[1];
  frame.filename = frame.abs_path = parts[2];
  frame.context_line = parts[3];
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
      cases.push_back({file.filename().string() + ":" + std::to_string(number), value, {}, {}, {}});
    } else {
      set_field(cases.back(), key, value, number);
    }
  }
  return cases;
}

bool share(const GroupingResult& a, const GroupingResult& b) {
  return std::any_of(a.hashes.begin(), a.hashes.end(), [&](const auto& h) {
    return std::find(b.hashes.begin(), b.hashes.end(), h) != b.hashes.end();
  });
}

TEST(Grouping, CorpusFallsIntoItsPartition) {
  std::size_t seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/grouping")) {
    const auto cases = read_cases(entry.path());
    std::vector<GroupingResult> results;
    for (const Case& c : cases) {
      results.push_back(group_event(c.input));
      ASSERT_FALSE(results.back().hashes.empty()) << c.where;
      for (const auto& hash : results.back().hashes) EXPECT_EQ(hash.size(), 32u) << c.where;
      if (!c.title.empty()) {
        EXPECT_EQ(results.back().title, c.title) << c.where;
      }
      if (!c.culprit.empty()) {
        EXPECT_EQ(results.back().culprit, c.culprit) << c.where;
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
  EXPECT_GE(seen, 30u);
}

TEST(Grouping, AppHashComesFirst) {
  GroupingInput input;
  input.platform = "python";
  GroupingException e;
  e.type = "E";
  e.frames = {frame_of("main|shop|||app", 1), frame_of("get|requests|||lib", 2)};
  input.exceptions = {e};
  const auto both = group_event(input);
  EXPECT_EQ(both.variants, (std::vector<std::string>{"app", "system"}));
  input.exceptions[0].frames[1].function = "post";
  const auto other = group_event(input);
  EXPECT_EQ(both.hashes[0], other.hashes[0]);
  EXPECT_NE(both.hashes[1], other.hashes[1]);
}

TEST(Parameterise, ReplacesWhatVaries) {
  const std::pair<const char*, const char*> pairs[] = {
      {"user 42 not found", "user <int> not found"},
      {"took 12.5 ms", "took <float> ms"},
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
