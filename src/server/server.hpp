// The only place that wires: stores, ingest, queries, scraping, rules, notifications and the HTTP surfaces,
// with the threads that drive them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config/config.hpp"

namespace telltale::server {

inline constexpr char kVersion[] = "0.1.0";

/// Reads the configuration again: file, environment, flags.
using ConfigSource = std::function<Result<config::Config>()>;

/// start() once; stop() once, from another thread than the server's own.
class Server {
 public:
  Server(config::Config config, ConfigSource source, const Clock& clock, Logger& log);
  ~Server();

  /// Opens the data folder, replays the journal, listens. On return the server is ready.
  Result<> start();
  /// Stops accepting, finishes what is in flight, makes everything durable.
  void stop();
  /// Takes over what changed in the configuration, prometheus.yml and the rule files. On an error nothing
  /// changes: invalid_argument says which line is wrong, conflict which settings need a restart.
  Result<> reload();
  std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::server
