// Datagrams in: one thread takes them off the socket, as fast as they come, into a bounded queue; another
// hands them over in batches. What does not fit, here or in the kernel, is dropped and counted: UDP cannot
// wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/input_limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/address.hpp"

namespace telltale::net {

struct Datagram {
  std::string bytes;
  IpAddress from;
};

struct DatagramOptions {
  std::string name;  // label of the metrics
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;   // 0: any free one
  std::vector<Cidr> allow;  // empty: everybody
};

/// Called on the worker's thread with at most limits::kDatagramBatch; may take its time.
using DatagramHandler = std::function<void(const std::vector<Datagram>& batch)>;

/// start() and stop() from one thread.
class DatagramListener {
 public:
  DatagramListener(DatagramOptions options, DatagramHandler handler, const Logger& log,
                   MetricsRegistry& metrics);
  ~DatagramListener();
  DatagramListener(const DatagramListener&) = delete;
  DatagramListener& operator=(const DatagramListener&) = delete;

  Result<> start();
  /// Takes what the kernel still holds, hands it over, joins. Idempotent.
  void stop();
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::net
