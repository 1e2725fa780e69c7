// The program's commands. `serve` runs until SIGTERM or SIGINT; SIGHUP reloads.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alerting/rule_file.hpp"
#include "config/config.hpp"
#include "metrics/scrape_config.hpp"
#include "net/client.hpp"
#include "promql/features.hpp"
#include "server/cli.hpp"
#include "server/redaction.hpp"
#include "server/retention.hpp"
#include "server/server.hpp"
#include "server/stores.hpp"

// jemalloc reads this at the start: memory that has not been needed for some seconds goes back to the kernel
// even when nothing happens that could give it back on the way (docs/decisions/0013).
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true";

namespace {

using telltale::server::complain;
using telltale::server::load_config;

// Tells systemd (Type=notify) how we are; without NOTIFY_SOCKET there is nobody to tell.
void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size);
  ::close(fd);
}

int serve(const std::vector<std::string>& args) {
  const auto flags = telltale::config::parse_flags(args);
  if (!flags) return complain(flags.error());
  if (flags->help) {
    fmt::print("{}", telltale::config::help_text());
    return 0;
  }
  const auto config = load_config(*flags);
  if (!config) return complain(config.error());

  // Signals are taken in this thread only, one at a time; every other thread is born with them blocked.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const telltale::SystemClock clock;
  telltale::Logger log(clock, config->log.level, telltale::stderr_sink());
  telltale::server::Server server(
      *config, [&flags] { return load_config(*flags); }, clock, log);
  if (const auto started = server.start(); !started) return complain(started.error());
  notify_service_manager("READY=1");
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    if (const auto done = server.reload(); !done) {
      log.error("reload failed; nothing changed", {{"reason", done.error().message()}});
    } else {
      log.info("reloaded");
    }
  }
  notify_service_manager("STOPPING=1");
  log.info("stopping");
  server.stop();
  return 0;
}

// 0: nothing would be masked, 1: something would, 2: the check could not be made.
int check_redaction(std::vector<std::string> args, telltale::io::FileSystem& fs) {
  telltale::config::Flags flags;
  const auto file = telltale::server::take_option(args, "--config");
  if (file && *file) flags.config_file = **file;
  const auto config =
      file ? load_config(flags) : telltale::Result<telltale::config::Config>(tl::unexpect, file.error());
  bool found = false;
  const auto text = config ? telltale::server::check_redaction(args, fs, config->redaction, found)
                           : telltale::Result<std::string>(tl::unexpect, config.error());
  if (!text) {
    (void)complain(text.error());
    return 2;
  }
  fmt::print("{}", *text);
  return found ? 1 : 0;
}

// With --config: those of its promql.features.
telltale::Result<telltale::promql::Features> features_of(std::vector<std::string>& args) {
  TT_ASSIGN(const auto file, telltale::server::take_option(args, "--config"));
  if (!file) return telltale::promql::Features();
  telltale::config::Flags flags;
  flags.config_file = *file;
  TT_ASSIGN(const auto config, load_config(flags));
  return telltale::promql::Features::parse(config.promql.features);
}

int check(std::vector<std::string> args) {
  if (args.size() < 2) {
    fmt::print(stderr,
               "usage: telltale check config|rules|prometheus|redaction FILE…   (rules: --config FILE says "
               "which features are on)\n");
    return 2;
  }
  const auto fs = telltale::io::make_posix_file_system();
  if (args[0] == "redaction") return check_redaction({args.begin() + 1, args.end()}, *fs);
  auto features = args[0] == "rules" ? features_of(args) : telltale::promql::Features();
  if (!features) return complain(features.error());
  int status = 0;
  for (std::size_t i = 1; i < args.size(); ++i) {
    const auto text = telltale::io::read_file(*fs, args[i]);
    if (!text) {
      status = complain(text.error());
      continue;
    }
    std::string problem;
    if (args[0] == "rules") {
      if (const auto r = telltale::alerting::parse_rule_file(*text, args[i], *features); !r)
        problem = r.error().message();
    } else if (args[0] == "prometheus") {
      const auto r = telltale::metrics::parse_scrape_config(*text, args[i]);
      if (!r) problem = r.error().message();
      if (r) {
        for (const auto& warning : r->warnings) fmt::print("{}: warning: {}\n", args[i], warning);
      }
    } else if (args[0] == "config") {
      telltale::config::Sources sources{*text, args[i], {}, {}};
      const auto r = telltale::config::load(sources);
      if (!r) problem = r.error().message();
      if (r) {
        if (const auto kept = telltale::server::event_retention(r->retention); !kept)
          problem = kept.error().message();
        if (const auto kept = telltale::server::metric_retention(r->retention); !kept)
          problem = kept.error().message();
        if (const auto known = telltale::promql::Features::parse(r->promql.features); !known)
          problem = "promql.features: " + known.error().message();
      }
    } else {
      fmt::print(stderr, "telltale check: unknown kind {}\n", args[0]);
      return 2;
    }
    fmt::print("{}: {}\n", args[i], problem.empty() ? "ok" : problem);
    if (!problem.empty()) status = 1;
  }
  return status;
}

// Opens the data folder without serving it, for the commands that work offline.
template <class Work>
int with_stores(const std::vector<std::string>& args, Work work) {
  const auto flags = telltale::config::parse_flags(args);
  if (!flags) return complain(flags.error());
  const auto config = load_config(*flags);
  if (!config) return complain(config.error());
  const telltale::SystemClock clock;
  const telltale::Logger log(clock, telltale::LogLevel::warn, telltale::stderr_sink());
  telltale::MetricsRegistry metrics;
  const auto fs = telltale::io::make_posix_file_system();
  auto stores = telltale::server::Stores::open(
      *fs, *config, [](const auto&) {}, [] { return true; }, clock, log, metrics);
  if (!stores) return complain(stores.error());
  return work(**stores);
}

int backup(std::vector<std::string> args) {
  if (args.empty()) {
    fmt::print(stderr,
               "usage: telltale backup DIRECTORY [--data-dir DIR]   (of a running server: POST "
               "/api/telltale/v1/backup?directory=…)\n");
    return 2;
  }
  const std::string directory = args.front();
  args.erase(args.begin());
  return with_stores(args, [&](auto& stores) {
    const auto files = stores.backup(directory);
    if (!files) return complain(files.error());
    fmt::print("{} files in {}\n", *files, directory);
    return 0;
  });
}

int restore(std::vector<std::string> args) {
  if (args.empty()) {
    fmt::print(stderr, "usage: telltale restore DIRECTORY [--data-dir DIR]\n");
    return 2;
  }
  const std::string directory = args.front();
  args.erase(args.begin());
  const auto flags = telltale::config::parse_flags(args);
  if (!flags) return complain(flags.error());
  const auto config = load_config(*flags);
  if (!config) return complain(config.error());
  const auto fs = telltale::io::make_posix_file_system();
  const auto files = telltale::server::restore(*fs, directory, config->server.data_dir);
  if (!files) return complain(files.error());
  fmt::print("{} files in {}\n", *files, config->server.data_dir);
  return 0;
}

int verify(const std::vector<std::string>& args) {
  return with_stores(args, [](auto& stores) {
    const auto damage = stores.verify();
    if (!damage) return complain(damage.error());
    for (const auto& line : *damage) fmt::print("damaged: {}\n", line);
    fmt::print("{}\n", damage->empty() ? "every checksum matches" : "damaged files were found");
    return damage->empty() ? 0 : 1;
  });
}

int print(const telltale::Result<std::string>& text) {
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return 0;
}

int ask(const std::string& command, const std::vector<std::string>& args) {
  if (command == "query" && (args.empty() || args[0] == "--help")) {
    fmt::print(stderr, "{}", telltale::server::query_usage());
    return 2;
  }
  const auto variable = [](const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? otherwise : value);
  };
  const auto client = telltale::net::CurlHttpClient::create({.ca_file = variable("TELLTALE_CA_FILE", "")});
  if (!client) return complain(client.error());
  const telltale::server::QueryTarget target{variable("TELLTALE_URL", "http://127.0.0.1:8355"),
                                             variable("TELLTALE_TOKEN", "")};
  if (command == "erase") return print(telltale::server::run_erase(args, target, **client));
  return print(telltale::server::run_query(args, target, **client, telltale::SystemClock()));
}

int accounts(const std::string& command, const std::vector<std::string>& args) {
  const auto fs = telltale::io::make_posix_file_system();
  const telltale::SystemClock clock;
  if (command == "token") return print(telltale::server::run_token(args, *fs, clock));
  if (command == "user") return print(telltale::server::run_user(args, *fs, clock));
  return print(telltale::server::run_project(args, *fs, clock));
}

int usage() {
  fmt::print(
      stderr,
      "telltale serve [--config FILE] [--data-dir DIR] [--listen ADDR:PORT] [--prometheus-config FILE]\n"
      "telltale check config|rules|prometheus|redaction FILE…\n"
      "telltale backup DIRECTORY | restore DIRECTORY | verify   [--data-dir DIR]\n"
      "telltale query promql EXPR | logs TEXT   [--start T] [--end T] [--url URL]   (token: TELLTALE_TOKEN)\n"
      "telltale erase --user-id ID | --email ADDRESS | --query LOGQL [--start T] [--end T]   [--project ID] "
      "[--dry-run] [--url URL]   (token: "
      "TELLTALE_TOKEN)\n"
      "telltale token list | create NAME --role ROLE [--project ID] [--expires-in 30d] | revoke ID   "
      "[--data-dir DIR]\n"
      "telltale project list | create SLUG [--name NAME]   [--data-dir DIR]\n"
      "telltale user list | create EMAIL --role ROLE [--name NAME] | passwd EMAIL | disable EMAIL | enable "
      "EMAIL   "
      "[--password-file FILE] [--data-dir DIR]\n"
      "telltale version\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  if (args.empty()) return usage();
  const std::string command = args.front();
  args.erase(args.begin());
  if (command == "serve") return serve(args);
  if (command == "check") return check(args);
  if (command == "backup") return backup(args);
  if (command == "restore") return restore(args);
  if (command == "verify") return verify(args);
  if (command == "query" || command == "erase") return ask(command, args);
  if (command == "token" || command == "project" || command == "user") return accounts(command, args);
  if (command == "version") {
    fmt::print("telltale {}\n", telltale::server::kVersion);
    return 0;
  }
  return usage();
}
