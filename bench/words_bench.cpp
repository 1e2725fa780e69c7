// The words of parts alone: merges the parts of errors of a store's folder into one a day, as upkeep does,
// and says what their word indexes cost; then asks the new folder for words.
//
//   words_bench FROM TO [parts=1000]     FROM is read only; TO is made anew; at most so many parts merge
//   words_bench ask TO WORD...           milliseconds and CPU a question, and how many groups were found
//
// A server may be started on TO as its eventdb folder.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/clock.hpp"
#include "errors/event_words.hpp"
#include "eventdb/block_merger.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/manifest.hpp"
#include "eventdb/part.hpp"
#include "eventdb/part_words.hpp"

namespace telltale {
namespace {

using namespace eventdb;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Bench {
  SystemClock system;
  const Clock* clock = &system;
  Logger log{*clock, LogLevel::error, null_sink()};
  std::unique_ptr<io::FileSystem> disk = io::make_posix_file_system();
};

/// What the words of the part take.
void print_words(const Part& part) {
  if (part.words().size == 0) return;
  const auto words = PartWords::open(part, part.words(), part.blocks().size());
  if (!words) return;
  std::uint64_t texts = 0;
  std::uint64_t sets = 0;
  std::uint64_t names = 0;
  std::uint64_t blocks = 0;
  std::uint64_t count = 0;
  for (const auto* pages : {&words->pages().names, &words->pages().words}) {
    for (const auto& page : *pages) {
      texts += page.handle.size;
      count += page.count;
    }
  }
  for (const auto& page : words->pages().set_pages) sets += page.handle.size;
  for (std::size_t p = 0; p * kPartGroupsAPage < words->groups(); ++p) {
    names += words->group_pages()[p].names.size;
    blocks += words->group_pages()[p].blocks.size;
  }
  fmt::print("  {} words and names {} B, {} sets {} B, {} groups {} B, their blocks {} B, directory {} B\n",
             count, texts, words->pages().sets, sets, words->groups(), names, blocks, part.words().size);
}

void merge_day(Bench& bench, const std::string& to, const std::vector<std::shared_ptr<Part>>& parts,
               const std::string& name) {
  const auto words = errors::event_word_indexing();
  std::vector<MergeInput> inputs;
  for (const auto& part : parts) {
    MergeInput& input = inputs.emplace_back();
    for (std::uint32_t b = 0; b < part->blocks().size(); ++b) input.blocks.push_back({part, nullptr, b});
  }
  WorkLimits limits;
  limits.timeout = std::chrono::hours(1);
  limits.max_memory_bytes = SIZE_MAX / 2;
  WorkContext context(*bench.clock, limits);
  const double begin = cpu_seconds();
  auto writer =
      PartWriter::create(*bench.disk, to + "/" + name, parts.front()->table(), parts.front()->day());
  if (!writer) std::abort();
  auto done = merge_blocks(std::move(inputs), **writer, limits::kEventBlockRows, context, &words);
  if (done) done = (*writer)->finish();
  if (!done) {
    std::fprintf(stderr, "%s\n", std::string(done.error().message()).c_str());
    std::exit(1);
  }
  const double rows = static_cast<double>((*writer)->rows());
  std::uint64_t before = 0;
  for (const auto& part : parts) before += part->file_bytes();
  const auto part = Part::open(*bench.disk, to, name, bench.log);
  print_words(**part);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{}: {} parts, {:.0f} rows, {} blocks: {:.2f} us of CPU and {:.1f} B a row (before {:.1f}), peak {} "
      "MB\n",
      name, parts.size(), rows, (*part)->blocks().size(), (cpu_seconds() - begin) / rows * 1e6,
      static_cast<double>((*part)->file_bytes()) / rows, static_cast<double>(before) / rows,
      usage.ru_maxrss / 1024);
  std::fflush(stdout);
}

int merge(const std::string& from, const std::string& to, std::size_t most) {
  Bench bench;
  const auto bytes = io::read_file(*bench.disk, from + "/MANIFEST");
  auto manifest = Manifest::decode(*bytes);
  if (!bench.disk->make_dirs(to)) return 1;
  std::map<std::int64_t, std::vector<std::shared_ptr<Part>>> days;
  for (const std::string& name : manifest->parts) {
    auto part = Part::open(*bench.disk, from, name, bench.log);
    if (part && (*part)->table() == Table::errors) days[(*part)->day()].push_back(*part);
  }
  manifest->parts.clear();
  for (auto& [day, parts] : days) {
    for (std::size_t at = 0; at < parts.size(); at += most) {
      const auto end = parts.begin() + static_cast<std::ptrdiff_t>(std::min(at + most, parts.size()));
      const std::string name = part_name(Table::errors, day, {}, manifest->next_part++);
      merge_day(bench, to, {parts.begin() + static_cast<std::ptrdiff_t>(at), end}, name);
      manifest->parts.push_back(name);
    }
  }
  return io::publish_file(*bench.disk, to + "/MANIFEST", manifest->encode()) ? 0 : 1;
}

int ask(const std::string& dir, const std::vector<std::string>& words) {
  Bench bench;
  MetricsRegistry metrics;
  EventDbOptions options;
  options.words = errors::event_word_indexing();
  auto db = open_eventdb(*bench.disk, dir, options, *bench.clock, bench.log, metrics);
  if (!db) {
    std::fprintf(stderr, "%s\n", std::string(db.error().message()).c_str());
    return 1;
  }
  for (const std::string& word : words) {
    storage::WordQuery query;
    query.group = options.words->group;
    query.projects = {{1}};
    for (std::size_t at = 0; at <= word.size();) {
      const std::size_t end = std::min(word.find('+', at), word.size());
      query.all.push_back({{{0xFF, {word.substr(at, end - at)}, false}}});
      at = end + 1;
    }
    std::vector<double> times;
    std::size_t sure = 0;
    std::size_t possible = 0;
    const double cpu = cpu_seconds();
    constexpr int kRuns = 7;
    for (int run = 0; run < kRuns; ++run) {
      const auto begin = std::chrono::steady_clock::now();
      WorkContext context(*bench.clock, WorkLimits{});
      const auto found = (*db)->word_groups(query, context);
      if (!found || !*found) {
        fmt::print("{}: {}\n", word, found ? "not to be asked" : std::string(found.error().message()));
        break;
      }
      times.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
      sure = (*found)->sure.size();
      possible = (*found)->possible.size();
    }
    if (times.empty()) continue;
    std::sort(times.begin(), times.end());
    fmt::print("{}: {:.1f} ms (worst {:.1f}), CPU {:.1f} ms, {} sure, {} possible\n", word,
               times[times.size() / 2], times.back(),
               (cpu_seconds() - cpu) / static_cast<double>(times.size()) * 1000, sure, possible);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace telltale

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() >= 2 && args[0] == "ask") return telltale::ask(args[1], {args.begin() + 2, args.end()});
  if (args.size() < 2) return 2;
  return telltale::merge(args[0], args[1], args.size() > 2 ? std::stoul(args[2]) : 1000);
}
