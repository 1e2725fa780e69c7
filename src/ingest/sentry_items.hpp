// Sentry's items that are no rows: sessions, check-ins, feedback, reports of what a client left out. Each
// function adds what is good to the request, and lists the rest with its reason. For this folder's .cpp files
// only.
#pragma once

#include <string_view>

#include "ingest/request.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/health.hpp"

namespace telltale::ingest {

void add_session(Request& request, std::string_view json, std::size_t index);
void add_session_aggregates(Request& request, std::string_view json, std::size_t index);
void add_check_in(Request& request, std::string_view json, std::size_t index);
/// The same of one that did not come as JSON; its texts are masked here.
void add_check_in(Request& request, wire::sentry::CheckInItem item, std::size_t index);
/// `report`: a user_report.
void add_feedback(Request& request, std::string_view json, bool report, std::size_t index);
/// A file of the event `item` names, at most `most` bytes.
void add_file(Request& request, storage::AttachmentItem item, std::string_view bytes, std::size_t most,
              std::size_t index);
void add_attachment(Request& request, const wire::sentry::EnvelopeHeader& header,
                    const wire::sentry::Item& item, std::size_t index);
/// A profile, or a chunk of one.
void add_profile(Request& request, const wire::sentry::EnvelopeHeader& header, const wire::sentry::Item& item,
                 std::size_t index);
/// One event: the payload is redacted first, so that title, hashes and columns come from what is stored.
void add_event(Request& request, ProjectId project, const errors::GroupingRules& rules, Id128 envelope_id,
               std::string_view json, std::size_t index);
void add_client_report(Request& request, const wire::sentry::ClientReport& report);

}  // namespace telltale::ingest
