// Elasticsearch's bulk request: newline-delimited JSON in which an action line says what to do and, for
// index, create and update, the next line is the document. Every action is listed in its order, also a bad
// one with the reason, because the answer has one item for each. Only a body that is no such list at all is
// an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::wire::elastic {

enum class BulkAction : unsigned char { index, create, update, remove };
/// `index`, `create`, `update`, `delete`.
std::string_view to_string(BulkAction action);

struct BulkItem {
  BulkAction action = BulkAction::index;
  std::uint32_t index = 0;    // into BulkRequest::indices
  std::string id;             // as sent; empty when the server is to make one
  std::string_view document;  // in the request's body; empty for delete
  std::uint32_t line = 0;     // of the action, from 1
  std::string error;          // why the item cannot be taken; empty when it can
};

struct BulkRequest {
  std::vector<std::string> indices;  // distinct, in order of appearance
  std::vector<BulkItem> items;
};

/// `default_index` is the one in the path, for actions that name none. Items point into `body`.
/// invalid_argument, with the line, when an action line is not one: what follows cannot be told apart then.
Result<BulkRequest> parse_bulk(std::string_view body, std::string_view default_index);

}  // namespace telltale::wire::elastic
