// Inputs that are not HTTP: syslog listeners, followed files. Started from the configuration, ended before
// the stores: what was read is kept.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "config/config.hpp"
#include "ingest/ingest.hpp"
#include "io/file_system.hpp"
#include "logs/file_follower.hpp"
#include "net/datagram_listener.hpp"
#include "net/stream_listener.hpp"

namespace telltale::server {

/// start() and stop() from one thread.
class Inputs {
 public:
  Inputs(ingest::Ingest& ingest, io::FileSystem& fs, const Clock& clock, const Logger& log,
         MetricsRegistry& metrics);
  ~Inputs();

  /// invalid_argument or io names the listener or source that is wrong; then nothing runs.
  Result<> start(const config::Config& config);
  /// Reads what has arrived, keeps it, ends everything. Idempotent.
  void stop();

 private:
  Result<> start_syslog(const config::Config& config, const config::SyslogListener& listener);
  Result<> start_files(const config::Config& config);
  /// Returns when the messages are kept, or cannot be: then they are counted as lost. Waits while the server
  /// is full, which is what stops a sender.
  void keep(ProjectId project, const std::vector<ingest::SyslogMessage>& messages, const TimeZone& zone);
  bool wait_a_moment();

  class SyslogStream;
  ingest::Ingest& ingest_;
  io::FileSystem& fs_;
  const Clock& clock_;
  const Logger& log_;
  MetricsRegistry& metrics_;
  Counter& messages_total_;
  Counter& cut_total_;
  Counter& lost_total_;
  std::vector<std::unique_ptr<net::DatagramListener>> datagrams_;
  std::vector<std::unique_ptr<net::StreamListener>> streams_;
  std::unique_ptr<logs::FileFollower> follower_;
  std::unique_ptr<PeriodicTask> follower_task_;
  std::atomic<bool> ending_files_{false};
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  Nanos give_up_ TT_GUARDED_BY(mutex_){0};  // once stopping
};

}  // namespace telltale::server
