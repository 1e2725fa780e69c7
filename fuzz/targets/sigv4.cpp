#include "wire/cloudwatch/sigv4.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

// The first line is the Authorization header, the rest the body: a claim that parses has a signature of 64
// digits.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale::wire::cloudwatch;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t end = in.find('\n');
  const auto claim = parse_sigv4(in.substr(0, end));
  if (!claim) return 0;
  SignedRequest request{"POST", "/", {{"a b", "c"}}, {{"host", "h"}, {"x-amz-date", "20260108T093000Z"}}, in};
  (void)signed_time(*claim, request);
  const auto signature = sigv4_signature(*claim, request, "secret");
  if (signature && signature->size() != 64) std::abort();
  return 0;
}
