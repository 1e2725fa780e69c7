// Hyperscan needs scratch space per running scan; scans borrow one from a free list.
#include "redact/prefilter.hpp"

#include <algorithm>

#include <hs/hs.h>

#include "base/mutex.hpp"
#include "redact/keys.hpp"
#include "redact/number_scan.hpp"
#include "redact/rules.hpp"

namespace telltale::redact {
namespace {

struct CodePattern {
  const char* expression;
  Detector detector;
  bool any_case;
};

// Each a superset of what the detector accepts, and narrow enough to be silent on most text. A zero byte
// ends a text among several.
constexpr CodePattern kCodePatterns[] = {
    {R"(bearer\s+[a-z0-9._~+/=\-]{6})", kBearer, true},
    {R"(basic\s+[a-z0-9+/_\-]{8})", kBasic, true},
    {R"(://[^\s/:@"'<>\x00]*:[^\s/"'<>\x00]+@)", kUrls, false},
    {R"(\-\-\-\-\-BEGIN [A-Z0-9 ]*PRIVATE KEY)", kPem, false},
};

// Of rules that are off unless an operator wants them; they would strike in every other line.
constexpr CodePattern kOptionalPatterns[] = {
    {R"([A-Za-z0-9._%+\-]@[A-Za-z0-9\-])", kEmails, false},
    {R"([0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9])", kIps, false},
};

constexpr unsigned long kLongRepeat = 16;

/// A shape's own expression without what only makes it exact: word boundaries, flags, long repetitions at
/// its end.
std::string loosened(std::string_view regex) {
  std::string out;
  for (std::size_t i = 0; i < regex.size();) {
    if (regex.substr(i).starts_with("\\b")) {
      i += 2;
    } else if (regex.substr(i).starts_with("(?i)") || regex.substr(i).starts_with("(?s)")) {
      i += 4;
    } else if (regex[i] == '{') {
      const std::size_t end = regex.find('}', i);
      const unsigned long least = std::stoul(std::string(regex.substr(i + 1, end - i - 1)));
      out += least > kLongRepeat ? "{" + std::to_string(kLongRepeat) + "}"
                                 : std::string(regex.substr(i, end - i + 1));
      i = end + 1;
    } else {
      out += regex[i++];
    }
  }
  return out;
}

hs_database_t* compile(const std::vector<ScanPattern>& patterns) {
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  for (const ScanPattern& p : patterns) {
    texts.push_back(p.expression.c_str());
    flags.push_back(p.any_case ? HS_FLAG_CASELESS : 0u);
    ids.push_back(static_cast<unsigned>(p.detector));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t done =
      hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error);
  if (error != nullptr) hs_free_compile_error(error);
  return done == HS_SUCCESS ? database : nullptr;
}

}  // namespace

struct Prefilter::Engine {
  hs_database_t* database = nullptr;
  Mutex mutex;
  std::vector<hs_scratch_t*> free TT_GUARDED_BY(mutex);
  hs_scratch_t* prototype = nullptr;

  ~Engine() {
    for (hs_scratch_t* s : free) hs_free_scratch(s);
    if (prototype != nullptr) hs_free_scratch(prototype);
    if (database != nullptr) hs_free_database(database);
  }
  hs_scratch_t* borrow() {
    MutexLock lock(mutex);
    if (!free.empty()) {
      hs_scratch_t* s = free.back();
      free.pop_back();
      return s;
    }
    hs_scratch_t* s = nullptr;
    return hs_clone_scratch(prototype, &s) == HS_SUCCESS ? s : nullptr;
  }
  void give_back(hs_scratch_t* s) {
    MutexLock lock(mutex);
    free.push_back(s);
  }
  /// False when the scan could not be made.
  bool run(std::string_view text, match_event_handler on_match, void* context) {
    if (text.size() > UINT32_MAX) return false;
    hs_scratch_t* scratch = borrow();
    if (scratch == nullptr) return false;
    const hs_error_t status =
        hs_scan(database, text.data(), static_cast<unsigned>(text.size()), 0, scratch, on_match, context);
    give_back(scratch);
    return status == HS_SUCCESS;
  }
};

Prefilter::Prefilter(const std::vector<ScanPattern>& patterns, bool numbers) : numbers_(numbers) {
  if (patterns.empty()) return;
  auto engine = std::make_unique<Engine>();
  if (hs_valid_platform() == HS_SUCCESS) {
    engine->database = compile(patterns);
    if (engine->database == nullptr) {
      // One of them is beyond Hyperscan: those that compile alone are kept.
      std::vector<ScanPattern> good;
      for (const ScanPattern& p : patterns) {
        hs_database_t* alone = compile({p});
        if (alone == nullptr) {
          always_.set(p.detector);
        } else {
          hs_free_database(alone);
          good.push_back(p);
        }
      }
      if (!good.empty()) engine->database = compile(good);
      if (good.empty()) return;
    }
  }
  if (engine->database == nullptr || hs_alloc_scratch(engine->database, &engine->prototype) != HS_SUCCESS) {
    for (const ScanPattern& p : patterns) always_.set(p.detector);
    return;
  }
  engine_ = std::move(engine);
}

Prefilter::~Prefilter() = default;

void Prefilter::scan(std::string_view text, DetectorSet& found) const {
  found |= always_;
  if (numbers_) scan_numbers(text, [&](Detector detector, std::size_t) { found.set(detector); });
  if (!engine_) return;
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    static_cast<DetectorSet*>(context)->set(id);
    return 0;
  };
  if (!engine_->run(text, on_match, &found)) found.set();
}

bool Prefilter::scan_all(std::string_view text, const std::vector<std::uint32_t>& ends,
                         std::vector<DetectorSet>& found) const {
  bool any = always_.any();
  if (any) {
    for (DetectorSet& f : found) f |= always_;
  }
  if (numbers_) {
    scan_numbers(text, [&](Detector detector, std::size_t at) {
      found[static_cast<std::size_t>(
                std::lower_bound(ends.begin(), ends.end(), static_cast<std::uint32_t>(at)) - ends.begin())]
          .set(detector);
      any = true;
    });
  }
  if (!engine_) return any;
  struct Context {
    const std::vector<std::uint32_t>& ends;
    std::vector<DetectorSet>& found;
    bool any;
  } context{ends, found, any};
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* data) {
    auto& c = *static_cast<Context*>(data);
    // A match that takes the zero byte along ends with it.
    const auto end =
        std::lower_bound(c.ends.begin(), c.ends.end(), static_cast<std::uint32_t>(to == 0 ? 0 : to - 1));
    if (end != c.ends.end()) c.found[static_cast<std::size_t>(end - c.ends.begin())].set(id);
    c.any = true;
    return 0;
  };
  if (!engine_->run(text, on_match, &context)) {
    for (DetectorSet& f : found) f.set();
    return true;
  }
  return context.any;
}

std::vector<ScanPattern> optional_patterns() {
  std::vector<ScanPattern> out;
  for (const CodePattern& p : kOptionalPatterns) out.push_back({p.expression, p.detector, p.any_case});
  return out;
}

std::vector<ScanPattern> key_patterns(const std::vector<std::string>& sensitive_lower) {
  std::vector<ScanPattern> out;
  for (std::string& expression : key_expressions(sensitive_lower))
    out.push_back({std::move(expression), kPairs, true});
  return out;
}

std::vector<ScanPattern> builtin_patterns() {
  std::vector<ScanPattern> patterns = key_patterns({});
  for (std::string& expression : hump_expressions())
    patterns.push_back({std::move(expression), kPairs, false});
  for (const CodePattern& p : kCodePatterns) patterns.push_back({p.expression, p.detector, p.any_case});
  std::size_t detector = kFirstShape;
  for (const Shape& shape : vendor_shapes()) {
    const bool any_case = std::string_view(shape.regex).starts_with("(?i)");
    patterns.push_back({shape.scan != nullptr ? shape.scan : loosened(shape.regex), detector++, any_case});
  }
  return patterns;
}

const Prefilter& builtin_prefilter() {
  static const Prefilter prefilter(builtin_patterns(), true);
  return prefilter;
}

}  // namespace telltale::redact
