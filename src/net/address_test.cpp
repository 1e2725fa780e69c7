#include "net/address.hpp"

#include <gtest/gtest.h>

namespace telltale::net {
namespace {

TEST(Address, WhatIsPublic) {
  for (const char* text :
       {"1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(is_public(*IpAddress::parse(text))) << text;
  }
  for (const char* text : {"127.0.0.1",
                           "10.1.2.3",
                           "172.16.0.1",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "0.0.0.0",
                           "255.255.255.255",
                           "224.0.0.1",
                           "::",
                           "::1",
                           "fe80::1",
                           "fd00:ec2::254",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:169.254.169.254",
                           "64:ff9b::7f00:1",
                           "2002:7f00:1::",
                           "::127.0.0.1",
                           "2001:db8::1"}) {
    EXPECT_FALSE(is_public(*IpAddress::parse(text))) << text;
  }
}

TEST(Address, Ranges) {
  const auto range = *Cidr::parse("10.0.0.0/9");
  EXPECT_TRUE(range.contains(*IpAddress::parse("10.127.255.255")));
  EXPECT_TRUE(range.contains(*IpAddress::parse("::ffff:10.1.1.1")));
  EXPECT_FALSE(range.contains(*IpAddress::parse("10.128.0.0")));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("9.9.9.9")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("::2")));
  for (const char* bad :
       {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "host", "[1.2.3.4]"}) {
    EXPECT_FALSE(Cidr::parse(bad)) << bad;
  }
  EXPECT_EQ(parse_cidrs({"10.0.0.0/8", "x"}, "trusted").error().message(),
            "trusted: \"x\" is neither an IP address nor a CIDR");
}

}  // namespace
}  // namespace telltale::net
