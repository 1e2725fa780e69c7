// What is known of a name is found out once and remembered by thread: names repeat from row to row, and stand
// at the same place in it.
#include "base/hash.hpp"
#include "redact/redactor_impl.hpp"

namespace telltale::redact {

KeyKind Redactor::Impl::kind(std::string_view key) const {
  return on(kKeyRule) ? classify_key(key, sensitive_lower, safe_lower) : KeyKind::plain;
}

namespace {

constexpr std::size_t kRememberedKeys = 1024;   // by thread
constexpr std::size_t kRememberedPlaces = 256;  // of a row, by thread
constexpr std::size_t kRememberedBytes = 256;   // of a key; a longer one is looked at each time

struct RememberedKey {
  std::uint64_t serial = 0;
  std::string name;
  KeyFacts facts;
  bool is(std::uint64_t redactor, std::string_view key) const { return serial == redactor && name == key; }
};

}  // namespace

KeyFacts Redactor::Impl::learn(std::string_view key) const {
  KeyFacts out{kind(key), false, {}};
  std::string name(key);
  DetectorSet found = detectors(name);
  found.reset(kPairs);
  if (found.any() && redact_text(name, found, nullptr)) {
    out.secret = true;
    out.renamed = std::move(name);
  }
  return out;
}

const KeyFacts& Redactor::Impl::facts(std::string_view key, std::size_t place) const {
  thread_local std::vector<RememberedKey> by_name(kRememberedKeys);
  thread_local std::vector<RememberedKey> by_place(kRememberedPlaces);
  if (key.size() > kRememberedBytes) {
    thread_local KeyFacts of_long_key;
    of_long_key = learn(key);
    return of_long_key;
  }
  if (place < kRememberedPlaces) {
    RememberedKey& there = by_place[place];
    if (!there.is(serial, key)) {
      there.facts = facts(key);
      there.serial = serial;
      there.name = key;
    }
    return there.facts;
  }
  RememberedKey& known = by_name[hash64(key, serial) % kRememberedKeys];
  if (known.is(serial, key)) return known.facts;
  known.serial = serial;
  known.name = key;
  known.facts = learn(key);
  return known.facts;
}

}  // namespace telltale::redact
