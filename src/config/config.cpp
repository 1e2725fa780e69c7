// Merging the sources, weakest first, over the table in settings.cpp.
#include "config/config.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/check.hpp"
#include "config/inputs.hpp"
#include "config/settings.hpp"

namespace telltale::config {
namespace {

constexpr std::pair<std::string_view, std::string_view> kShortFlags[] = {
    {"listen", "server.listen"},
    {"data-dir", "server.data_dir"},
    {"prometheus-config", "prometheus.config_file"},
    {"ui-dir", "ui.dir"}};

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names{"receivers", "bootstrap", "retention.projects"};
  names.insert(names.end(), std::begin(kInputSections), std::end(kInputSections));
  for (const Setting& s : settings()) names.push_back(s.name);
  return names;
}

/// Reads one file; every error says file:line.
class YamlLoader {
 public:
  YamlLoader(Config& config, const Sources& sources) : config_(config), sources_(sources) {}

  Result<> load() {
    const YAML::Node root = YAML::Load(sources_.yaml);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return wrong(root, "the file", "must be a mapping of sections");
    return section(root, "");
  }

 private:
  tl::unexpected<Error> wrong(const YAML::Node& at, std::string_view name, std::string_view what) const {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}:{}: {} {}", sources_.yaml_name, at.Mark().line + 1, name, what));
  }

  Result<> section(const YAML::Node& node, const std::string& prefix) {
    for (const auto& entry : node) {
      const std::string name = prefix + entry.first.Scalar();
      if (name == "receivers") {
        TT_TRY(receivers(entry.second));
      } else if (name == "bootstrap") {
        TT_TRY(bootstrap(entry.second));
      } else if (name == "retention.projects") {
        TT_TRY(project_retention(entry.second));
      } else if (std::find(std::begin(kInputSections), std::end(kInputSections), name) !=
                 std::end(kInputSections)) {
        TT_TRY(read_inputs(name, entry.second, sources_.yaml_name, config_));
      } else if (const Setting* setting = find_setting(name)) {
        TT_TRY(value(*setting, entry.second));
      } else {
        const auto known = setting_names();
        const bool is_section = std::any_of(known.begin(), known.end(),
                                            [&](std::string_view k) { return k.starts_with(name + "."); });
        if (!is_section) return wrong(entry.first, name, "is not a setting" + suggestion(name, known));
        if (entry.second.IsNull()) continue;
        if (!entry.second.IsMap()) return wrong(entry.second, name, "must be a mapping");
        TT_TRY(section(entry.second, name + "."));
      }
    }
    return {};
  }

  Result<> value(const Setting& setting, const YAML::Node& node) {
    std::vector<std::string> values;
    if (node.IsSequence() && setting.type == SettingType::list) {
      for (const auto& item : node) {
        if (!item.IsScalar()) return wrong(item, setting.name, "must be a list of texts");
        values.push_back(item.Scalar());
      }
    } else if (node.IsScalar()) {
      values = setting.type == SettingType::list ? split_list(node.Scalar()) : std::vector{node.Scalar()};
    } else {
      return wrong(node, setting.name, fmt::format("must be a {}", type_name(setting.type)));
    }
    if (auto done = assign(setting, config_, values); !done)
      return wrong(node, fmt::format("{}:", setting.name), done.error().message());
    return {};
  }

  using Fields = std::vector<std::pair<std::string_view, std::string*>>;

  /// Scalars of a mapping; unknown keys are errors.
  Result<> fields(const YAML::Node& node, const std::string& name, const Fields& known) {
    if (!node.IsMap()) return wrong(node, name, "must be a mapping");
    std::vector<std::string_view> names;
    for (const auto& field : known) names.push_back(field.first);
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      const auto field =
          std::find_if(known.begin(), known.end(), [&](const auto& f) { return f.first == key; });
      if (field == known.end())
        return wrong(entry.first, name + "." + key, "is not known" + suggestion(key, names));
      if (!entry.second.IsScalar()) return wrong(entry.second, name + "." + key, "must be a single value");
      *field->second = entry.second.Scalar();
    }
    return {};
  }

  Result<> receivers(const YAML::Node& node) {
    if (!node.IsSequence()) return wrong(node, "receivers", "must be a list");
    for (const auto& item : node) {
      ReceiverConfig receiver;
      std::string type = "webhook";
      std::string resolved = "true";
      std::string to;
      TT_TRY(fields(item, "receivers",
                    {{"name", &receiver.name},
                     {"type", &type},
                     {"url", &receiver.url},
                     {"to", &to},
                     {"send_resolved", &resolved}}));
      if (receiver.name.empty()) return wrong(item, "receivers.name", "is missing");
      static constexpr std::string_view kTypes[] = {"webhook", "slack", "email"};
      const auto* const found = std::find(std::begin(kTypes), std::end(kTypes), type);
      if (found == std::end(kTypes)) return wrong(item, "receivers.type", "must be webhook, slack or email");
      receiver.type = static_cast<ReceiverType>(found - std::begin(kTypes));
      const bool mail = receiver.type == ReceiverType::email;
      receiver.to = split_list(to);
      if (mail && receiver.to.empty()) return wrong(item, "receivers.to", "is missing");
      if (mail != receiver.url.empty())
        return wrong(item, "receivers.url", mail ? "is not for email" : "is missing");
      if (!mail && !to.empty()) return wrong(item, "receivers.to", "is for email only");
      if (resolved != "true" && resolved != "false")
        return wrong(item, "receivers.send_resolved", "must be true or false");
      receiver.send_resolved = resolved == "true";
      config_.receivers.push_back(std::move(receiver));
    }
    return {};
  }

  Result<> project_retention(const YAML::Node& node) {
    if (!node.IsSequence()) return wrong(node, "retention.projects", "must be a list");
    for (const auto& item : node) {
      ProjectRetention own;
      std::string id;
      std::string texts[4];
      TT_TRY(fields(item, "retention.projects",
                    {{"project", &id},
                     {"logs", &texts[0]},
                     {"spans", &texts[1]},
                     {"errors", &texts[2]},
                     {"metrics", &texts[3]}}));
      TT_ASSIGN(own.project, project(item, "retention.projects.project", id));
      const auto same = [&](const ProjectRetention& other) { return other.project == own.project; };
      if (std::any_of(config_.retention.projects.begin(), config_.retention.projects.end(), same))
        return wrong(item, "retention.projects.project", fmt::format("{} is there twice", id));
      std::optional<Nanos>* const members[] = {&own.logs, &own.spans, &own.errors, &own.metrics};
      static constexpr std::string_view kNames[] = {"logs", "spans", "errors", "metrics"};
      for (std::size_t i = 0; i < std::size(members); ++i) {
        if (texts[i].empty()) continue;
        // The table's own setting has the form and the bounds.
        Config scratch;
        const Setting* of_table = find_setting(fmt::format("retention.{}", kNames[i]));
        TT_CHECK(of_table != nullptr);
        if (auto done = assign(*of_table, scratch, {texts[i]}); !done)
          return wrong(item, fmt::format("retention.projects.{}:", kNames[i]), done.error().message());
        *members[i] = *static_cast<const Nanos*>(of_table->member(scratch));
      }
      config_.retention.projects.push_back(own);
    }
    return {};
  }

  Result<ProjectId> project(const YAML::Node& at, const std::string& name, const std::string& text) {
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos ||
        text == "0")
      return wrong(at, name, "must be a number from 1 on");
    return ProjectId{static_cast<std::uint32_t>(std::stoul(text))};
  }

  Result<> bootstrap(const YAML::Node& node) {
    if (!node.IsMap()) return wrong(node, "bootstrap", "must be a mapping");
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      if (key == "admin") {
        BootstrapAdmin admin;
        TT_TRY(fields(entry.second, "bootstrap.admin",
                      {{"email", &admin.email}, {"password_file", &admin.password_file}}));
        if (admin.email.empty()) return wrong(entry.second, "bootstrap.admin.email", "is missing");
        config_.bootstrap.admin = admin;
      } else if (key == "tokens" || key == "projects") {
        if (!entry.second.IsSequence()) return wrong(entry.second, "bootstrap." + key, "must be a list");
        for (const auto& item : entry.second) TT_TRY(key == "tokens" ? token(item) : bootstrap_project(item));
      } else {
        static constexpr std::string_view kKnown[] = {"admin", "tokens", "projects"};
        return wrong(entry.first, "bootstrap." + key, "is not known" + suggestion(key, kKnown));
      }
    }
    return {};
  }

  Result<> token(const YAML::Node& item) {
    BootstrapToken token;
    token.role = "admin";
    std::string project_text = "1";
    std::string variable;
    TT_TRY(fields(item, "bootstrap.tokens",
                  {{"name", &token.name},
                   {"role", &token.role},
                   {"project", &project_text},
                   {"token_env", &variable},
                   {"token_file", &token.secret_file}}));
    TT_ASSIGN(token.project, project(item, "bootstrap.tokens.project", project_text));
    if (token.name.empty()) return wrong(item, "bootstrap.tokens.name", "is missing");
    if (variable.empty() == token.secret_file.empty())
      return wrong(item, "bootstrap.tokens", "needs either token_env or token_file");
    if (!variable.empty()) {
      const auto found = sources_.environment.find(variable);
      if (found == sources_.environment.end() || found->second.empty())
        return wrong(item, "bootstrap.tokens.token_env",
                     fmt::format("names the variable {}, which is not set", variable));
      token.secret = found->second;
    }
    config_.bootstrap.tokens.push_back(std::move(token));
    return {};
  }

  Result<> bootstrap_project(const YAML::Node& item) {
    BootstrapProject out;
    std::string id = "1";
    TT_TRY(fields(item, "bootstrap.projects", {{"id", &id}, {"slug", &out.slug}, {"dsn_key", &out.dsn_key}}));
    TT_ASSIGN(out.id, project(item, "bootstrap.projects.id", id));
    if (out.slug.empty()) return wrong(item, "bootstrap.projects.slug", "is missing");
    config_.bootstrap.projects.push_back(std::move(out));
    return {};
  }

  Config& config_;
  const Sources& sources_;
};

Result<> load_text(const Setting& setting, Config& config, const std::string& where,
                   const std::string& text) {
  auto done = assign(setting, config,
                     setting.type == SettingType::list ? split_list(text) : std::vector<std::string>{text});
  if (!done) return tl::unexpected<Error>(std::move(done).error().within(where));
  return {};
}

void add_bootstrap_variables(Config& config, const Sources& sources) {
  const auto variable = [&](const char* name) {
    const auto found = sources.environment.find(name);
    return found == sources.environment.end() ? std::string() : found->second;
  };
  BootstrapConfig& bootstrap = config.bootstrap;
  if (const std::string password = variable("TELLTALE_BOOTSTRAP_PASSWORD"); !password.empty()) {
    if (!bootstrap.admin) bootstrap.admin = BootstrapAdmin{"admin@localhost", {}, {}};
    bootstrap.admin->password = password;
  }
  if (const std::string token = variable("TELLTALE_BOOTSTRAP_TOKEN"); !token.empty())
    bootstrap.tokens.push_back({"bootstrap", "admin", ProjectId{0}, token, {}});  // of every project
  if (const std::string key = variable("TELLTALE_BOOTSTRAP_DSN_KEY"); !key.empty()) {
    const auto first = std::find_if(bootstrap.projects.begin(), bootstrap.projects.end(),
                                    [](const BootstrapProject& p) { return p.id == ProjectId{1}; });
    if (first != bootstrap.projects.end()) {
      first->dsn_key = key;
    } else {
      bootstrap.projects.push_back({ProjectId{1}, "default", key});
    }
  }
}

bool is_hex_key(std::string_view key) {
  return key.size() == 32 && key.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<> check_whole(const Config& config) {
  TT_TRY(check_inputs(config));
  if (config.tls.cert.empty() != config.tls.key.empty())
    return fail(ErrorKind::invalid_argument, "tls.cert and tls.key need each other");
  const bool mail = std::any_of(config.receivers.begin(), config.receivers.end(),
                                [](const ReceiverConfig& r) { return r.type == ReceiverType::email; });
  if (mail && (config.smtp.url.empty() || config.smtp.from.empty()))
    return fail(ErrorKind::invalid_argument, "receivers of type email need smtp.url and smtp.from");
  for (const BootstrapProject& project : config.bootstrap.projects) {
    if (!project.dsn_key.empty() && !is_hex_key(project.dsn_key))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the DSN key of bootstrap project {} must be 32 lower-case hex digits",
                              project.id.value));
  }
  return {};
}

}  // namespace

Config defaults() {
  Config config;
  for (const Setting& s : settings()) TT_CHECK(load_text(s, config, "", std::string(s.default_text)));
  return config;
}

Result<Config> load(const Sources& sources) {
  Config config = defaults();
  try {
    TT_TRY(YamlLoader(config, sources).load());
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}:{}: {}", sources.yaml_name, error.mark.line + 1, error.msg));
  }
  for (const Setting& s : settings()) {
    const std::string variable = variable_name(s.name);
    const auto found = sources.environment.find(variable);
    if (found != sources.environment.end())
      TT_TRY(load_text(s, config, fmt::format("variable {}", variable), found->second));
  }
  for (const auto& [name, text] : sources.flags) {
    const Setting* s = find_setting(name);
    if (s == nullptr) return fail(ErrorKind::invalid_argument, fmt::format("--{}: is not a setting", name));
    TT_TRY(load_text(*s, config, "--" + name, text));
  }
  add_bootstrap_variables(config, sources);
  TT_TRY(check_whole(config));
  return config;
}

Result<Flags> parse_flags(const std::vector<std::string>& args) {
  Flags flags;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg == "-h" || arg == "--help") {
      flags.help = true;
      continue;
    }
    if (!arg.starts_with("--"))
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a flag", arg));
    arg.remove_prefix(2);
    const auto equals = arg.find('=');
    std::string name(arg.substr(0, equals));
    for (const auto& [flag, setting] : kShortFlags) {
      if (name == flag) name = setting;
    }
    const Setting* setting = find_setting(name);
    if (setting == nullptr && name != "config") {
      auto known = setting_names();
      for (const auto& flag : kShortFlags) known.push_back(flag.first);
      return fail(ErrorKind::invalid_argument,
                  fmt::format("--{} is not a flag{}", name, suggestion(name, known)));
    }
    std::string value;
    if (equals != std::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (setting != nullptr && setting->type == SettingType::boolean) {
      value = "true";
    } else if (i + 1 < args.size()) {
      value = args[++i];
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("--{} needs a value", name));
    }
    if (setting == nullptr) flags.config_file = value;
    if (setting != nullptr) flags.settings.emplace_back(name, value);
  }
  return flags;
}

std::vector<std::string> needs_restart(const Config& running, const Config& next) {
  Config a = running;
  Config b = next;
  const auto same = [&](const Setting& s) {
    const auto equal = [&]<class V>(V*) {
      return *static_cast<V*>(s.member(a)) == *static_cast<V*>(s.member(b));
    };
    switch (s.type) {
      case SettingType::text:
        return equal(static_cast<std::string*>(nullptr));
      case SettingType::boolean:
        return equal(static_cast<bool*>(nullptr));
      case SettingType::count:
        return equal(static_cast<std::uint32_t*>(nullptr));
      case SettingType::size:
        return equal(static_cast<std::uint64_t*>(nullptr));
      case SettingType::duration:
        return equal(static_cast<Nanos*>(nullptr));
      case SettingType::level:
        return equal(static_cast<LogLevel*>(nullptr));
      case SettingType::list:
        return equal(static_cast<std::vector<std::string>*>(nullptr));
    }
    return true;
  };
  std::vector<std::string> out;
  for (const Setting& s : settings()) {
    if (!s.reloadable && !same(s)) out.emplace_back(s.name);
  }
  if (running.bootstrap != next.bootstrap) out.emplace_back("bootstrap");
  if (running.syslog.listen != next.syslog.listen) out.emplace_back("syslog.listen");
  if (running.files != next.files) out.emplace_back("files");
  return out;
}

std::string help_text() {
  std::string out = "telltale serve [--config FILE] [--SETTING VALUE …]\n\nShort flags:\n";
  for (const auto& [flag, setting] : kShortFlags) out += fmt::format("  --{:<28} {}\n", flag, setting);
  out += "\nSettings:\n";
  for (const Setting& s : settings())
    out += fmt::format("  --{:<28} {} [{}]\n", s.name, s.doc, s.default_text);
  return out;
}

std::string render_docs() {
  std::string out =
      "# Settings\n\nWeakest first: defaults, the YAML file, the environment, flags (`--server.listen`). "
      "Made from the "
      "table in `src/config/settings.cpp`.\n\n| setting | variable | type | default | reload | meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const Setting& s : settings()) {
    out += fmt::format("| `{}` | `{}` | {} | {} | {} | {} |\n", s.name, variable_name(s.name),
                       type_name(s.type), s.default_text.empty() ? "–" : fmt::format("`{}`", s.default_text),
                       s.reloadable ? "yes" : "no", s.doc);
  }
  out += inputs_docs();
  return out;
}

}  // namespace telltale::config
