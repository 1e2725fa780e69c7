// OTLP over gRPC: the same requests as over HTTP, the project by the metadata `authorization`.
#pragma once

#include "api/services.hpp"
#include "net/grpc_server.hpp"

namespace telltale::api {

net::GrpcResponse otlp_grpc(const Services& services, const net::GrpcRequest& request);
/// The answer to a call that finds no place: RESOURCE_EXHAUSTED with a RetryInfo, so that clients come back.
net::GrpcResponse otlp_grpc_busy(std::string_view message);

}  // namespace telltale::api
