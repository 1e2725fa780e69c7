#include "metrics/scrape_config.hpp"

#include <cstddef>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)telltale::metrics::parse_scrape_config(in, "prometheus.yml");
  (void)telltale::metrics::parse_target_groups(in, "targets.json");
  (void)telltale::metrics::parse_json_target_groups(in, "https://sd/list");
  telltale::metrics::ScrapeConfig config;
  (void)telltale::metrics::add_scrape_config_file(config, in, "jobs.yml");
  return 0;
}
