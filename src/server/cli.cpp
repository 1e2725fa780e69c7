#include "server/cli.hpp"

#include <algorithm>

#include <fmt/format.h>

extern char** environ;

namespace telltale::server {
namespace {

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry(*e);
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos) out.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

std::string printable(const std::string& cell) {
  std::string out = cell;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = byte == '\n' || byte == '\t' ? ' ' : '?';
    // U+0080 to U+009F are control characters, too.
    if (byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) {
      out.replace(i, 2, "?");
    }
  }
  return out;
}

// Code points: exact for most scripts, good enough for a table.
std::size_t width(const std::string& cell) {
  return static_cast<std::size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

int complain(const Error& error) {
  fmt::print(stderr, "telltale: {}\n", error.message());
  return 1;
}

Result<config::Config> load_config(const config::Flags& flags) {
  config::Sources sources;
  if (!flags.config_file.empty()) {
    const auto fs = io::make_posix_file_system();
    TT_ASSIGN(sources.yaml, io::read_file(*fs, flags.config_file));
    sources.yaml_name = flags.config_file;
  }
  sources.environment = environment();
  sources.flags = flags.settings;
  TT_ASSIGN(auto config, config::load(sources));
  for (auto& token : config.bootstrap.tokens) {
    if (token.secret_file.empty()) continue;
    const auto fs = io::make_posix_file_system();
    TT_ASSIGN(token.secret, io::read_file(*fs, token.secret_file));
    while (token.secret.ends_with('\n') || token.secret.ends_with('\r')) token.secret.pop_back();
  }
  if (auto& admin = config.bootstrap.admin;
      admin && admin->password.empty() && !admin->password_file.empty()) {
    const auto fs = io::make_posix_file_system();
    TT_ASSIGN(admin->password, io::read_file(*fs, admin->password_file));
    while (admin->password.ends_with('\n') || admin->password.ends_with('\r')) admin->password.pop_back();
  }
  return config;
}

Result<std::optional<std::string>> take_option(std::vector<std::string>& args, std::string_view name) {
  for (auto it = args.begin(); it != args.end(); ++it) {
    std::string value;
    if (*it == name) {
      if (std::next(it) == args.end()) {
        return fail(ErrorKind::invalid_argument, fmt::format("{}: wants a value", name));
      }
      value = *std::next(it);
      args.erase(it, it + 2);
    } else if (it->size() > name.size() && it->starts_with(name) && (*it)[name.size()] == '=') {
      value = it->substr(name.size() + 1);
      args.erase(it);
    } else {
      continue;
    }
    return std::optional<std::string>(std::move(value));
  }
  return std::optional<std::string>();
}

std::string render_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells{header};
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& cell : row) line.push_back(printable(cell));
  }
  std::vector<std::size_t> widths(header.size(), 0);
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  }
  std::string out;
  for (const auto& line : cells) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      text.append(widths[i] - width(line[i]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace telltale::server
