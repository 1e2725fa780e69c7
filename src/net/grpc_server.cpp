// grpc++'s generic callback service: one reactor a call reads the message, hands it to the pool, writes the
// answer. Two alarms see to it that no client keeps a place without sending, or without taking its answer.
// The only file, beside its test, that includes grpc++.
#include "net/grpc_server.hpp"

#include <atomic>
#include <exception>
#include <mutex>

#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "base/compress.hpp"
#include "base/thread_pool.hpp"
#include "net/address.hpp"
#include "net/tls.hpp"

namespace telltale::net {
namespace {

constexpr unsigned kGrpcCertificateSeconds = 30;
constexpr std::size_t kGrpcMemoryBytes = 256 * limits::MiB;  // of all connections' buffers

// What the calls share.
struct GrpcCalls {
  GrpcCalls(GrpcOptions o, GrpcHandler h, const Logger& l, MetricsRegistry& m)
      : options(std::move(o)), handler(std::move(h)), log(l), metrics(m) {}

  void count(int code) {
    metrics
        .counter("telltale_grpc_calls_total", "gRPC calls answered, by status code.",
                 {{"code", std::to_string(code)}})
        .add();
  }

  const GrpcOptions options;
  const GrpcHandler handler;
  const Logger& log;
  MetricsRegistry& metrics;
  std::unique_ptr<ThreadPool> pool;
  std::atomic<std::size_t> open{0};
};

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  out.reserve(buffer.Length());
  for (const auto& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

// `ipv4:127.0.0.1:51234`, `ipv6:%5B::1%5D:51234`
std::string peer_address(const std::string& peer) {
  const auto kind = peer.find(':');
  const auto port = peer.rfind(':');
  if (kind == std::string::npos || port <= kind) return {};
  std::string text = peer.substr(kind + 1, port - kind - 1);
  for (const auto& [code, mark] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const auto at = text.find(code); at != std::string::npos) text.replace(at, 3, mark);
  }
  const auto ip = IpAddress::parse(text);
  return ip ? ip->text() : std::string();
}

class CallReactor final : public grpc::ServerGenericBidiReactor {
 public:
  CallReactor(GrpcCalls& calls, grpc::GenericCallbackServerContext* context)
      : calls_(calls), context_(context) {
    if (calls_.open.fetch_add(1) < calls_.options.max_calls) {
      arm(message_alarm_, calls_.options.message_timeout);
      StartRead(&received_);
    } else {
      answer(calls_.options.busy);
    }
  }

  void OnReadDone(bool ok) override {
    message_alarm_.Cancel();
    if (!ok && expired_) return answer({4, "the call's message did not come in time", {}, {}, {}});
    if (!ok) return answer({3, "the call has no message", {}, {}, {}});
    bool queued = false;
    try {
      queued = calls_.pool->submit([this] { answer(handle()); });
    } catch (const std::exception& error) {
      calls_.log.error("call not queued", {{"what", error.what()}});
    }
    if (!queued) answer(calls_.options.busy);
  }
  void OnDone() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    message_alarm_.Cancel();
    answer_alarm_.Cancel();
    calls_.open.fetch_sub(1);
    release();
  }

 private:
  /// The call is cancelled unless the alarm is. The alarm's callback comes in any case, once, and may come
  /// after OnDone().
  void arm(grpc::Alarm& alarm, Nanos timeout) {
    holders_.fetch_add(1);
    alarm.Set(
        std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::microseconds>(timeout),
        [this](bool over) {
          if (over) cancel();
          release();
        });
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    if (done_) return;
    expired_ = true;
    context_->TryCancel();
  }
  void release() {
    if (holders_.fetch_sub(1) == 1) delete this;
  }

  GrpcResponse handle() {
    try {
      return made();
    } catch (const std::exception& error) {
      calls_.log.error("handler threw", {{"method", context_->method()}, {"what", error.what()}});
    } catch (...) {
      calls_.log.error("handler threw", {{"method", context_->method()}, {"what", "unknown"}});
    }
    return {13, "internal error", {}, {}, {}};
  }

  GrpcResponse made() {
    GrpcRequest request;
    request.method = context_->method();
    request.peer = peer_address(context_->peer());
    const auto& metadata = context_->client_metadata();
    if (const auto found = metadata.find("authorization"); found != metadata.end())
      request.authorization.assign(found->second.data(), found->second.size());
    request.body = bytes_of(received_);
    received_.Clear();
    // grpc's own decompression has no bound. A protobuf message never begins like gzip: field 3, wire type 7.
    if (request.body.starts_with("\x1F\x8B")) {
      auto plain = decompress(Codec::gzip, request.body, calls_.options.max_message_bytes);
      if (!plain) return {3, "grpc-encoding gzip: " + plain.error().message(), {}, {}, {}};
      request.body = *std::move(plain);
    }
    return calls_.handler(request);
  }

  /// Every call ends, also where there is no memory for its answer.
  void answer(const GrpcResponse& response) {
    try {
      arm(answer_alarm_, calls_.options.answer_timeout);
      respond(response);
    } catch (...) {
      Finish(grpc::Status(grpc::StatusCode::INTERNAL, {}));
    }
  }

  /// Throws only before the call is finished.

  void respond(const GrpcResponse& response) {
    calls_.count(response.code);
    for (const auto& [name, value] : response.trailers) context_->AddTrailingMetadata(name, value);
    if (response.code != 0) {
      Finish(grpc::Status(static_cast<grpc::StatusCode>(response.code), response.message, response.details));
      return;
    }
    const grpc::Slice slice(response.body.data(), response.body.size());
    sent_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&sent_, grpc::WriteOptions(), grpc::Status::OK);
  }

  GrpcCalls& calls_;
  grpc::GenericCallbackServerContext* const context_;
  grpc::ByteBuffer received_;
  grpc::ByteBuffer sent_;
  grpc::Alarm message_alarm_;
  grpc::Alarm answer_alarm_;
  std::atomic<int> holders_{1};  // the call and each alarm that is set
  std::atomic<bool> expired_{false};
  std::recursive_mutex mutex_;  // cancelling may end the call on the same thread
  bool done_ = false;           // guarded by mutex_; the context is gone
};

class AnyService final : public grpc::CallbackGenericService {
 public:
  explicit AnyService(GrpcCalls& calls) : calls_(calls) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new CallReactor(calls_, context);
  }

 private:
  GrpcCalls& calls_;
};

Result<std::shared_ptr<grpc::ServerCredentials>> credentials_of(const ServerTls& tls,
                                                                const std::string& address) {
  using namespace grpc::experimental;
  if (!tls.enabled()) return grpc::InsecureServerCredentials();
  std::shared_ptr<CertificateProviderInterface> provider;
  if (tls.cert_file.empty()) {
    TT_ASSIGN(auto pem, make_self_signed(address));
    std::string root;
    if (!tls.client_ca_file.empty()) {
      TT_ASSIGN(root, read_pem(tls.client_ca_file));
    }
    provider = std::make_shared<StaticDataCertificateProvider>(
        root, std::vector<IdentityKeyCertPair>{{std::move(pem.key), std::move(pem.certificate)}});
  } else {
    // Said at once, not at the first handshake.
    for (const std::string* file : {&tls.cert_file, &tls.key_file}) TT_TRY(read_pem(*file));
    provider = std::make_shared<FileWatcherCertificateProvider>(tls.key_file, tls.cert_file,
                                                                tls.client_ca_file, kGrpcCertificateSeconds);
  }
  TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(tls.require_client_cert
                                      ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                      : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return TlsServerCredentials(options);
}

}  // namespace

struct GrpcServer::Impl {
  Impl(GrpcOptions options, GrpcHandler handler, const Logger& log, MetricsRegistry& metrics)
      : calls(std::move(options), std::move(handler), log, metrics), service(calls) {}
  GrpcCalls calls;
  AnyService service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(GrpcOptions options, GrpcHandler handler, const Logger& log, MetricsRegistry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), log, metrics)) {}

GrpcServer::~GrpcServer() { stop(std::chrono::seconds(1)); }

Result<> GrpcServer::start() {
  GrpcCalls& calls = impl_->calls;
  const GrpcOptions& o = calls.options;
  const auto ip = IpAddress::parse(o.address == "localhost" ? "127.0.0.1" : o.address);
  if (!ip) return fail(ErrorKind::invalid_argument, "listen address \"" + o.address + "\" is no IP address");
  const std::string listen =
      (ip->is_v4() ? ip->text() : "[" + ip->text() + "]") + ":" + std::to_string(o.port);
  TT_ASSIGN(auto credentials, credentials_of(o.tls, o.address));
  calls.pool = std::make_unique<ThreadPool>(
      "grpc", o.handler_threads, o.max_calls,
      ThreadPoolOptions{0, [&log = calls.log](std::string_view what) {
                          log.error("task threw", {{"pool", "grpc"}, {"what", what}});
                        }});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(listen, credentials, &impl_->port);
  builder.RegisterCallbackGenericService(&impl_->service);
  builder.SetMaxReceiveMessageSize(static_cast<int>(o.max_message_bytes));
  builder.SetResourceQuota(grpc::ResourceQuota("otlp").Resize(kGrpcMemoryBytes));
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, o.max_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, limits::kGrpcIdleSeconds * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, limits::kGrpcKeepaliveSeconds * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, limits::kGrpcKeepaliveWaitSeconds * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  impl_->server = builder.BuildAndStart();
  if (!impl_->server || impl_->port == 0)
    return fail(ErrorKind::io, "listen on " + listen + ": not possible");
  return {};
}

void GrpcServer::stop(Nanos deadline) {
  if (!impl_->server) return;
  impl_->server->Shutdown(std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::microseconds>(deadline));
  impl_->server->Wait();
  impl_->server.reset();
  impl_->calls.pool->stop();
}

std::uint16_t GrpcServer::port() const { return static_cast<std::uint16_t>(impl_->port); }

}  // namespace telltale::net
