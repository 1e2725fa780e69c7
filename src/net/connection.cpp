#include "net/connection.hpp"

#include "base/text.hpp"

namespace telltale::net {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kReadBodyBytes = 64 * 1024;
constexpr std::size_t kProgressBytes = 64 * 1024;  // moved before a deadline is set anew
constexpr std::size_t kDiscardBytes =
    64 * 1024;  // of a refused body that is read over to keep the connection
constexpr Nanos kDrainTime = std::chrono::seconds(2);

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream)
    : core_(std::move(core)), stream_(std::move(stream)) {}

Connection::~Connection() { release_body(); }

void Connection::start() {
  stream_->post([self = shared_from_this()] {
    self->set_deadline(self->core_->options.limits.header_timeout);
    self->stream_->handshake(self);
  });
}

void Connection::begin_shutdown() {
  stream_->post([self = shared_from_this()] {
    self->keep_alive_ = false;
    if (self->state_ == State::idle || self->state_ == State::handshake) return self->close();
    if (self->state_ == State::websocket) self->session_->close(1001, "server is stopping");
  });
}

void Connection::force_close() {
  stream_->post([self = shared_from_this()] { self->close(); });
}

void Connection::check_deadline(Nanos now) {
  if (now.count() < deadline_ns_.load(std::memory_order_relaxed)) return;
  stream_->post([self = shared_from_this()] { self->on_deadline(); });
}

void Connection::set_deadline(Nanos from_now) {
  progress_ = 0;
  deadline_ns_.store((core_->clock.steady() + from_now).count(), std::memory_order_relaxed);
}

void Connection::on_deadline() {
  if (state_ == State::closed || core_->clock.steady().count() < deadline_ns_.load()) return;
  if (state_ == State::headers || state_ == State::body) {
    return answer_error(error_response(408, "timeout", "the request took too long to arrive"));
  }
  if (state_ == State::websocket) {
    const Nanos interval = core_->options.websocket.ping_interval;
    if (session_->close_sent() || core_->clock.steady() - ws_last_heard_ >= 2 * interval) return close();
    session_->enqueue(WsOpcode::ping, {});
    return set_deadline(interval);
  }
  if (state_ == State::handling) return;
  if (state_ == State::streaming && piece_wanted_) return ask_piece();
  close();
}

void Connection::on_handshake(bool ok) {
  if (state_ == State::closed) return;
  if (!ok) return close();
  state_ = State::idle;
  process();
}

void Connection::enter_idle() {
  state_ = State::idle;
  parser_.reset();
  exchange_.reset();
  release_body();
  set_deadline(core_->options.limits.idle_timeout);
}

void Connection::ensure_reading() {
  if (reading_ || peer_ended_ || state_ == State::closed) return;
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && end_ == buffer_.size()) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool parsing = state_ == State::idle || state_ == State::headers || state_ == State::body;
  const std::size_t want = state_ == State::body ? kReadBodyBytes : kReadBytes;
  if (buffer_.size() < want) buffer_.resize(want);
  if (end_ == buffer_.size()) {
    if (!parsing) return;  // pipelined requests wait in the socket
    buffer_.resize(buffer_.size() * 2);
  }
  reading_ = true;
  stream_->read_some(buffer_.data() + end_, buffer_.size() - end_, shared_from_this());
}

void Connection::on_read(bool ok, std::size_t n) {
  reading_ = false;
  if (state_ == State::closed) return;
  end_ += n;
  if (!ok) {
    peer_ended_ = true;
    keep_alive_ = false;
    const bool streams = state_ == State::streaming || answer_stream_;
    if ((state_ == State::handling || streams) && exchange_) exchange_->context->cancel();
    if (state_ == State::handling || state_ == State::writing || state_ == State::streaming) return;
    return close();
  }
  progress_ += n;
  if (state_ == State::draining) {
    begin_ = end_ = 0;
    return ensure_reading();
  }
  if (state_ == State::websocket) return websocket_read();
  process();
}

void Connection::process() {
  while (step()) {
  }
  ensure_reading();
}

/// One transition; false when more bytes or another event are needed.
bool Connection::step() {
  if (state_ == State::idle) {
    while (begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) ++begin_;
    if (begin_ == end_) return false;
    parser_.emplace(core_->options.limits.max_header_bytes, core_->options.limits.max_header_count);
    exchange_ = std::make_shared<Exchange>();
    state_ = State::headers;
    set_deadline(core_->options.limits.header_timeout);
  }
  if (state_ != State::headers && state_ != State::body) return false;
  std::size_t consumed = 0;
  const auto progress = parser_->feed(unread(), consumed);
  begin_ += consumed;
  switch (progress) {
    case RequestParser::Progress::failed:
      answer_error(error_response(parser_->error_status(), "bad_request", parser_->error_text()));
      return false;
    case RequestParser::Progress::headers_done:
      on_headers();
      return state_ == State::body;
    case RequestParser::Progress::done:
      account_body();
      if (state_ == State::body) dispatch();
      return false;
    case RequestParser::Progress::need_more:
      account_body();
      if (state_ == State::body && progress_ >= kProgressBytes)
        set_deadline(core_->options.limits.body_timeout);
      return false;
  }
  return false;
}

/// Counts the body against what all connections may hold; over that, the request is refused.
void Connection::account_body() {
  if (state_ != State::body || early_) return;
  const std::size_t size = parser_->body().size();
  const std::size_t total = core_->buffered_bytes.fetch_add(size - accounted_) + size - accounted_;
  accounted_ = size;
  if (total > core_->options.limits.max_buffered_bytes) {
    auto busy = error_response(503, "unavailable", "too many request bodies are being received");
    busy.headers.emplace_back("Retry-After", "1");
    answer_error(std::move(busy));
  }
}

void Connection::release_body() {
  core_->buffered_bytes.fetch_sub(accounted_);
  accounted_ = 0;
}

void Connection::on_headers() {
  RequestParser::Head& head = parser_->head();
  HttpRequest& request = exchange_->request;
  exchange_->started = core_->clock.steady();
  exchange_->method = head.method;
  request.method = head.method;
  request.tls = stream_->tls();
  request.client_certificate = stream_->peer_certificate();
  const std::string peer = stream_->peer();
  request.remote_address = client_address(peer, head.headers, core_->trusted);
  keep_alive_ = head.keep_alive && !core_->stopping && !peer_ended_;
  std::string raw_path;
  const auto target = parse_target(head.target, core_->options.path_prefix, request, raw_path);
  request.headers = std::move(head.headers);
  const auto peer_address = IpAddress::parse(peer);
  if (peer_address && any_contains(core_->trusted, *peer_address) &&
      equal_ignore_case(request.header("X-Forwarded-Proto"), "https")) {
    request.tls = true;
  }
  state_ = State::body;
  set_deadline(core_->options.limits.body_timeout);
  if (!target) return refuse(error_response(target.error()));
  if (!route(head, raw_path)) return;
  if (head.expects_continue && head.has_body() && begin_ == end_) {
    interim_ = true;
    out_head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    start_write();
  }
}

/// Finds the route and sets the limits of the body; false when the request was refused.
bool Connection::route(const RequestParser::Head& head, const std::string& raw_path) {
  HttpRequest& request = exchange_->request;
  if (wants_websocket(head)) {
    auto match = core_->websocket_router.match(head.method, raw_path);
    if (match.handler != nullptr) {
      exchange_->websocket = &core_->websockets.at(match.options->name);
      exchange_->options = &exchange_->websocket->options;
      request.path_params = std::move(match.path_params);
      if (head.has_body()) return refuse(error_response(400, "bad_request", "an upgrade has no body")), false;
      parser_->begin_body(0, true);
      return true;
    }
  }
  auto match = core_->router.match(head.method, raw_path);
  if (match.handler == nullptr) {
    if (match.allow.empty()) {
      refuse(error_response(404, "not_found", "no such path"));
    } else {
      auto response = error_response(405, "method_not_allowed", "the path knows " + match.allow + " only");
      response.headers.emplace_back("Allow", match.allow);
      refuse(std::move(response));
    }
    return false;
  }
  exchange_->handler = match.handler;
  exchange_->options = match.options;
  request.path_params = std::move(match.path_params);
  const std::size_t own = match.options->max_body_bytes;
  const std::size_t max_body = own != 0 ? own : core_->options.limits.max_body_bytes;
  if (head.content_length.value_or(0) > max_body) {
    refuse(error_response(413, "too_large",
                          "the body is over the limit of " + std::to_string(max_body) + " bytes"));
    return false;
  }
  if (match.options->decode_body) {
    const auto known = check_content_encoding(request.header("Content-Encoding"));
    if (!known) return refuse(error_response(415, "unsupported", known.error().message())), false;
  }
  parser_->begin_body(max_body, false);
  return true;
}

/// Answers without the body: a small one is read over and the connection stays, a large one ends it.
void Connection::refuse(HttpResponse response) {
  const RequestParser::Head& head = parser_->head();
  const bool small = !head.chunked && head.content_length.value_or(0) <= kDiscardBytes;
  if (!small || head.expects_continue) return answer_error(std::move(response));
  early_ = std::move(response);
  parser_->begin_body(kDiscardBytes, true);
}

/// Answers at once; the rest of the request is not understood or not wanted, so the connection ends.
void Connection::answer_error(HttpResponse response) {
  if (state_ == State::closed || state_ == State::writing) return;
  keep_alive_ = false;
  drain_ = true;
  if (exchange_->started == Nanos{0}) exchange_->started = core_->clock.steady();
  core_->record(*exchange_, response);
  respond(std::move(response));
}

void Connection::dispatch() {
  exchange_->body_bytes = parser_->body_bytes();
  if (early_) {
    core_->record(*exchange_, *early_);
    return respond(*std::exchange(early_, std::nullopt));
  }
  state_ = State::handling;
  deadline_ns_ = INT64_MAX;
  exchange_->request.body = std::move(parser_->body());
  exchange_->started = core_->clock.steady();
  exchange_->context = std::make_shared<WorkContext>(core_->clock, exchange_->options->work);
  auto self = shared_from_this();
  core_->in_flight.add(1);
  const Lane lane = exchange_->options->bulk ? Lane::bulk : Lane::prompt;
  if (core_->pool->submit([self, exchange = exchange_] { self->run_on_pool(exchange); }, lane)) return;
  core_->in_flight.add(-1);
  auto busy = error_response(503, "unavailable", "the server is busy");
  busy.headers.emplace_back("Retry-After", "1");
  core_->record(*exchange_, busy);
  respond(std::move(busy));
}

void Connection::run_on_pool(std::shared_ptr<Exchange> exchange) {
  if (exchange->websocket != nullptr) return accept_websocket(std::move(exchange));
  auto response = std::make_shared<HttpResponse>(core_->run(*exchange));
  core_->in_flight.add(-1);
  if (!response->stream || exchange->method == "HEAD") core_->record(*exchange, *response);
  stream_->post([self = shared_from_this(), response] { self->respond(std::move(*response)); });
}

void Connection::respond(HttpResponse response) {
  if (state_ == State::closed) return;
  state_ = State::writing;
  if (interim_) {
    waiting_ = std::move(response);
    return;
  }
  if (core_->stopping || peer_ended_) keep_alive_ = false;
  const bool http11 = !parser_ || parser_->head().http11;
  const bool head_only = exchange_ && exchange_->method == "HEAD";
  const bool streamed = static_cast<bool>(response.stream);
  if (streamed && !http11) keep_alive_ = false;  // the end of the connection is the end of the body
  const ResponseFrame frame{http11, keep_alive_, head_only, stream_->tls(), core_->clock.now(), streamed};
  add_missing(response, core_->options.headers);
  out_head_ = response_head(response, frame);
  const bool bodiless = response.status == 204 || response.status == 304;
  out_body_ = head_only || bodiless ? std::string() : std::move(response.body);
  release_body();
  if (streamed && !head_only && !bodiless) begin_stream(response, http11);
  set_deadline(core_->options.limits.body_timeout);
  start_write();
}

void Connection::start_write() {
  writing_ = true;
  const std::string_view head = std::string_view(out_head_).substr(std::min(written_, out_head_.size()));
  const std::size_t body_from = written_ > out_head_.size() ? written_ - out_head_.size() : 0;
  stream_->write_some(head, std::string_view(out_body_).substr(body_from), shared_from_this());
}

void Connection::on_write(bool ok, std::size_t n) {
  writing_ = false;
  if (state_ == State::closed) return;
  if (!ok) return close();
  written_ += n;
  progress_ += n;
  if (written_ < out_head_.size() + out_body_.size()) {
    if (progress_ >= kProgressBytes && state_ == State::writing)
      set_deadline(core_->options.limits.body_timeout);
    return start_write();
  }
  written_ = 0;
  out_head_.clear();
  out_body_.clear();
  if (interim_) {
    interim_ = false;
    if (waiting_) respond(*std::exchange(waiting_, std::nullopt));
    return;
  }
  if (state_ == State::websocket) return websocket_flush();
  if (answer_stream_) return ask_piece();
  response_written();
}

void Connection::response_written() {
  if (!keep_alive_ || core_->stopping) return drain_and_close();
  enter_idle();
  process();
}

/// Half-closes and reads over what the client still sends, so that the answer is not lost to a reset.
void Connection::drain_and_close() {
  if (peer_ended_) return close();
  state_ = State::draining;
  set_deadline(kDrainTime);
  stream_->shutdown_send();
  if (!reading_) {
    begin_ = end_ = 0;
    ensure_reading();
  }
}

void Connection::close() {
  if (state_ == State::closed) return;
  if (exchange_ && exchange_->context) exchange_->context->cancel();
  state_ = State::closed;
  deadline_ns_ = INT64_MAX;
  stream_->close();
  release_body();
  drop_stream();
  if (session_) session_->mark_closed();
  if (callbacks_ && callbacks_->on_close && !ws_busy_) {
    auto callbacks = callbacks_;
    if (!core_->pool->submit([callbacks] { callbacks->on_close(); })) callbacks->on_close();
  }
  core_->remove(this);
}

}  // namespace telltale::net
