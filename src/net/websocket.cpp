// A connection after its upgrade. Outgoing frames wait in the session's queue, from which the strand takes
// all it finds in one write; incoming messages go to the pool one at a time, reading waits for them.
#include "net/websocket.hpp"

#include "base/text.hpp"
#include "net/connection.hpp"

namespace telltale::net {

bool WsSession::enqueue(WsOpcode opcode, std::string_view payload) {
  if (!open_) return false;
  {
    MutexLock lock(mutex_);
    if (queue_.size() + payload.size() > max_queued_bytes_) {
      dropped_.fetch_add(1);
      return false;
    }
    queue_ += websocket_frame(opcode, payload);
  }
  wake();
  return true;
}

void WsSession::close(int code, std::string_view reason) {
  if (!open_.exchange(false)) return;
  {
    MutexLock lock(mutex_);
    queue_ += websocket_frame(WsOpcode::close, websocket_close_payload(code, reason));
  }
  wake();
}

std::string WsSession::take() {
  MutexLock lock(mutex_);
  return std::exchange(queue_, {});
}

void WsSession::wake() {
  if (const auto connection = connection_.lock()) connection->wake_websocket();
}

void Connection::wake_websocket() {
  stream_->post([self = shared_from_this()] { self->websocket_flush(); });
}

bool Connection::wants_websocket(const RequestParser::Head& head) const {
  const HttpRequest& request = exchange_->request;
  return head.method == "GET" && head.http11 && equal_ignore_case(request.header("Upgrade"), "websocket") &&
         to_lower(request.header("Connection")).find("upgrade") != std::string::npos;
}

/// Browsers send cookies with WebSocket requests from any site, so a foreign Origin is refused.
bool Connection::origin_allowed(const HttpRequest& request) const {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return true;
  for (const std::string& allowed : core_->options.websocket_origins) {
    if (equal_ignore_case(origin, allowed)) return true;
  }
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos &&
         equal_ignore_case(origin.substr(scheme + 3), request.header("Host"));
}

void Connection::accept_websocket(std::shared_ptr<Exchange> exchange) {
  const HttpRequest& request = exchange->request;
  auto session = std::make_shared<WsSession>(core_->options.websocket.max_queued_bytes, weak_from_this());
  std::optional<HttpResponse> refusal;
  auto callbacks = std::make_shared<WebSocketCallbacks>();
  const auto key = from_base64(request.header("Sec-WebSocket-Key"));
  if (!key || key->size() != 16 || request.header("Sec-WebSocket-Version") != "13") {
    refusal = error_response(400, "bad_request", "Sec-WebSocket-Key and version 13 are needed");
  } else if (!origin_allowed(request)) {
    refusal = error_response(403, "permission_denied", "Origin is not this server's");
  } else {
    try {
      auto accepted = exchange->websocket->accept(request, session);
      if (accepted) {
        *callbacks = *std::move(accepted);
      } else {
        refusal = error_response(accepted.error());
      }
    } catch (const std::exception& error) {
      core_->logger.error("handler threw", {{"route", exchange->options->name}, {"what", error.what()}});
      refusal = error_response(500, "internal", "internal error");
    }
  }
  core_->in_flight.add(-1);
  HttpResponse response = refusal ? *std::move(refusal) : HttpResponse{101, "", "", {}};
  core_->record(*exchange, response);
  const bool upgrade = response.status == 101;
  if (upgrade) {
    response.headers = {{"Upgrade", "websocket"},
                        {"Connection", "Upgrade"},
                        {"Sec-WebSocket-Accept", websocket_accept_key(request.header("Sec-WebSocket-Key"))}};
  } else {
    session->mark_closed();
  }
  stream_->post([self = shared_from_this(), session, callbacks, response, upgrade] {
    if (!upgrade) return self->respond(response);
    self->session_ = session;
    self->websocket_opened(*callbacks, response);
  });
}

void Connection::websocket_opened(WebSocketCallbacks callbacks, const HttpResponse& response) {
  callbacks_ = std::make_shared<WebSocketCallbacks>(std::move(callbacks));
  if (state_ == State::closed || peer_ended_) {  // the client left while we decided
    session_->mark_closed();
    if (state_ != State::closed) return close();
    if (callbacks_->on_close) callbacks_->on_close();
    return;
  }
  state_ = State::websocket;
  parser_.reset();
  exchange_.reset();
  ws_reader_.emplace(core_->options.websocket.max_message_bytes);
  ws_last_heard_ = core_->clock.steady();
  set_deadline(core_->options.websocket.ping_interval);
  out_head_ = response_head(response, {true, true, false, stream_->tls(), core_->clock.now()});
  start_write();
  if (core_->stopping) session_->close(1001, "server is stopping");
  if (reading_) return;
  websocket_read();
}

void Connection::websocket_flush() {
  if (state_ != State::websocket || writing_) return;
  out_head_ = session_->take();
  if (!out_head_.empty()) return start_write();
  if (!session_->close_sent()) return;
  if (ws_close_received_) return drain_and_close();
  set_deadline(std::chrono::seconds(2));  // for the peer's close frame
}

void Connection::websocket_read() {
  if (begin_ < end_) {
    ws_reader_->feed(unread());
    begin_ = end_ = 0;
    ws_last_heard_ = core_->clock.steady();
  }
  while (state_ == State::websocket && !ws_busy_) {
    auto event = ws_reader_->next();
    if (!event) break;
    websocket_event(*std::move(event));
  }
  if (state_ != State::websocket) return;
  if (ws_reader_->error() != 0) return websocket_fail(ws_reader_->error());
  if (!ws_busy_) ensure_reading();
}

void Connection::websocket_fail(int code) {
  ws_close_received_ = true;  // nothing more is read
  session_->close(code, {});
  websocket_flush();
}

void Connection::websocket_event(WsReader::Event event) {
  if (event.opcode == WsOpcode::ping) {
    session_->enqueue(WsOpcode::pong, event.payload);
    return;
  }
  if (event.opcode == WsOpcode::pong) return;
  if (event.opcode == WsOpcode::close) return websocket_fail(1000);
  if (!callbacks_->on_message || session_->close_sent()) return;
  ws_busy_ = true;
  auto self = shared_from_this();
  const bool queued = core_->pool->submit([self, callbacks = callbacks_, event = std::move(event)] {
    try {
      callbacks->on_message(event.payload, event.opcode == WsOpcode::binary);
    } catch (const std::exception& error) {
      self->core_->logger.error("websocket handler threw", {{"what", error.what()}});
    }
    self->stream_->post([self, callbacks] {
      self->ws_busy_ = false;
      if (self->state_ == State::websocket) return self->websocket_read();
      if (self->state_ == State::closed && callbacks->on_close)
        callbacks->on_close();  // close() left it to us
    });
  });
  if (!queued) {
    ws_busy_ = false;
    websocket_fail(1013);
  }
}

}  // namespace telltale::net
