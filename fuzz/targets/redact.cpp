#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "redact/redactor.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  static const auto redactor = std::move(telltale::redact::Redactor::create({})).value();
  std::string text(in);
  redactor->redact_text(text);
  std::string json(in);
  const bool changed = redactor->redact_json(json);
  TT_CHECK(changed || json == in);
  std::string event(in);
  redactor->redact_event(event);
  return 0;
}
