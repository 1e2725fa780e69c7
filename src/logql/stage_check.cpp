#include "logql/checks.hpp"
#include "logql/stage.hpp"

namespace telltale::logql {

Result<> check_stage(const Stage& stage) {
  if (auto made = make_stage(stage, std::nullopt); !made) return tl::unexpected(std::move(made).error());
  return {};
}

}  // namespace telltale::logql
