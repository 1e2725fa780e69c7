// Every vendor's shape has an example here, made at run time so that no scanner of repositories trips over
// this file; and what only looks like a secret at first sight stays.
#include <random>

#include <gtest/gtest.h>

#include "redact/prefilter.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {
namespace {

std::string of(std::string_view alphabet, std::size_t n, unsigned seed = 7) {
  std::mt19937 rng(seed);
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += alphabet[rng() % alphabet.size()];
  return out;
}
std::string word(std::size_t n) {
  return "a1Z" + of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", n - 3);
}
std::string hex(std::size_t n) { return of("0123456789abcdef", n); }
std::string upper(std::size_t n) { return of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", n); }
std::string lower(std::size_t n) { return of("abcdefghijklmnopqrstuvwxyz0123456789", n); }
std::string letters(std::size_t n) { return of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", n); }
std::string uuid() { return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12); }

struct Planted {
  const char* rule;
  std::string text;
};

std::vector<Planted> planted() {
  return {
      {"jwt", "eyJ" + word(20) + ".eyJ" + word(20) + "." + word(20)},
      {"age_secret_key", "AGE-SECRET-KEY-1" + upper(58)},
      {"putty_key",
       "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n" + word(64) + "\nPrivate-MAC: " + hex(64)},
      {"sql_password", "ALTER USER app IDENTIFIED BY '" + word(12) + "'"},
      {"curl_user", "curl -s -u bob:" + word(12)},
      {"aws_access_key", "AKIA" + upper(16)},
      {"aws_session_token", "IQoJb3JpZ2lu" + word(80)},
      {"aws_signature", "https://x.s3.amazonaws.com/?X-Amz-Signature=" + hex(64)},
      {"aws_signature", "Signature=" + hex(64)},
      {"aws_bedrock_key", "ABSK" + word(110)},
      {"google_api_key", "AIza" + word(35)},
      {"google_oauth", "ya29." + word(30)},
      {"google_oauth", "GOCSPX-" + word(28)},
      {"google_oauth", "1//0" + word(45)},
      {"firebase_key", "AAAA" + word(7) + ":" + word(140)},
      {"azure_storage_key", "AccountName=x;AccountKey=" + word(86) + "=="},
      {"azure_storage_key", word(76) + "+ASt" + word(5) + "A=="},
      {"azure_sas", "https://x.blob.core.windows.net/?sv=1&sig=" + word(44)},
      {"azure_client_secret", "abc8Q~" + word(32)},
      {"azure_devops_token", word(76) + "AZDO" + word(4)},
      {"alibaba_key", "LTAI" + word(20)},
      {"tencent_key", "AKID" + word(32)},
      {"digitalocean_token", "dop_v1_" + hex(64)},
      {"digitalocean_spaces_key", "DO00" + upper(16)},
      {"heroku_key", "HRKU-" + word(40)},
      {"fly_token", "fm2_" + word(80)},
      {"netlify_token", "nfp_" + word(36)},
      {"vercel_token", "vcp_" + word(24)},
      {"render_key", "rnd_" + word(30)},
      {"cloudflare_key", "v1.0-" + hex(24) + "-" + hex(146)},
      {"supabase_key", "sbp_" + hex(40)},
      {"planetscale_token", "pscale_tkn_" + word(40)},
      {"databricks_token", "dapi" + hex(32)},
      {"openshift_token", "sha256~" + word(43)},
      {"tailscale_key", "tskey-auth-" + word(12) + "-" + word(32)},
      {"vault_token", "hvs." + word(30)},
      {"terraform_token", word(14) + ".atlasv1." + word(64)},
      {"pulumi_token", "pul-" + hex(40)},
      {"doppler_token", "dp.pt." + word(43)},
      {"onepassword_token", "ops_eyJ" + word(120)},
      {"github_token", "ghp_" + word(36)},
      {"github_token", "github_pat_" + word(22) + "_" + word(59)},
      {"gitlab_token", "glpat-" + word(20)},
      {"gitlab_token", "GR1348941" + word(20)},
      {"bitbucket_token", "ATBB" + word(32)},
      {"atlassian_token", "ATATT3" + word(180)},
      {"npm_token", "npm_" + word(36)},
      {"pypi_token", "pypi-" + word(60)},
      {"rubygems_key", "rubygems_" + hex(48)},
      {"crates_token", "cio" + word(32)},
      {"nuget_key", "oy2" + lower(43)},
      {"packagist_token", "packagist_uut_" + hex(68)},
      {"clojars_token", "CLOJARS_" + lower(60)},
      {"docker_token", "dckr_pat_" + word(27)},
      {"artifactory_key", "AKCp" + word(69)},
      {"sonar_token", "squ_" + hex(40)},
      {"circleci_token", "CCIPAT_" + word(22) + "_" + hex(40)},
      {"buildkite_token", "bkua_" + hex(40)},
      {"postman_key", "PMAK-" + hex(24) + "-" + hex(34)},
      {"prefect_key", "pnu_" + lower(36)},
      {"slack_token", "xoxb-123456789012-" + word(24)},
      {"slack_token", "xapp-1-" + word(40)},
      {"slack_webhook", "https://hooks.slack.com/services/T" + upper(8) + "/B" + upper(8) + "/" + word(24)},
      {"discord_token", "M" + word(25) + "." + word(6) + "." + word(30)},
      {"discord_webhook", "https://discord.com/api/webhooks/123456/" + word(60)},
      {"teams_webhook", "https://x.webhook.office.com/webhookb2/" + uuid() + "@" + uuid()},
      {"telegram_token", "123456789:AA" + word(33)},
      {"twilio_key", "SK" + hex(32)},
      {"sendgrid_key", "SG." + word(22) + "." + word(43)},
      {"mailgun_key", "key-" + hex(32)},
      {"mailchimp_key", hex(32) + "-us12"},
      {"brevo_key", "xkeysib-" + hex(64) + "-" + word(16)},
      {"resend_key", "re_" + word(8) + "_" + word(24)},
      {"stripe_key", std::string("sk_") + "live_" + word(24)},
      {"stripe_webhook_secret", "whsec_" + word(32)},
      {"shopify_token", "shpat_" + hex(32)},
      {"square_token", "sq0csp-" + word(43)},
      {"braintree_token", "access_token$production$" + lower(16) + "$" + hex(32)},
      {"plaid_token", "access-production-" + uuid()},
      {"razorpay_key", "rzp_live_" + word(14)},
      {"flutterwave_key", "FLWSECK-" + word(32) + "-X"},
      {"shippo_token", "shippo_live_" + hex(40)},
      {"easypost_key", "EZAK" + word(54)},
      {"duffel_token", "duffel_live_" + word(43)},
      {"openai_key", "sk-proj-" + word(48)},
      {"anthropic_key", "sk-ant-" + letters(60)},
      {"huggingface_token", "hf_" + letters(34)},
      {"replicate_token", "r8_" + word(37)},
      {"groq_key", "gsk_" + word(52)},
      {"xai_key", "xai-" + word(80)},
      {"perplexity_key", "pplx-" + word(48)},
      {"pinecone_key", "pcsk_" + word(60)},
      {"langsmith_key", "lsv2_pt_" + hex(32) + "_" + hex(10)},
      {"sentry_token", "sntryu_" + hex(64)},
      {"grafana_token", "glsa_" + word(32) + "_" + hex(8)},
      {"newrelic_key", "NRAK-" + upper(27)},
      {"honeycomb_key", "hcaik_" + lower(58)},
      {"dynatrace_token", "dt0c01." + upper(24) + "." + upper(64)},
      {"launchdarkly_key", "sdk-" + uuid()},
      {"linear_key", "lin_api_" + word(40)},
      {"notion_token", "ntn_" + word(46)},
      {"airtable_token", "pat" + word(14) + "." + hex(64)},
      {"figma_token", "figd_" + word(43)},
      {"asana_token", "1/1234567890123456:" + hex(32)},
      {"hubspot_token", "pat-na1-" + uuid()},
      {"dropbox_token", "sl." + word(130)},
      {"contentful_token", "CFPAT-" + word(43)},
      {"typeform_token", "tfp_" + word(44)},
      {"zapier_webhook", "https://hooks.zapier.com/hooks/catch/123/" + word(8)},
      {"facebook_token", "EAAB" + word(100)},
      {"twitter_bearer", std::string(21, 'A') + word(40)},
      {"mapbox_token", "sk.eyJ" + word(60) + "." + word(22)},
      {"adafruit_key", "aio_" + word(28)},
  };
}

const Redactor& all_rules() {
  static const auto redactor = std::move(Redactor::create({})).value();
  return *redactor;
}

TEST(RedactVendors, EveryShapeHasAnExampleThatDisappears) {
  const auto examples = planted();
  for (const Shape& shape : vendor_shapes()) {
    EXPECT_TRUE(std::any_of(examples.begin(), examples.end(),
                            [&](const Planted& p) { return p.rule == std::string_view(shape.rule); }))
        << shape.rule << " has no example";
  }
  for (const auto& [rule, text] : examples) {
    for (const std::string& line : {text, "before " + text + " after", "x=\"" + text + "\"",
                                    "{\"note\": \"" + text + "\"}", "(" + text + ")"}) {
      if (rule == std::string_view("putty_key") && line.front() == '{') continue;  // a line break is no JSON
      Counts counts;
      std::string out = line;
      EXPECT_TRUE(all_rules().redact_value("note", out, &counts)) << rule << ": " << line;
      // What follows the vendor's mark is the secret.
      EXPECT_EQ(out.find(text.substr(text.size() - 8)), std::string::npos) << rule << ": " << out;
      EXPECT_GE(counts.total(), 1u);
      std::string again = out;
      EXPECT_FALSE(all_rules().redact_value("note", again)) << out << " -> " << again;
    }
  }
}

TEST(RedactVendors, CountedUnderTheirName) {
  for (const auto& [rule, text] : planted()) {
    Counts counts;
    std::string value = text;
    all_rules().redact_text(value, &counts);
    EXPECT_GE(counts.of(rule), 1u) << rule << ": " << text << " -> " << value;
  }
}

// Ids of every kind, a few million with TELLTALE_SOAK=1.
TEST(RedactVendors, IdsTimesAndNumbersAreNeverTouched) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 rng(seed);
  const auto hex_of = [&](std::size_t n, bool capital = false) {
    std::string out;
    while (out.size() < n) out += (capital ? "0123456789ABCDEF" : "0123456789abcdef")[rng() % 16];
    return out;
  };
  const auto digits = [&](std::size_t n) {
    std::string out(1, static_cast<char>('1' + rng() % 9));
    while (out.size() < n) out += static_cast<char>('0' + rng() % 10);
    return out;
  };
  const int rounds = std::getenv("TELLTALE_SOAK") != nullptr ? 500'000 : 20'000;
  std::uint64_t made = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string trace = hex_of(32);
    const std::string span = hex_of(16);
    const std::string id =
        hex_of(8) + "-" + hex_of(4) + "-4" + hex_of(3) + "-a" + hex_of(3) + "-" + hex_of(12);
    const std::string now = std::to_string(1'500'000'000 + rng() % 500'000'000);
    const std::string texts[] = {
        trace,
        id,
        hex_of(40),
        hex_of(64),
        hex_of(32, true),
        "00-" + trace + "-" + span + "-01",
        trace + "-" + span + "-1",
        "1-" + hex_of(8) + "-" + hex_of(24),
        now,
        now + digits(3),
        now + digits(6),
        now + digits(9),
        now + "." + digits(6),
        digits(1 + rng() % 12),
        digits(9) + "." + digits(6),
        "-" + digits(8),
        "0." + digits(16),
        "req-" + id,
        "{" + id + "}",
        "trace_id=" + trace + " span_id=" + span + " request_id=" + id + " ts=" + now + digits(3)};
    for (const std::string& text : texts) {
      std::string out = text;
      ASSERT_FALSE(all_rules().redact_text(out)) << "seed " << seed << ": " << text << " -> " << out;
      ++made;
    }
    for (const auto& [key, value] : {std::pair<const char*, std::string>{"trace_id", trace},
                                     {"span_id", span},
                                     {"parentSpanId", hex_of(16)},
                                     {"request_id", id},
                                     {"dd.trace_id", now + digits(9)},
                                     {"event_id", trace}}) {
      std::string out = value;
      ASSERT_FALSE(all_rules().redact_value(key, out)) << "seed " << seed << ": " << key << "=" << value;
      ++made;
    }
  }
  RecordProperty("ids", static_cast<int>(made));
}

// The scan over a whole row finds what looking at each text alone finds, and what every detector would find
// without a prefilter.
TEST(RedactVendors, AWholeRowIsLikeEveryTextAlone) {
  const unsigned seed = std::random_device{}();
  std::mt19937 rng(seed);
  const auto examples = planted();
  const std::vector<std::string> plain = {"GET /health 200",
                                          "",
                                          "x",
                                          "user bob bought 3 of 4",
                                          "4111111111111111",
                                          "DE89370400440532013000",
                                          "219-09-9999",
                                          "password=hunter2",
                                          "{\"a\": {\"password\": \"hunter2\"}, \"n\": 4111111111111111}",
                                          "{\"a\":\"line\\nbreak\",\"pass\\u0077ord\":\"hunter2\"}",
                                          "[[\"Authorization\",\"q w e\"]]",
                                          "{\"body\":\"{\\\"password\\\":\\\"x y\\\"}\"}",
                                          "Authorization: Bearer hunter2.x",
                                          "author: jane",
                                          "postgres://app:hunter2@db/x",
                                          "--password hunter2 --pass x1234",
                                          "<pwd>hunter2</pwd>",
                                          "a%3Db%26token%3Dq1w2e3%26"};
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> together(1 + rng() % 6);
    for (auto& text : together) {
      text = rng() % 4 == 0 ? examples[rng() % examples.size()].text : plain[rng() % plain.size()];
      if (rng() % 3 == 0) text = "pre " + text;
    }
    std::vector<std::string> alone = together;
    std::vector<Field> fields;
    for (auto& text : together) fields.push_back({"note", &text, FieldForm::text});
    Counts all;
    all_rules().redact_fields(fields, &all);
    Counts each;
    for (std::size_t i = 0; i < alone.size(); ++i) {
      all_rules().redact_value("note", alone[i], &each);
      EXPECT_EQ(together[i], alone[i]) << "seed " << seed;
    }
    EXPECT_EQ(all.total(), each.total()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace telltale::redact
