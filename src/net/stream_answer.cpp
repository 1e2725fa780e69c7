// Answers that are made while they are being sent. A connection never has more than one piece: it asks the
// pool for the next when the last byte of the one before has gone to the socket. So the client's speed is the
// maker's speed, no handler thread waits for a client, and a client that goes away cancels the maker.
#include "net/connection.hpp"

namespace telltale::net {
namespace {

constexpr Nanos kPieceRetry = std::chrono::milliseconds(50);  // while the pool's queue is full

}  // namespace

void Connection::begin_stream(HttpResponse& response, bool http11) {
  answer_stream_ = std::make_shared<BodyStream>(std::move(response.stream));
  streamed_ = HttpResponse::empty(response.status);
  chunked_ = http11;
  exchange_->streamed_bytes = out_body_.size();
  if (chunked_ && !out_body_.empty()) {
    out_head_ += chunk_head(out_body_.size());
    out_body_ += "\r\n";
  }
}

void Connection::ask_piece() {
  state_ = State::streaming;
  auto self = shared_from_this();
  piece_wanted_ = !core_->pool->submit([self, exchange = exchange_, stream = answer_stream_]() mutable {
    auto piece = std::make_shared<std::string>();
    const bool ok = self->core_->piece(*exchange, *stream, *piece).has_value();
    stream.reset();  // before the exchange, whose context it may refer to
    self->stream_->post([self, ok, piece] { self->piece_made(ok, std::move(*piece)); });
  });
  if (piece_wanted_) {
    set_deadline(kPieceRetry);
  } else {
    deadline_ns_ = INT64_MAX;  // the context has a deadline of its own
  }
}

void Connection::piece_made(bool ok, std::string piece) {
  if (state_ == State::closed) return;
  if (!ok) {
    core_->record(*exchange_, streamed_);
    return close();
  }
  state_ = State::writing;
  set_deadline(core_->options.limits.body_timeout);
  exchange_->streamed_bytes += piece.size();
  const bool last = piece.empty();
  out_head_ = chunked_ ? chunk_head(piece.size()) : std::string();
  out_body_ = std::move(piece);
  if (chunked_ && !last) out_body_ += "\r\n";
  if (last) {
    core_->record(*exchange_, streamed_);
    drop_stream();
    if (!chunked_) return response_written();
  }
  start_write();
}

/// What a stream holds (snapshots of stores) may take a while to let go: not on the event loop.
void Connection::drop_stream() {
  if (!answer_stream_) return;
  auto stream = std::exchange(answer_stream_, nullptr);
  auto exchange = exchange_;
  (void)core_->pool->submit([stream = std::move(stream), exchange = std::move(exchange)]() mutable {
    stream.reset();
    exchange.reset();
  });
}

}  // namespace telltale::net
