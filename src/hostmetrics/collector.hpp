// The host's own numbers under node_exporter's names, and those of its containers under cAdvisor's, so that
// public dashboards and rules fit unchanged. Every part is read by a collector of its own; one that fails
// spoils no other and is told of by node_scrape_collector_success.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "hostmetrics/host_source.hpp"
#include "model/labels.hpp"

namespace telltale::hostmetrics {

using HostSamples = std::vector<std::pair<Labels, double>>;

/// cpu, meminfo, diskstats, filesystem, netdev, loadavg, pressure, time, uname, filefd, vmstat, stat,
/// sockstat.
HostSamples measure_host(HostSource& source, const Clock& clock);

/// Control groups of version 1 or 2, whichever is mounted. unavailable when neither is.
Result<HostSamples> measure_containers(HostSource& source, const Clock& clock);

}  // namespace telltale::hostmetrics
