// The naive side is the generator: it knows what it wrote.
#include "wire/json/fields.hpp"

#include <random>

#include <gtest/gtest.h>

#include "base/intake_limits.hpp"
#include "base/json.hpp"
#include "wire/json/document.ipp"

namespace telltale::wire::json {
namespace {

TEST(JsonDocument, ValuesAreCountedBeforeTheyAreRead) {
  std::string values = "[";
  for (std::size_t i = 0; i <= limits::kMaxJsonValues; ++i) values += "0,";
  values += "0]";
  EXPECT_EQ(Document::parse(values).error().kind(), ErrorKind::too_large);
  EXPECT_EQ(normalise(values).error().kind(), ErrorKind::too_large);
  const std::string text = "[\"\\\"" + std::string(limits::kMaxJsonValues + 1, ',') + "\"]";
  EXPECT_TRUE(Document::parse(text)) << "commas of a text are none of the document's";
}

class Generator {
 public:
  explicit Generator(unsigned seed) : rng_(seed) {}

  std::string object(std::vector<Attr>& expected, const std::string& prefix = {}, int depth = 0) {
    std::string out = "{";
    const unsigned fields = rng_() % 8;
    for (unsigned i = 0; i < fields; ++i) {
      const std::string key = "k" + std::to_string(rng_() % 12);
      if (i > 0) out += rng_() % 3 == 0 ? " , " : ",";
      append_json_string(out, key);
      out += ':';
      value(out, prefix + key, expected, depth);
    }
    return out + "}";
  }

 private:
  void set(std::vector<Attr>& expected, const std::string& name, AttrValue value) {
    for (Attr& a : expected) {
      if (a.name != name) continue;
      a.value = std::move(value);
      return;
    }
    Attr added;
    added.name = name;
    added.value = std::move(value);
    expected.push_back(std::move(added));
  }

  void value(std::string& out, const std::string& name, std::vector<Attr>& expected, int depth) {
    switch (rng_() % 7) {
      case 0: {
        const std::string text = "t\n\"\xC3\xA9" + std::to_string(rng_() % 100);
        append_json_string(out, text);
        return set(expected, name, text);
      }
      case 1: {
        const auto n = static_cast<std::int64_t>(rng_()) - 1000;
        out += std::to_string(n);
        return set(expected, name, n);
      }
      case 2:
        out += "0.25";
        return set(expected, name, 0.25);
      case 3:
        out += "true";
        return set(expected, name, true);
      case 4:
        out += "null";
        return;
      case 5:
        out += "[1,{\"a\":2}]";
        return set(expected, name, std::string("[1,{\"a\":2}]"));
      default:
        if (depth < 4) {
          out += object(expected, name + ".", depth + 1);
        } else {
          out += "18446744073709551615";
          set(expected, name, std::string("18446744073709551615"));
        }
    }
  }
  std::mt19937 rng_;
};

TEST(Fields, RandomObjectsReadAsTheyWereWritten) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator generator(seed);
  FieldReader reader;
  for (int i = 0; i < 3000; ++i) {
    std::vector<Attr> expected;
    const std::string text = generator.object(expected);
    const std::string padded = text + std::string(FieldReader::kPadding, i % 2 == 0 ? '"' : '\0');
    for (const std::size_t after : {std::size_t{0}, FieldReader::kPadding}) {
      std::vector<Attr> got;
      const auto done = reader.read(std::string_view(padded).substr(0, text.size()), after, got);
      ASSERT_TRUE(done) << text << done.error().message();
      ASSERT_EQ(got.size(), expected.size()) << text;
      for (std::size_t k = 0; k < got.size(); ++k) {
        ASSERT_EQ(got[k].name, expected[k].name) << text;
        ASSERT_EQ(got[k].value, expected[k].value)
            << got[k].name << " = " << to_string(got[k].value) << " in " << text;
      }
    }
  }
}

TEST(Fields, RefusesWhatIsNoObjectAndRepairsWhatIsNearlyOne) {
  FieldReader reader;
  std::vector<Attr> out;
  for (const auto* bad : {"", "[1]", "7", "{\"a\":", "nonsense", "\"text\""})
    EXPECT_FALSE(reader.read(bad, 0, out)) << bad;
  EXPECT_TRUE(out.empty());
  ASSERT_TRUE(reader.read("{\"a\":\"bad \xff byte\",\"n\":NaN}", 0, out));
  EXPECT_EQ(to_string(out.at(0).value), "bad \xEF\xBF\xBD byte");
}

TEST(LogTime, EveryUsualForm) {
  constexpr std::int64_t kNs = 1'767'864'600'123'456'789;
  const auto is = [](const AttrValue& v, std::int64_t ns) {
    const auto t = log_time(v);
    ASSERT_TRUE(t) << to_string(v);
    EXPECT_EQ(t->ns, ns) << to_string(v);
  };
  is(std::string("2026-01-08T09:30:00.123456789Z"), kNs);
  is(std::string("2026-01-08 09:30:00,123"), 1'767'864'600'123'000'000);
  is(std::string("2026-01-08T10:30:00.123+01:00"), 1'767'864'600'123'000'000);
  is(std::int64_t{1'767'864'600}, 1'767'864'600'000'000'000);
  is(std::int64_t{1'767'864'600'123}, 1'767'864'600'123'000'000);
  is(std::int64_t{1'767'864'600'123'456}, 1'767'864'600'123'456'000);
  is(kNs, kNs);
  is(std::string("1767864600123"), 1'767'864'600'123'000'000);
  is(1'767'864'600.5, 1'767'864'600'500'000'000);
  for (const AttrValue& none :
       {AttrValue(std::string("yesterday")), AttrValue(std::string()), AttrValue(0.25),
        AttrValue(std::int64_t{12}), AttrValue(true), AttrValue(std::int64_t{-5}), AttrValue(1e300)})
    EXPECT_FALSE(log_time(none)) << to_string(none);
}

}  // namespace
}  // namespace telltale::wire::json
