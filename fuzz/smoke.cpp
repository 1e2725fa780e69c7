// Every fuzz target in one ordinary program: the committed corpus first, then mutated copies of it. The seed
// is printed and may be given back as the only argument; a crash names its target and input before it
// happens.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#define FUZZ_TARGET(name) extern "C" int fuzz_##name(const unsigned char* data, std::size_t size);
#include "targets.inc"
#undef FUZZ_TARGET

namespace {

struct Target {
  const char* name;
  int (*run)(const unsigned char*, std::size_t);
};

const Target kTargets[] = {
#define FUZZ_TARGET(name) {#name, fuzz_##name},
#include "targets.inc"
#undef FUZZ_TARGET
};

constexpr auto kTimePerTarget = std::chrono::milliseconds(200);
constexpr int kMaxMutations = 3000;

std::vector<std::string> read_corpus(const std::string& name) {
  std::vector<std::string> out;
  const std::filesystem::path folder = std::filesystem::path(TELLTALE_FUZZ_CORPUS) / name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return out;
}

std::string mutate(std::string s, std::mt19937& rng, const std::vector<std::string>& corpus) {
  static const std::string kTokens[] = {"\"",
                                        "{",
                                        "}",
                                        "[",
                                        "\\u",
                                        "\\ud800",
                                        "\n",
                                        "\0",
                                        "-1",
                                        "1e999",
                                        "\xff\xff",
                                        "0",
                                        "99999999999999999999"};
  const unsigned edits = 1 + rng() % 5;
  for (unsigned i = 0; i < edits; ++i) {
    const std::size_t at = s.empty() ? 0 : rng() % s.size();
    switch (rng() % 6) {
      case 0:
        if (!s.empty()) s[at] = static_cast<char>(rng());
        break;
      case 1:
        s.erase(at, rng() % 16);
        break;
      case 2:
        s.insert(at, kTokens[rng() % std::size(kTokens)]);
        break;
      case 3:
        s.resize(at);
        break;
      case 4:
        s.insert(at, s.substr(at, rng() % 64));
        break;
      default: {
        const std::string& other = corpus[rng() % corpus.size()];
        if (!other.empty()) s += other.substr(rng() % other.size());
      }
    }
    if (s.size() > 64 * 1024) s.resize(64 * 1024);
  }
  return s;
}

void run_one(const Target& target, const std::string& input) {
  // On the heap and exactly sized, so that sanitizers see every read past the end.
  const std::vector<unsigned char> exact(input.begin(), input.end());
  target.run(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned seed =
      argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : std::random_device{}();
  std::printf("seed %u\n", seed);
  int passed = 0;
  int failed = 0;
  for (const Target& target : kTargets) {
    std::printf("%s ", target.name);
    std::fflush(stdout);
    const auto corpus = read_corpus(target.name);
    if (corpus.empty()) {
      std::printf("has no corpus\n");
      ++failed;
      continue;
    }
    run_one(target, "");
    for (const std::string& input : corpus) run_one(target, input);
    std::mt19937 rng(seed);
    const auto deadline = std::chrono::steady_clock::now() + kTimePerTarget;
    int mutations = 0;
    while (mutations < kMaxMutations && std::chrono::steady_clock::now() < deadline) {
      run_one(target, mutate(corpus[rng() % corpus.size()], rng, corpus));
      ++mutations;
    }
    std::printf("ok, %zu seeds, %d mutations\n", corpus.size(), mutations);
    ++passed;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
