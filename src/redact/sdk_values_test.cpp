// What SDKs and frameworks print of their values: names in another program's quotes, lists of headers and
// arguments, forms, literals. Each secret goes, and what looks like it without being one stays.
#include <gtest/gtest.h>

#include "redact/pairs.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {
namespace {

constexpr std::string_view kPlanted = "hunter2";

const Redactor& by_default() {
  static const auto redactor = std::move(Redactor::create({})).value();
  return *redactor;
}

/// As a line, within a line, and as a string of JSON.
void expect_gone(const std::string& text) {
  for (const std::string& line : {text, "before " + text, text + "\nafter"}) {
    std::string out = line;
    EXPECT_TRUE(by_default().redact_text(out)) << line;
    EXPECT_EQ(out.find(kPlanted), std::string::npos) << line << " -> " << out;
    std::string again = out;
    EXPECT_FALSE(by_default().redact_text(again)) << out << " -> " << again;
    // The prefilter let everything through that the finder meets.
    std::string direct = line;
    std::vector<Match> matches;
    find_pairs(
        line, [](std::string_view key) { return classify_key(key, {}, {}); }, matches);
    EXPECT_FALSE(matches.empty()) << line;
  }
}

void expect_gone_json(const std::string& json) {
  std::string out = json;
  EXPECT_TRUE(by_default().redact_event(out)) << json;
  EXPECT_EQ(out.find(kPlanted), std::string::npos) << json << " -> " << out;
  std::string again = out;
  EXPECT_FALSE(by_default().redact_event(again)) << out << " -> " << again;
}

TEST(SdkValues, Text) {
  for (const char* text : {
           "dbPwd=hunter2",
           "smtpPass: hunter2",
           "cardCvc=hunter2",
           "otp_code=hunter2",
           "HTTP_COOKIE: session=hunter2",
           "session_cookie=hunter2",
           "sessionCookie=hunter2",
           "cookie=theme=dark; sid=hunter2",
           "<QueryDict: {'username': ['bob'], 'password': ['hunter2']}>",
           "{'password': ['x', 'hunter2']}",
           R"({"password" : "ok1"} but "api_key": ["hunter2"])",
           "Driver={X};Uid=sa;Pwd={hunter2};",
           "Uid=sa;Pwd={hunter2}",
           "--password=[Filtered]hunter2",
           "map[Accept:[*/*] X-Api-Key:[hunter2]]",
           "headers {b'x-api-key': b'hunter2'}",
           "u'password': u'hunter2'",
           "ImmutableMultiDict([('username', 'bob'), ('password', 'hunter2')])",
           "[(b'host', b'x'), (b'cookie', b'session=hunter2')]",
           "('password', 'hunter2')",
           R"(pairs [["api_key", "hunter2"]])",
           "args: ['manage.py', '--password', 'hunter2']",
           "user[password]=hunter2&x=1",
           "user[pass]=hunter2",
           "user[password][]=hunter2",
           "user%5Bpassword%5D=hunter2&x=1",
           "Array ( [user] => bob [password] => hunter2 )",
           "data[user][token]=hunter2",
           "('access_token', 'hunter2')",
           "'access_token': ['hunter2']",
           "user%5Bpass%5D%3Dhunter2%26x%3D1",
           "%7B%22password%22%3A%22hunter2%22%7D",
           "app.config['SECRET_KEY'] = 'hunter2'",
           R"(os.environ["DB_PASSWORD"] = "hunter2")",
           R"(dbPassword := "hunter2")",
           R"(if (password === "hunter2") {)",
           R"(if password == "hunter2":)",
           R"(password: str = "hunter2")",
           "password: Optional[str] = 'hunter2'",
           "api_key: str | None = 'hunter2'",
           "Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--",
           "name=\"password\"\r\nContent-Type: text/plain\r\n\r\nhunter2\r\n--b--",
           R"(b'form-data; name="password"\r\n\r\nhunter2\r\n--b--')",
           "<password><![CDATA[hunter2]]></password>",
           R"(<input name="password" value="hunter2">)",
           R"(<input name="password" type="text" id="p" value="hunter2"/>)",
           R"(<add key="DbPassword" value="hunter2" />)",
           R"({'name': 'DB_PASSWORD', 'value': 'hunter2'})",
           R"({'name': 'dbPwd', 'value': 'hunter2'})",
           "password=\"[Filtered]hunter2]\"",
           "password=[Filtered]hunter2]",
       })
    expect_gone(text);
}

TEST(SdkValues, Json) {
  for (
      const char* json : {
          R"({"vars":{"headers":[["b'cookie'","b'session=hunter2'"],["b'x-api-key'","b'hunter2'"]]}})",
          R"({"vars":{"pairs":[["'password'","'hunter2'"]]}})",
          R"({"vars":{"scope":{"'cookie'":"'a=hunter2'","b'authorization'":"b'Basic hunter2'"}}})",
          R"({"headers":[["cookie:","session=hunter2"]]})",
          R"({"extra":{"sys.argv":["manage.py","--password","hunter2"]}})",
          R"({"argv":["app","-v","-password" , "hunter2"]})",
          R"({"argv":["app","--dbPwd","hunter2","serve"]})",
          R"({"rawHeaders":["Host","x","Cookie","session=hunter2"]})",
          R"({"rawHeaders":["Host","x","X-Api-Key","hunter2","Accept","*/*"]})",
          R"({"rawHeaders":["Cookie","a=hunter2","Host","x"]})",
          R"({"env":{"HTTP_COOKIE":"session=hunter2"}})",
          R"({"env":{"http_cookie":"session=hunter2","session_cookie":"hunter2","sessionCookie":"hunter2"}})",
          R"({"userPwd":"hunter2","smtpPass":"hunter2","dbPwd":"hunter2","cardCvc":"hunter2","otp_code":"hunter2"})",
          R"({"env":[{"name":"DB_PASSWORD","value":"hunter2"}]})",
          R"({"env":[{"value":"hunter2","name":"DB_PASSWORD"}]})",
          R"({"headers":[{"name":"Cookie","value":"a=hunter2","comment":""}]})",
          R"({"attributes":[{"key":"http.request.header.authorization","value":{"stringValue":"hunter2"}}]})",
          R"({"env":[{"Name":"smtpPass","Value":"hunter2"}]})",
          R"({"extra":{"modules":{"db_password":"hunter2"}}})",
          R"({"pair":["pass\u0077ord","hunter2"]})",
          R"({"password":"[Filtered]hunter2]"})",
          R"({"body":" \n{\"api_key\":[\"hunter2\"]}"})",
          R"({"body":"{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}]}"})",
          R"({"r":"<Req {'password': ['hunter2']} {b'password': b'hunter2'}>"})",
          R"({"body":"form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--"})",
      })
    expect_gone_json(json);
}

TEST(SdkValues, HarmlessTextStays) {
  for (const char* text : {
           "max_tokens=100",
           "passed: 5",
           "cookie_policy: strict",
           "cookies_enabled=yes cookieBanner=shown",
           "accepts_cookies=true hasCookie: true",
           "tokens used",
           "compass=north bypass=on trespass: yes",
           "laptop_code=x1",
           "render_pass=3 renderPass=3",
           "if password == other:",
           "fields ['password', 'email'] are required",
           "form.get('password', 'email')",
           "[auth] user logged in",
           "sshd[auth]: session opened",
           "x[token]: identifier",
           "depends on ('auth', '0001_initial')",
           "keys [a, b] = [1, 2]",
           "kwargs['password'] = password",
           "headers[\"authorization\"] = auth.header()",
           "stack[openTokenDepth] = next",
           "token.type === 'comma'",
           "fields = (\"token\", \"refresh_token\")",
           "tokens = ['input_tokens', 'output_tokens']",
           "tokens:[1 2 3] 'tokens': ['the', 'cat']",
           "<a href='x'>name</a>",
           R"(<input name="city" value="Rome">)",
           R"(name="password" is missing)",
           "name=\"city\"\r\n\r\nRome\r\n",
           "{'name': 'city', 'value': 'Rome'}",
           R"(import {x} from "y")",
           "password=[Filtered] next=1",
           "'password': ['[Filtered]']",
           "X-Api-Key:[[Filtered]]",
           "secret={[Filtered]};",
           "<Login password={password}",
           "--password [Filtered] --token [token]",
           "a%3D1%26password%3D[Filtered]%26b",
           "password=[Filtered].",
           "('password', '[Filtered]')",
           "took 1,200 ms, 3 of 4, 'a', 'b'",
       }) {
    std::string out = text;
    EXPECT_FALSE(by_default().redact_text(out)) << text << " -> " << out;
  }
}

TEST(SdkValues, HarmlessJsonStays) {
  for (const char* json : {
           R"({"argv":["app","--verbose","hunter"]})",
           R"({"argv":["app","--password","--verbose"]})",
           R"({"allow":["Accept","Authorization","Host"]})",
           R"({"installed":["flask","requests","google-auth","httpx"]})",
           R"({"rawHeaders":["Host","cookie","Accept","x"]})",
           R"({"env":[{"name":"CITY","value":"Rome"},{"value":"Rome","name":"CITY"}]})",
           R"({"env":[{"name":"max_tokens","value":4096},{"name":"token_count","value":"7"}]})",
           R"({"env":[{"name":"DB_PASSWORD"},{"value":"Rome"}]})",
           R"({"value":"Rome","type":"password"})",
           R"({"modules":{"google-auth":"2.3","flask-jwt":"1.0"}})",
           R"({"hasCookie":true,"cookie_policy":"strict","cookies":null})",
           R"({"password":"[Filtered]","card":"[card]"})",
           R"({"token":"[token#0123456789abcdef]"})",
       }) {
    std::string out = json;
    EXPECT_FALSE(by_default().redact_json(out)) << json << " -> " << out;
  }
}

TEST(SdkValues, DinersCardsInGroups) {
  const std::string card = std::string("3056 930902 ") + "5904";
  std::string out = "paid with " + card + " today";
  EXPECT_TRUE(by_default().redact_text(out));
  EXPECT_EQ(out, "paid with [card] today");
  for (const char* text : {"3056 930902 5905", "1056 930902 5904", "3056 930902 59041"}) {
    std::string other = text;
    EXPECT_FALSE(by_default().redact_text(other)) << text;
  }
}

TEST(SdkValues, NamesAsOtherProgramsPrintThem) {
  for (const auto& [printed, name] : {std::pair{"b'cookie'", "cookie"},
                                      {"'password'", "password"},
                                      {"u\"x\"", "x"},
                                      {"Cookie:", "Cookie"},
                                      {"b'x':", "x"},
                                      {"bob", "bob"},
                                      {"'", "'"},
                                      {"''", "''"},
                                      {"'a\"", "'a\""},
                                      {"", ""},
                                      {":", ""}})
    EXPECT_EQ(bare_name(printed), name) << printed;
}

}  // namespace
}  // namespace telltale::redact
