// A gRPC server for unary calls whose messages are opaque bytes: the codecs are wire/'s. Knows no service;
// every method goes to one handler, on a bounded pool. Messages compressed with gzip are decompressed within
// a limit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/grpc_limits.hpp"
#include "base/input_limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/server.hpp"

namespace telltale::net {

struct GrpcRequest {
  std::string method;         // `/package.Service/Method`
  std::string authorization;  // the metadata of that name
  std::string peer;           // IP address
  std::string body;           // the message, decompressed
};

struct GrpcResponse {
  int code = 0;  // google.rpc.Code; 0 is success
  std::string message;
  std::string body;     // of a success
  std::string details;  // of an error: google.rpc.Status, for `grpc-status-details-bin`
  std::vector<std::pair<std::string, std::string>> trailers;
};

using GrpcHandler = std::function<GrpcResponse(const GrpcRequest& request)>;

struct GrpcOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 4317;  // 0: any free one
  ServerTls tls;
  std::size_t handler_threads = 4;
  std::size_t max_message_bytes = limits::kMaxGrpcMessageBytes;
  std::size_t max_calls = limits::kMaxGrpcCalls;
  int max_streams = limits::kMaxGrpcStreams;  // of one connection
  /// A call whose message is not whole by then, or whose answer is not taken, is cancelled.
  Nanos message_timeout{std::chrono::seconds(limits::kGrpcMessageSeconds)};
  Nanos answer_timeout{std::chrono::seconds(limits::kGrpcAnswerSeconds)};
  GrpcResponse busy;  // what a call over max_calls is answered
};

/// start() and stop() from one thread. What the handler throws is a call's INTERNAL and a line of the log.
class GrpcServer {
 public:
  GrpcServer(GrpcOptions options, GrpcHandler handler, const Logger& log, MetricsRegistry& metrics);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  Result<> start();
  /// Takes no more calls, finishes those that have begun, cancels the rest at the deadline. Idempotent.
  void stop(Nanos deadline = std::chrono::seconds(5));
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::net
