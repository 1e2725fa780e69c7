// The table of settings: one row each. Loading, flags, --help and the docs page are loops over it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace telltale::config {

enum class SettingType : unsigned char { text, boolean, count, size, duration, level, list };

struct Setting {
  std::string_view name;
  SettingType type;
  std::string_view default_text;
  double min;  // of counts, bytes and seconds
  double max;
  bool reloadable;
  std::string_view doc;
  /// The member of a Config, of the C++ type that belongs to `type`.
  void* (*member)(Config&);
};

std::span<const Setting> settings();
/// Names and values, as flags would have them; a password in a URL is <secret>. Sections that are no setting
/// (receivers, inputs, bootstrap) are not in it.
std::vector<std::pair<std::string, std::string>> settings_in_force(Config config);
const Setting* find_setting(std::string_view name);
std::string_view type_name(SettingType type);
/// Parses `values` (one, but for lists) and stores them. The message does not name the setting; the caller
/// does.
Result<> assign(const Setting& setting, Config& config, const std::vector<std::string>& values);
std::vector<std::string> split_list(std::string_view text);
/// `, did you mean "x"?`, or nothing when none is near.
std::string suggestion(std::string_view wrong, std::span<const std::string_view> known);
/// TELLTALE_SERVER_LISTEN for server.listen.
std::string variable_name(std::string_view setting);

}  // namespace telltale::config
