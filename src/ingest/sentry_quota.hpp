// What a Sentry request may bring, and the count of what became of each of its items. Limits are asked before
// an item is read where no filter has to look into it first. For this folder's .cpp files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/ingest.hpp"
#include "quota/intake.hpp"
#include "storage/batch.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/event.hpp"

namespace telltale::ingest {

class Request;

/// Lives as long as its request.
class SentryQuota {
 public:
  SentryQuota(quota::Intake* intake, ProjectId project, const SentrySender& sender);

  /// Whether a filter strikes; it is counted then. Reads the payload only when there are filters.
  bool filters_event(Request& request, std::string_view payload);
  bool filters_transaction(Request& request, const wire::sentry::TransactionEvent& event);
  bool has_filters() const { return filters_ != nullptr; }

  /// The item at hand, when filters had to see it before its limit is asked; else it is granted already.
  bool take_deferred(Request& request);
  /// How many of `quantity` the key may still send; the rest is counted as refused.
  std::uint64_t take(Request& request, std::string_view category, std::uint64_t quantity);
  bool keeps_body(const Request& request, std::string_view group) const;
  void count(Request& request, storage::UsageKind kind, std::string_view category, std::string_view reason,
             std::uint64_t quantity) const;

  /// Around the reading of an item: whether it may be read at all, and what came of it.
  bool begins(Request& request, const wire::sentry::Item& item);
  void ends(Request& request, const wire::sentry::Item& item);
  /// The same of something that came without an envelope. One that is refused in part is refused as a whole.
  bool begins(Request& request, std::string_view category);
  void ends(Request& request, std::string_view category);

  /// A file that was taken and counted finds no room after all.
  void lost_file(Request& request, std::string_view kind);

  /// So many measurements that were taken and counted could not be made into series.
  void lost_metrics(Request& request, std::uint64_t lost);

  /// Rows that had been accepted before are not in the batch any more: what was accepted is what is left.
  void settle(storage::Batch& batch) const;
  /// The request came to nothing: what it was granted may be used by another.
  void give_back(const Request& request);

 private:
  struct Mark {
    std::size_t rows = 0;
    std::size_t items = 0;
    std::size_t rejected = 0;
    std::size_t measured = 0;
  };
  static Mark mark_of(const Request& request);
  bool start(Request& request, std::string_view category, bool filterable);
  bool filtered(Request& request, std::string_view filter);
  void give_back_one(const Request& request);

  quota::Intake* const intake_;
  const ProjectId project_;
  const SentrySender sender_;
  std::shared_ptr<const quota::Filters> filters_;
  Mark mark_;
  std::string category_;   // of the item that is being read
  bool deferred_ = false;  // its limit is asked later
  bool taken_ = false;     // by it
  bool refused_ = false;   // it, or a part of it
  std::map<std::string, std::uint64_t> granted_;
  // Why the envelope's event is not kept: files that came with it are of no use then.
  std::optional<std::pair<storage::UsageKind, std::string>> event_gone_;
  // Added to the batch so far.
  std::uint64_t errors_ = 0;
  std::uint64_t security_ = 0;
  std::uint64_t transactions_ = 0;
  std::uint64_t spans_ = 0;
};

}  // namespace telltale::ingest
