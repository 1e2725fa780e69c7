// Bounds of gRPC's calls and connections (net/); of messages and calls at once: input_limits.hpp.
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr int kMaxGrpcStreams = 32;        // of one connection at once; clients hold back more
inline constexpr int kGrpcMessageSeconds = 60;    // from a call's begin to the end of its message
inline constexpr int kGrpcAnswerSeconds = 60;     // until the client has taken its answer
inline constexpr int kGrpcIdleSeconds = 10 * 60;  // a connection without calls is closed
inline constexpr int kGrpcKeepaliveSeconds = 60;  // of silence, then the client is asked whether it is there
inline constexpr int kGrpcKeepaliveWaitSeconds = 20;  // for what it says to that

}  // namespace telltale::limits
