// What was masked in an event is told in its `_meta`, and nothing but that.
#include <gtest/gtest.h>

#include "redact/redactor.hpp"

namespace telltale::redact {
namespace {

std::string with_meta(std::string json, Options options = {}) {
  const auto redactor = std::move(Redactor::create(std::move(options))).value();
  redactor->redact_event(json);
  return json;
}

const std::string kCard = std::string("4111 1111 ") + "1111 1111";

TEST(Meta, TellsWhatWasDoneWhere) {
  EXPECT_EQ(
      with_meta(R"({"request":{"data":{"note":"pay )" + kCard + R"( now"}}})"),
      R"({"request":{"data":{"note":"pay [card] now"}},"_meta":{"request":{"data":{"note":{"":{"rem":[["@card","s",4,10]],"len":27}}}}}})");
  EXPECT_EQ(
      with_meta(R"({"extra":{"password":"hunter22"}})"),
      R"({"extra":{"password":"[Filtered]"},"_meta":{"extra":{"password":{"":{"rem":[["@key","s",0,10]],"len":8}}}}})");
  EXPECT_EQ(
      with_meta(R"({"l":[1,{"password":{"a":1}}]})"),
      R"({"l":[1,{"password":"[Filtered]"}],"_meta":{"l":{"1":{"password":{"":{"rem":[["@key","s",0,10]]}}}}}})")
      << "a container has no length in characters";
}

TEST(Meta, CountsCharactersAndSeveralMatches) {
  EXPECT_EQ(
      with_meta(R"({"m":"äö )" + kCard + " " + kCard + R"("})"),
      R"({"m":"äö [card] [card]","_meta":{"m":{"":{"rem":[["@card","s",3,9],["@card","s",10,16]],"len":42}}}})");
}

TEST(Meta, NamesTheMethod) {
  for (const auto& [method, what] :
       {std::pair{Method::mask, "m"}, {Method::remove, "x"}, {Method::hash, "p"}}) {
    Options options;
    options.methods["all"] = method;
    options.hash_key = "k";
    const auto out = with_meta(R"({"a":")" + kCard + R"("})", options);
    EXPECT_NE(out.find(std::string(R"(["@card",")") + what + R"(",0,)"), std::string::npos) << out;
  }
}

TEST(Meta, JsonInTextHasRemarksWithoutAPlace) {
  EXPECT_EQ(
      with_meta(R"({"data":"{\"password\":\"hunter22\"}"})"),
      R"({"data":"{\"password\":\"[Filtered]\"}","_meta":{"data":{"":{"rem":[["@key","s"]],"len":23}}}})");
}

TEST(Meta, RemarksOfSdksStayAndNothingElseDoes) {
  EXPECT_EQ(
      with_meta(
          R"({"_meta":{"extra":{"token":{"":{"rem":[["!config","s"]],"len":5,"val":"hunter22","err":["invalid_data"]}}}},)"
          R"("extra":{"token":"[Filtered]","password":"hunter22"}})"),
      R"({"_meta":{"extra":{"password":{"":{"rem":[["@key","s",0,10]],"len":8}},"token":{"":{"rem":[["!config","s"]],"err":["invalid_data"],"len":5}}}},)"
      R"("extra":{"token":"[Filtered]","password":"[Filtered]"}})");
  const auto hidden = with_meta(
      R"({"_meta":{"a":{"password":"hunter22","":{"rem":[["my password is hunter22","s"],"hunter22",[1,2]],"len":"hunter22"}}}})");
  EXPECT_EQ(hidden.find("hunter22"), std::string::npos) << hidden;
  const auto named =
      with_meta(R"({"_meta":{")" + kCard + R"(":{"":{"rem":[["4111-1111-1111-1111","s"]]}}},"a":1})");
  EXPECT_EQ(named.find("4111"), std::string::npos) << named;
  const auto twice = with_meta(R"({"_meta":{},"a":1,"_meta":{"password":"hunter22"}})");
  EXPECT_EQ(twice.find("hunter22"), std::string::npos) << twice;
}

TEST(Meta, LeavesAloneWhatHasNothingToHide) {
  for (const char* json :
       {R"({"a":"plain"})", R"({"_meta":{"a":{"":{"len":5}}},"a":"plain"})", "[]", "not JSON", ""})
    EXPECT_EQ(with_meta(json), json);
  EXPECT_EQ(with_meta(R"(["password=hunter22"])"), R"(["password=[Filtered]"])") << "a list has no _meta";
}

TEST(Meta, ManyValuesAreAllMaskedThoughNotAllTold) {
  std::string json = R"({"l":[)";
  for (int i = 0; i < 3'000; ++i) json += std::string(i > 0 ? "," : "") + "\"" + kCard + "\"";
  const auto out = with_meta(json + "]}");
  EXPECT_EQ(out.find("4111"), std::string::npos);
  std::size_t told = 0;
  for (std::size_t at = out.find("@card"); at != std::string::npos; at = out.find("@card", at + 1)) ++told;
  EXPECT_EQ(told, 1'000u);
}

}  // namespace
}  // namespace telltale::redact
