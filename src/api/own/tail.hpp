// GET /api/telltale/v1/tail as a WebSocket: rows that match, pushed as they become durable.
#pragma once

#include "api/services.hpp"
#include "ingest/tail_hub.hpp"
#include "net/websocket.hpp"

namespace telltale::api {

inline constexpr std::string_view kTailPath = "/api/telltale/v1/tail";

/// Text frames `{"rows":[…],"dropped":n}`: rows in the form of a search, `dropped` those missed since the
/// last frame. The credential is checked when the tail opens and every second after: a tail whose session
/// ended, whose user was disabled or whose token was revoked is closed with 1008.
net::WebSocketAccept tail_accept(const Services& services, ingest::TailHub& hub);

}  // namespace telltale::api
