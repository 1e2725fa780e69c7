// One row a rule: labels in, labels out (nullopt: dropped).
#include "metrics/relabel.hpp"

#include <gtest/gtest.h>

#include "metrics/md5.hpp"

namespace telltale::metrics {
namespace {

using L = std::vector<Label>;
struct Row {
  const char* what;
  RelabelRule rule;
  std::optional<L> out;
};

TEST(Relabel, EveryAction) {
  const L in = {{"a", "foo"}, {"b", "bar"}, {"c", "Baz"}, {"__meta_x", "1"}};
  using A = RelabelAction;
  const auto with = [&in](std::vector<Label> more) {
    L l = in;
    l.insert(l.end(), more.begin(), more.end());
    return l;
  };
  const Row rows[] = {
      {"replace", {{"a", "b"}, ";", "d", "f(.*);(.*)r", 0, "ch${1}-$2$$"}, with({{"d", "choo-ba$"}})},
      {"replace no match", {{"a"}, ";", "d", "zzz"}, in},
      {"replace anchored", {{"a"}, ";", "d", "fo"}, in},
      {"replace name in target", {{"b"}, ";", "x_${1}", "(ba).*", 0, "v"}, with({{"x_ba", "v"}})},
      {"replace to empty removes", {{"a"}, ";", "b", "foo", 0, ""}, L{in[0], in[2], in[3]}},
      {"named group", {{"a"}, ";", "d", "(?P<n>f).*", 0, "${n}!"}, with({{"d", "f!"}})},
      {"keep", {{"a"}, ";", "", "foo", 0, "$1", A::keep}, in},
      {"keep drops", {{"a"}, ";", "", "fo", 0, "$1", A::keep}, std::nullopt},
      {"drop", {{"a"}, ";", "", "f.*", 0, "$1", A::drop}, std::nullopt},
      {"keepequal", {{"a"}, ";", "b", "(.*)", 0, "$1", A::keepequal}, std::nullopt},
      {"dropequal", {{"a"}, ";", "b", "(.*)", 0, "$1", A::dropequal}, in},
      {"labelmap", {{}, ";", "", "__meta_(.+)", 0, "m_$1", A::labelmap}, with({{"m_x", "1"}})},
      {"labeldrop", {{}, ";", "", "__meta_.*|a", 0, "", A::labeldrop}, L{in[1], in[2]}},
      {"labelkeep", {{}, ";", "", "a|b", 0, "", A::labelkeep}, L{in[0], in[1]}},
      {"lowercase", {{"c"}, ";", "d", "(.*)", 0, "$1", A::lowercase}, with({{"d", "baz"}})},
      {"uppercase", {{"c"}, ";", "d", "(.*)", 0, "$1", A::uppercase}, with({{"d", "BAZ"}})},
  };
  for (Row row : rows) {
    SCOPED_TRACE(row.what);
    const auto ready = row.rule.prepare();
    ASSERT_TRUE(ready) << ready.error().message();
    Labels labels(in);
    ASSERT_EQ(relabel({row.rule}, labels), row.out.has_value());
    if (row.out) {
      EXPECT_EQ(labels, Labels(*row.out));
    }
  }
}

TEST(Relabel, HashmodUsesTheTailOfMd5) {
  // MD5("") = d41d8cd98f00b204 e9800998ecf8427e, MD5("abc") = 900150983cd24fb0 d6963f7d28e17f72 (RFC 1321,
  // A.5)
  EXPECT_EQ(md5_tail(""), 0xe9800998ecf8427eULL);
  EXPECT_EQ(md5_tail("abc"), 0xd6963f7d28e17f72ULL);
  EXPECT_EQ(md5_tail("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            0xac49da2e2107b67aULL);
}

TEST(Relabel, NamesTheFieldThatIsWrong) {
  RelabelRule rule;
  EXPECT_NE(rule.prepare().error().message().find("target_label"), std::string::npos);
  rule = {{"a"}, ";", "t", "(", 0, "$1", RelabelAction::replace, nullptr};
  EXPECT_NE(rule.prepare().error().message().find("regex"), std::string::npos);
  rule = {{"a"}, ";", "t", "(.*)", 0, "$1", RelabelAction::hashmod, nullptr};
  EXPECT_NE(rule.prepare().error().message().find("modulus"), std::string::npos);
}

}  // namespace
}  // namespace telltale::metrics
