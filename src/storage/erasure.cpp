// An address is looked for wherever text stands, with something around it that cannot be part of it:
// joann@example.com is somebody else than ann@example.com.
#include "storage/erasure.hpp"

namespace telltale::storage {
namespace {

/// `text` as a regular expression that matches nothing else.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!word) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

EventFilter filter_of_person(const PersonRequest& person) {
  EventFilter out;
  out.op = FilterOp::any;
  if (!person.user_id.empty()) {
    // fill_ids() puts every spelling of the field into this column.
    out.children.push_back(EventFilter::leaf(FilterOp::eq, "user_id", person.user_id));
  }
  if (!person.email.empty()) {
    const std::string alone =
        "(?i)(?:^|[^a-z0-9._%+-])" + quoted(person.email) + "(?:$|[^a-z0-9.-]|\\.(?:$|[^a-z0-9]))";
    out.children.push_back(EventFilter::leaf(FilterOp::regex, "*", alone));
    for (const char* column : {"user_id", "request_id", "transaction", "host", "service"})
      out.children.push_back(EventFilter::leaf(FilterOp::regex, column, alone));
  }
  for (const std::string& mark : person.hashed) {
    for (const char* column : {"*", "user_id", "request_id", "transaction", "host", "service"})
      out.children.push_back(EventFilter::leaf(FilterOp::contains, column, mark));
  }
  return out;
}

std::string_view state_name(DeletionState state) {
  constexpr std::string_view kNames[] = {"waiting", "running", "done", "failed", "cancelled"};
  return kNames[static_cast<std::size_t>(state) - 1];
}

}  // namespace telltale::storage
