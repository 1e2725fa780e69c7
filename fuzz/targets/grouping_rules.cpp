#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "errors/rules.hpp"

// Rules that are taken group any event, and the same one alike.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace telltale;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto half = in.find('\f');
  const auto rules = errors::GroupingRules::parse(in.substr(0, half),
                                                  half == std::string_view::npos ? "" : in.substr(half + 1));
  if (!rules) return 0;
  errors::GroupingInput event;
  event.platform = "python";
  event.level = "error";
  event.message = "disk 3 is full";
  errors::GroupingException exception;
  exception.type = "PoolTimeout";
  exception.value = "none free";
  for (const char* name : {"main", "retry", "load"}) {
    errors::GroupingFrame frame;
    frame.function = name;
    frame.module = "shop.pool";
    frame.filename = "shop/pool.py";
    frame.in_app = name[0] != 'r';
    exception.frames.push_back(frame);
  }
  event.exceptions.push_back(exception);
  const auto once = errors::group_event(event, **rules, errors::Explain::yes);
  const auto again = errors::group_event(event, **rules);
  if (once.variants.empty() || once.variants.front().hash != again.variants.front().hash) std::abort();
  return 0;
}
