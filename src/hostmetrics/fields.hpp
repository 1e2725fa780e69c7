// Cutting the kernel's text files, and putting samples together. For this folder's .cpp files only.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostmetrics/collector.hpp"

namespace telltale::hostmetrics {

/// Words of a line, separated by blanks.
std::vector<std::string_view> words(std::string_view line);
/// Lines without their ends; a last empty one is none.
std::vector<std::string_view> lines(std::string_view text);
/// A whole word as a number; nullopt when it is none.
std::optional<double> number(std::string_view word);

/// Collects samples of one part.
class SampleList {
 public:
  void add(std::string_view name, double value,
           std::initializer_list<std::pair<std::string_view, std::string_view>> labels = {});
  HostSamples take() { return std::move(samples_); }
  std::size_t size() const { return samples_.size(); }

 private:
  HostSamples samples_;
};

// The collectors; each an Error when its files are missing or not as the kernel documents them.
Result<> collect_cpu(HostSource& source, SampleList& out);
Result<> collect_stat(HostSource& source, SampleList& out);
Result<> collect_meminfo(HostSource& source, SampleList& out);
Result<> collect_vmstat(HostSource& source, SampleList& out);
Result<> collect_loadavg(HostSource& source, SampleList& out);
Result<> collect_pressure(HostSource& source, SampleList& out);
Result<> collect_filefd(HostSource& source, SampleList& out);
Result<> collect_sockstat(HostSource& source, SampleList& out);
Result<> collect_uname(HostSource& source, SampleList& out);
Result<> collect_diskstats(HostSource& source, SampleList& out);
Result<> collect_filesystem(HostSource& source, SampleList& out);
Result<> collect_netdev(HostSource& source, SampleList& out);

}  // namespace telltale::hostmetrics
