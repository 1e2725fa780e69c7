// CHECK is for bugs: a condition that the program's own logic guarantees. It stays on in release, prints the
// place and the condition, and aborts; the journal makes that safe. Input never reaches a CHECK.
#pragma once

namespace telltale {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace telltale

#define TT_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::telltale::check_failed(#condition, __FILE__, __LINE__))
