// Who is known by what it says of itself: programs that walk the web, browsers whose makers have given them
// up, extensions of browsers, and the usual addresses of health checks. Lists of our own: names that the
// programs' makers publish, in lower case.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ip_address.hpp"
#include "base/text.hpp"
#include "quota/filters.hpp"

namespace telltale::quota {
namespace {

// Search engines and their like, those that read for language models, previews of links in messages,
// monitoring of pages, and libraries' crawlers. A part of the agent's text is enough.
constexpr std::string_view kCrawlers[] = {
    "googlebot",
    "google-inspectiontool",
    "adsbot-google",
    "mediapartners-google",
    "apis-google",
    "feedfetcher-google",
    "google-extended",
    "google-read-aloud",
    "googleother",
    "storebot-google",
    "bingbot",
    "bingpreview",
    "msnbot",
    "adidxbot",
    "slurp",
    "duckduckbot",
    "duckassistbot",
    "baiduspider",
    "yandexbot",
    "yandeximages",
    "yandexmobilebot",
    "sogou",
    "exabot",
    "qwantbot",
    "seznambot",
    "petalbot",
    "applebot",
    "naverbot",
    "yeti/",
    "mojeekbot",
    "ccbot",
    "ia_archiver",
    "archive.org_bot",
    "facebookexternalhit",
    "facebookcatalog",
    "meta-externalagent",
    "twitterbot",
    "linkedinbot",
    "pinterestbot",
    "slackbot",
    "slack-imgproxy",
    "discordbot",
    "telegrambot",
    "whatsapp/",
    "skypeuripreview",
    "redditbot",
    "embedly",
    "quora link preview",
    "gptbot",
    "oai-searchbot",
    "chatgpt-user",
    "claudebot",
    "claude-web",
    "anthropic-ai",
    "perplexitybot",
    "bytespider",
    "amazonbot",
    "cohere-ai",
    "diffbot",
    "ahrefsbot",
    "semrushbot",
    "mj12bot",
    "dotbot",
    "rogerbot",
    "screaming frog",
    "serpstatbot",
    "dataforseobot",
    "blexbot",
    "barkrowler",
    "uptimerobot",
    "pingdom",
    "statuscake",
    "site24x7",
    "datadogsynthetics",
    "better uptime bot",
    "lighthouse",
    "gtmetrix",
    "webpagetest",
    "w3c_validator",
    "headlesschrome",
    "phantomjs",
    "scrapy/",
    "heritrix",
    "nutch",
    "crawler",
    "spider",
    "bot.html",
    "+http://www.google.com/bot",
};

constexpr std::string_view kExtensionSchemes[] = {
    "chrome-extension://",     "moz-extension://",        "safari-extension://",
    "safari-web-extension://", "ms-browser-extension://", "edge-extension://",
    "opera-extension://",      "webkit-masked-url://",    "chrome://",
    "resource://gre/modules",
};

// What extensions and programs that meddle with pages are known to throw into them.
constexpr std::string_view kExtensionMessages[] = {
    "extension context invalidated",
    "could not establish connection. receiving end does not exist",
    "the message port closed before a response was received",
    "webextension context not found",
    "__gcrweb",
    "instantsearchsdkjsbridge",
    "zaloJSv2",
    "_avast_submit",
    "can't find variable: __firefox__",
    "can't redefine non-configurable property \"userAgent\"",
};

constexpr std::string_view kHealthWords[] = {"healthcheck", "healthz", "livez",     "readyz", "health",
                                             "healthy",     "live",    "liveness",  "ready",  "readiness",
                                             "alive",       "ping",    "heartbeat", "up",     "status"};

bool holds(std::string_view lower, std::string_view word) {
  return lower.find(word) != std::string_view::npos;
}

/// The first number behind `word`.
std::optional<int> version_after(std::string_view lower, std::string_view word) {
  const std::size_t at = lower.find(word);
  if (at == std::string_view::npos) return std::nullopt;
  int version = 0;
  const std::string_view rest = lower.substr(at + word.size());
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), version);
  return problem == std::errc() ? std::optional(version) : std::nullopt;
}

// The oldest release of each that still got fixes when this was written; what calls itself older is given up.
constexpr int kOldestFirefox = 78;
constexpr int kOldestChrome = 80;
constexpr int kOldestEdge = 79;  // before it was made of Chromium
constexpr int kOldestSafari = 12;
constexpr int kOldestOpera = 67;
constexpr int kOldestAndroid = 5;

}  // namespace

bool is_web_crawler(std::string_view user_agent) {
  const std::string lower = to_lower(user_agent);
  return std::any_of(std::begin(kCrawlers), std::end(kCrawlers),
                     [&](std::string_view word) { return holds(lower, word); });
}

bool is_legacy_browser(std::string_view user_agent) {
  const std::string lower = to_lower(user_agent);
  if (holds(lower, "msie ") || holds(lower, "trident/") || holds(lower, "iemobile") ||
      holds(lower, "opera mini"))
    return true;
  const auto older = [&](std::string_view word, int oldest) {
    const auto version = version_after(lower, word);
    return version && *version < oldest;
  };
  if (older("edge/", kOldestEdge) || older("edg/", kOldestEdge)) return true;
  if (holds(lower, "edg/") || holds(lower, "edge/")) return false;
  if (older("opr/", kOldestOpera) || lower.starts_with("opera/")) return true;
  if (older("firefox/", kOldestFirefox)) return true;
  if (holds(lower, "chrome/") || holds(lower, "crios/")) return older("chrome/", kOldestChrome);
  if (holds(lower, "android")) return older("android ", kOldestAndroid);
  return holds(lower, "safari/") && older("version/", kOldestSafari);
}

bool is_browser_extension(std::string_view source) {
  return std::any_of(std::begin(kExtensionSchemes), std::end(kExtensionSchemes),
                     [&](std::string_view scheme) { return holds(source, scheme); });
}

bool is_extension_message(std::string_view message) {
  const std::string lower = to_lower(message);
  return std::any_of(std::begin(kExtensionMessages), std::end(kExtensionMessages),
                     [&](std::string_view text) { return holds(lower, to_lower(text)); });
}

bool is_health_check(std::string_view transaction) {
  std::string lower = to_lower(transaction);
  // `GET /healthz`: without the method.
  if (const auto slash = lower.find(" /"); slash != std::string::npos) lower.erase(0, slash + 1);
  while (lower.size() > 1 && lower.ends_with('/')) lower.pop_back();
  const std::string_view last = std::string_view(lower).substr(lower.find_last_of("/.") + 1);
  std::string plain;  // `health_check`, `health-check`
  for (const char c : last)
    if (c != '-' && c != '_') plain += c;
  return std::find(std::begin(kHealthWords), std::end(kHealthWords), plain) != std::end(kHealthWords);
}

bool is_local_host(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  if (url.starts_with('[')) {
    url = url.substr(1, url.find(']') - 1);
  } else if (std::count(url.begin(), url.end(), ':') == 1) {
    url = url.substr(0, url.find(':'));
  }
  const std::string host = to_lower(url);
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  const auto address = IpAddress::parse(host);
  static const auto loopback = std::array{*Cidr::parse("127.0.0.0/8"), *Cidr::parse("::1")};
  return address && std::any_of(loopback.begin(), loopback.end(),
                                [&](const Cidr& range) { return range.contains(*address); });
}

}  // namespace telltale::quota
