// Addresses (base/ip_address.hpp) under the names this folder knows them by.
#pragma once

#include "base/ip_address.hpp"

namespace telltale::net {

using telltale::any_contains;
using telltale::Cidr;
using telltale::IpAddress;
using telltale::is_public;
using telltale::parse_cidrs;

}  // namespace telltale::net
