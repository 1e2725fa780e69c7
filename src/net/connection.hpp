// One connection's life: handshake → (idle → headers → body → handling → writing)* → draining or WebSocket →
// closed. An answer that is made while it is sent alternates between writing and streaming (a piece is being
// made). Everything runs on the stream's strand; the handler runs on the pool and comes back by post(). A
// read is outstanding whenever the buffer has room, so that a client that goes away cancels the work it asked
// for; bytes that come meanwhile are the next, pipelined, request's and wait in the buffer.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "net/message.hpp"
#include "net/request_parser.hpp"
#include "net/server_core.hpp"
#include "net/stream.hpp"
#include "net/websocket_codec.hpp"

namespace telltale::net {

/// The sending side of a WebSocket, filled from any thread; the connection empties it.
class WsSession final : public WebSocketSession {
 public:
  WsSession(std::size_t max_queued_bytes, std::weak_ptr<Connection> connection)
      : max_queued_bytes_(max_queued_bytes), connection_(std::move(connection)) {}

  bool send_text(std::string message) override { return enqueue(WsOpcode::text, message); }
  bool send_binary(std::string message) override { return enqueue(WsOpcode::binary, message); }
  void close(int code, std::string_view reason) override;
  bool is_open() const override { return open_.load(); }
  std::uint64_t dropped() const override { return dropped_.load(); }

  bool enqueue(WsOpcode opcode, std::string_view payload);
  std::string take() TT_EXCLUDES(mutex_);
  bool close_sent() const { return !open_.load(); }
  void mark_closed() { open_ = false; }

 private:
  void wake();
  const std::size_t max_queued_bytes_;
  const std::weak_ptr<Connection> connection_;
  std::atomic<bool> open_{true};
  std::atomic<std::uint64_t> dropped_{0};
  Mutex mutex_;
  std::string queue_ TT_GUARDED_BY(mutex_);
};

class Connection final : public StreamEvents, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream);
  ~Connection() override;

  // From any thread.
  void start();
  void begin_shutdown();
  void force_close();
  void check_deadline(Nanos now);
  void wake_websocket();

  void on_handshake(bool ok) override;
  void on_read(bool ok, std::size_t n) override;
  void on_write(bool ok, std::size_t n) override;

 private:
  enum class State : unsigned char {
    handshake,
    idle,
    headers,
    body,
    handling,
    writing,
    streaming,
    draining,
    websocket,
    closed
  };

  void process();
  bool step();
  void enter_idle();
  void on_headers();
  bool route(const RequestParser::Head& head, const std::string& raw_path);
  void refuse(HttpResponse response);
  void answer_error(HttpResponse response);
  void dispatch();
  void run_on_pool(std::shared_ptr<Exchange> exchange);
  void respond(HttpResponse response);
  void start_write();
  void response_written();
  // stream_answer.cpp
  void begin_stream(HttpResponse& response, bool http11);
  void ask_piece();
  void piece_made(bool ok, std::string piece);
  void drop_stream();
  void drain_and_close();
  void on_deadline();
  void ensure_reading();
  void set_deadline(Nanos from_now);
  void account_body();
  void release_body();
  void close();
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  bool wants_websocket(const RequestParser::Head& head) const;
  bool origin_allowed(const HttpRequest& request) const;
  void accept_websocket(std::shared_ptr<Exchange> exchange);
  void websocket_opened(WebSocketCallbacks callbacks, const HttpResponse& response);
  void websocket_read();
  void websocket_flush();
  void websocket_event(WsReader::Event event);
  void websocket_fail(int code);

  const std::shared_ptr<ServerCore> core_;
  const std::unique_ptr<Stream> stream_;
  std::atomic<std::int64_t> deadline_ns_{INT64_MAX};

  // On the strand.
  State state_ = State::handshake;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool interim_ = false;  // what is being written is 100 Continue
  bool peer_ended_ = false;
  bool keep_alive_ = false;
  bool drain_ = false;  // the request was not read to its end
  std::optional<RequestParser> parser_;
  std::shared_ptr<Exchange> exchange_;
  std::optional<HttpResponse> early_;    // the answer, once the body is read over
  std::optional<HttpResponse> waiting_;  // the answer, once 100 Continue is out
  std::size_t accounted_ = 0;
  std::size_t progress_ = 0;  // bytes since the deadline was set anew
  std::string out_head_;
  std::string out_body_;
  std::size_t written_ = 0;
  std::shared_ptr<BodyStream> answer_stream_;  // what is left of the answer
  HttpResponse streamed_;                      // its status, to be recorded at the end
  bool chunked_ = false;
  bool piece_wanted_ = false;  // the pool was full: asked for again at the deadline

  std::shared_ptr<WsSession> session_;
  std::shared_ptr<WebSocketCallbacks> callbacks_;
  std::optional<WsReader> ws_reader_;
  bool ws_busy_ = false;  // on_message is running
  bool ws_close_received_ = false;
  Nanos ws_last_heard_{0};
};

}  // namespace telltale::net
