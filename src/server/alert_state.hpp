// Keeps active alerts in the records over a restart.
#pragma once

#include "alerting/rule_manager.hpp"
#include "storage/records.hpp"

namespace telltale::server {

class RecordedAlertState final : public alerting::AlertStateStore {
 public:
  explicit RecordedAlertState(storage::RecordStore& records) : records_(records) {}
  Result<std::vector<alerting::SavedAlert>> load() override;
  Result<> save(const std::string& rule_key, const std::vector<alerting::SavedAlert>& alerts) override;

 private:
  storage::RecordStore& records_;
};

}  // namespace telltale::server
