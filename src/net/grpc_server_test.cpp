// Calls that say nothing, handlers that throw, and too many of both: others are still answered.
#include "net/grpc_server.hpp"

#include <stdexcept>

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

namespace telltale::net {
namespace {

constexpr std::chrono::seconds kGrpcPatience{60};  // for what comes, never for what does not

class GrpcCaller {
 public:
  explicit GrpcCaller(std::uint16_t port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
  }
  ~GrpcCaller() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  /// The status of one whole call.
  grpc::Status call(const std::string& text) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kGrpcPatience);
    const grpc::Slice slice(text);
    auto rpc = stub_->PrepareUnaryCall(&context, "/a.Service/Call", grpc::ByteBuffer(&slice, 1), &queue_);
    rpc->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    rpc->Finish(&answer, &status, &queue_);
    wait();
    return status;
  }

  struct Silent {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> rpc;
    grpc::Status status;
  };
  /// A call that has begun and sends nothing.
  std::unique_ptr<Silent> begin() {
    auto silent = std::make_unique<Silent>();
    silent->context.set_deadline(std::chrono::system_clock::now() + kGrpcPatience);
    silent->rpc = stub_->PrepareCall(&silent->context, "/a.Service/Call", &queue_);
    silent->rpc->StartCall(nullptr);
    wait();
    return silent;
  }
  /// Until the server has ended it.
  grpc::Status end(Silent& silent) {
    silent.rpc->Finish(&silent.status, nullptr);
    wait();
    return silent.status;
  }

 private:
  void wait() {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue_.Next(&tag, &ok));
  }

  std::unique_ptr<grpc::GenericStub> stub_;
  grpc::CompletionQueue queue_;
};

class GrpcServerTest : public ::testing::Test {
 protected:
  void start(GrpcOptions options) {
    options.port = 0;
    options.handler_threads = 2;
    options.busy = {8, "busy", {}, {}, {}};
    const auto handler = [](const GrpcRequest& request) -> GrpcResponse {
      if (request.body == "throw") throw std::runtime_error("a secret of ours");
      if (request.body == "memory") throw std::bad_alloc();
      if (request.body == "number") throw 1;
      return {0, {}, request.body, {}, {}};
    };
    server_ = std::make_unique<GrpcServer>(options, handler, log_, metrics_);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message();
  }

  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, HandlersThatThrowAreAnInternalErrorOfTheirCall) {
  start({});
  GrpcCaller caller(server_->port());
  for (const char* what : {"throw", "memory", "number", "throw"}) {
    const auto status = caller.call(what);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL) << what;
    EXPECT_EQ(status.error_message(), "internal error");
  }
  EXPECT_TRUE(caller.call("well").ok());
}

TEST_F(GrpcServerTest, SilentCallsDoNotKeepTheirPlaces) {
  GrpcOptions options;
  options.max_calls = 8;
  options.max_streams = 4;
  options.message_timeout = std::chrono::milliseconds(300);
  start(options);
  std::vector<std::unique_ptr<GrpcCaller>> callers;
  std::vector<std::pair<GrpcCaller*, std::unique_ptr<GrpcCaller::Silent>>> silent;
  for (int c = 0; c < 2; ++c) {
    callers.push_back(std::make_unique<GrpcCaller>(server_->port()));
    for (int i = 0; i < 4; ++i) silent.emplace_back(callers.back().get(), callers.back()->begin());
  }
  for (auto& [caller, call] : silent) EXPECT_FALSE(caller->end(*call).ok());
  GrpcCaller other(server_->port());
  // The last of them may be about to end.
  grpc::Status status = other.call("hello");
  for (int i = 0; i < 100 && status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED; ++i)
    status = other.call("hello");
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(GrpcServerTest, StopsWithSilentCallsOpen) {
  start({});
  GrpcCaller caller(server_->port());
  const auto silent = caller.begin();
  EXPECT_TRUE(caller.call("hello").ok());
  server_->stop(std::chrono::milliseconds(10));
  EXPECT_FALSE(caller.end(*silent).ok());
}

}  // namespace
}  // namespace telltale::net
