// Events that a project does not want to see at all: acknowledged, counted under the filter's name, and not
// kept. Settings are JSON; what is in force is compiled once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "errors/glob.hpp"

namespace telltale::quota {

struct FilterSettings {
  std::vector<std::string> releases;           // globs: `*` any run, `?` one character; case does not count
  std::vector<std::string> error_messages;     // the same, of `Type: message`, the type, or the message
  std::vector<std::string> expected_types;     // globs of the exception's class: `NotFound`, `*Http404`
  std::vector<std::string> expected_statuses;  // globs of the answer's status: `404`, `4*`
  std::vector<std::string> transactions;       // globs of names, beside the usual health checks
  std::vector<std::string> addresses;          // IP addresses and CIDR ranges
  bool health_checks = false;                  // transactions with the usual names of health checks
  bool browser_extensions = false;
  bool localhost = false;
  bool legacy_browsers = false;
  bool web_crawlers = false;
  bool operator==(const FilterSettings&) const = default;
};

/// Every member may be missing; invalid_argument names what is wrong, patterns included.
Result<FilterSettings> parse_filter_settings(std::string_view json);
/// The same form, every member present.
std::string filter_settings_json(const FilterSettings& settings);

/// What filters look at. Views into what the caller holds.
struct FilterFacts {
  bool transaction = false;  // else an error
  std::string_view name;     // of the transaction
  std::string_view release;
  std::string_view message;  // of an error that is no exception
  struct Thrown {
    std::string_view type;
    std::string_view value;
  };
  std::vector<Thrown> exceptions;
  std::vector<std::string_view> sources;  // where frames stand: addresses of scripts
  std::string_view url;                   // of the request
  std::string_view user_agent;
  std::string_view user_address;
  std::string_view sender_address;
  std::string status;  // of the answer; empty: not known
};

/// Immutable, thread-safe.
class Filters {
 public:
  static Result<Filters> compile(FilterSettings settings);
  const FilterSettings& settings() const { return settings_; }
  /// None would strike, whatever comes.
  bool empty() const { return settings_ == FilterSettings{}; }
  /// The name of the filter that strikes first; empty: none.
  std::string_view strikes(const FilterFacts& facts) const;

 private:
  FilterSettings settings_;
  std::vector<errors::Glob> releases_;
  std::vector<errors::Glob> messages_;
  std::vector<errors::Glob> types_;
  std::vector<errors::Glob> statuses_;
  std::vector<errors::Glob> transactions_;
  std::vector<Cidr> addresses_;
};

bool is_web_crawler(std::string_view user_agent);
/// A browser that its makers gave up.
bool is_legacy_browser(std::string_view user_agent);
/// Something that stands in an address of a browser's extension, or what only extensions say.
bool is_browser_extension(std::string_view source);
bool is_extension_message(std::string_view message);
bool is_health_check(std::string_view transaction);
/// The host of an address, or the address itself, means the same machine.
bool is_local_host(std::string_view url);

}  // namespace telltale::quota
