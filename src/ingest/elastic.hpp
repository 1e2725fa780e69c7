// What became of a bulk request: one item for each action, in its order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/elastic/bulk.hpp"

namespace telltale::ingest {

struct ElasticItem {
  wire::elastic::BulkAction action = wire::elastic::BulkAction::index;
  std::uint32_t index = 0;      // into ElasticOutcome::indices
  std::string id;               // the client's, or made
  int status = 0;               // HTTP's
  std::string_view error_type;  // Elasticsearch's word; a literal
  std::string reason;
};

struct ElasticOutcome {
  bool errors = false;
  std::size_t accepted = 0;
  std::size_t duplicates = 0;  // documents whose id was known
  std::vector<std::string> indices;
  std::vector<ElasticItem> items;
};

}  // namespace telltale::ingest
