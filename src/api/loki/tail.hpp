// Loki's live tail over a WebSocket: the newest lines of the range first, then each line as it becomes
// durable, pushed by the ingest path. No line between the two is missing, and none comes twice.
#pragma once

#include <functional>

#include "api/services.hpp"
#include "ingest/tail_hub.hpp"
#include "net/websocket.hpp"

namespace telltale::api {

inline constexpr std::string_view kLokiTailPath = "/loki/api/v1/tail";

/// `query` (a log query), `start` (an hour ago), `limit` (of lines from before; 100), `delay_for` (0 to 5
/// seconds in which late lines find their place). Text frames `{"streams":[…],"dropped_entries":[…]}`.
/// `settle` waits until what was acknowledged so far can be found.
net::WebSocketAccept loki_tail_accept(const Services& services, ingest::TailHub& hub,
                                      std::function<void()> settle);

}  // namespace telltale::api
