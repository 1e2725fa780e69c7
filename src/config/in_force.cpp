// The settings of a Config as text again, for people to look at: a password in a URL is left out.
#include <fmt/format.h>

#include "config/settings.hpp"

namespace telltale::config {
namespace {

/// `smtp://user:password@host` as `smtp://<secret>@host`.
std::string without_password(std::string text) {
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto host = text.find('@', scheme);
  if (host == std::string::npos || text.find('/', scheme + 3) < host) return text;
  return text.replace(scheme + 3, host - scheme - 3, "<secret>");
}

std::string value_text(const Setting& s, Config& config) {
  const void* member = s.member(config);
  switch (s.type) {
    case SettingType::text:
      return without_password(*static_cast<const std::string*>(member));
    case SettingType::boolean:
      return *static_cast<const bool*>(member) ? "true" : "false";
    case SettingType::count:
      return std::to_string(*static_cast<const std::uint32_t*>(member));
    case SettingType::size:
      return std::to_string(*static_cast<const std::uint64_t*>(member));
    case SettingType::duration:
      return format_duration(*static_cast<const Nanos*>(member));
    case SettingType::level: {
      static constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
      return std::string(kLevels[static_cast<int>(*static_cast<const LogLevel*>(member))]);
    }
    case SettingType::list:
      break;
  }
  std::string out;
  for (const std::string& item : *static_cast<const std::vector<std::string>*>(member))
    out += (out.empty() ? "" : ",") + without_password(item);
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> settings_in_force(Config config) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Setting& s : settings()) out.emplace_back(s.name, value_text(s, config));
  return out;
}

}  // namespace telltale::config
