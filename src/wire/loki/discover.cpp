// Order matters and is Loki's: what the sender said beats what the line seems to say.
#include "wire/loki/discover.hpp"

namespace telltale::wire::loki {
namespace {

constexpr std::string_view kServiceLabels[] = {"service",
                                               "app",
                                               "application",
                                               "app_name",
                                               "name",
                                               "app_kubernetes_io_name",
                                               "container",
                                               "container_name",
                                               "k8s_container_name",
                                               "component",
                                               "workload",
                                               "job",
                                               "k8s_job_name"};

}  // namespace

std::string discover_service_name(const Labels& labels) {
  if (labels.has("service_name")) return std::string(labels.get("service_name"));
  for (const auto name : kServiceLabels)
    if (labels.has(name)) return std::string(labels.get(name));
  return {};
}

std::string_view detected_level_name(Level level) {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warn";
    case Level::error:
      return "error";
    case Level::fatal:
      return "fatal";
    case Level::unknown:
      break;
  }
  return "unknown";
}

}  // namespace telltale::wire::loki
