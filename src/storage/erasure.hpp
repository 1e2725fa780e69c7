// Rows that must go for good, and the data of one person.
#pragma once

#include <cstdint>
#include <string>

#include "storage/event_store.hpp"

namespace telltale::storage {

/// Rows of one table that a filter matches, whenever they were accepted up to now.
struct EraseRequest {
  Table table = Table::logs;
  Projects projects;
  TimeRange range;
  EventFilter filter;
};

/// By user id or by e-mail address; one of them is given.
struct PersonRequest {
  std::string user_id;
  std::string email;
  Projects projects;
  bool dry_run = false;  // only counts
};

struct PersonReport {
  std::uint64_t logs = 0;
  std::uint64_t spans = 0;
  std::uint64_t errors = 0;
  std::uint64_t issues = 0;  // that had counted the person; not known by a dry run
};

/// Rows that are the person's or name the address.
EventFilter filter_of_person(const PersonRequest& person);

}  // namespace telltale::storage
