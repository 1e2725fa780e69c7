// Hyperscan needs scratch space per running scan; scans borrow one from a free list.
#include "redact/prefilter.hpp"

#include <hs/hs.h>

#include "base/mutex.hpp"
#include "redact/keys.hpp"

namespace telltale::redact {
namespace {

struct FamilyPattern {
  const char* pattern;
  Family family;
};

constexpr FamilyPattern kShapePatterns[] = {
    {"bearer\\s|basic\\s", kAuthorization},
    {"://", kUrls},
    {"-----BEGIN", kPem},
    {"eyJ|AKIA|ASIA|AROA|AIDA|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|hooks\\.slack\\.com|[srp]k_(live|test)_"
     "|AIza|"
     "ya29\\.|SG\\.|npm_|sk-|pypi-",
     kTokens},
    {"[0-9]{15}|[0-9]{4}[ -][0-9]{4}", kCards},
    {"[0-9]{4}[ -][0-9]{6}", kCards},
    {"[A-Z]{2}[0-9]{2}[ A-Z0-9]{11}", kIbans},
    {"[0-9]{3}-[0-9]{2}-[0-9]{4}", kSsns},
    {"@", kEmails},
};

std::string quote_literal(std::string_view literal) {
  std::string out;
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : literal) {
    out += "\\x";
    out += kHex[(static_cast<unsigned char>(c) >> 4) & 15];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
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
};

Prefilter::Prefilter(const std::vector<std::string>& extra_keys) {
  if (hs_valid_platform() != HS_SUCCESS) return;
  std::vector<std::string> texts;
  std::vector<unsigned> ids;
  for (const FamilyPattern& p : kShapePatterns) {
    texts.emplace_back(p.pattern);
    ids.push_back(p.family);
  }
  for (const auto* list : {&key_hints(), &extra_keys}) {
    for (const std::string& hint : *list) {
      texts.push_back(quote_literal(hint));
      ids.push_back(kPairs);
    }
  }
  std::vector<const char*> patterns;
  std::vector<unsigned> flags;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    patterns.push_back(texts[i].c_str());
    const bool caseless = ids[i] == kPairs || ids[i] == kAuthorization;
    flags.push_back(HS_FLAG_SINGLEMATCH | (caseless ? HS_FLAG_CASELESS : 0u));
  }
  auto engine = std::make_unique<Engine>();
  hs_compile_error_t* error = nullptr;
  const hs_error_t compiled =
      hs_compile_multi(patterns.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()),
                       HS_MODE_BLOCK, nullptr, &engine->database, &error);
  if (error != nullptr) hs_free_compile_error(error);
  if (compiled != HS_SUCCESS || hs_alloc_scratch(engine->database, &engine->prototype) != HS_SUCCESS) return;
  engine_ = std::move(engine);
}

Prefilter::~Prefilter() = default;

bool Prefilter::accelerated() const { return engine_ != nullptr; }

std::uint32_t Prefilter::families(std::string_view text) const {
  if (!engine_ || text.size() > UINT32_MAX) return kAllFamilies;
  hs_scratch_t* scratch = engine_->borrow();
  if (scratch == nullptr) return kAllFamilies;
  std::uint32_t mask = 0;
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    *static_cast<std::uint32_t*>(context) |= id;
    return 0;
  };
  const hs_error_t status = hs_scan(engine_->database, text.data(), static_cast<unsigned>(text.size()), 0,
                                    scratch, on_match, &mask);
  engine_->give_back(scratch);
  return status == HS_SUCCESS ? mask : static_cast<std::uint32_t>(kAllFamilies);
}

}  // namespace telltale::redact
