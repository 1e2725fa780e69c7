// google.rpc.Code of an error kind, for OTLP's two transports.
#pragma once

#include "base/result.hpp"

namespace telltale::api {

int rpc_code(ErrorKind kind);

}  // namespace telltale::api
