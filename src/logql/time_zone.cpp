// Zones of the system's time zone database, as its compiled files say (RFC 8536): transitions, and behind the
// last of them the rule in the footer is not read: the last offset of the same season a year earlier stands
// for it.
#include <fstream>
#include <iterator>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/mutex.hpp"
#include "logql/go_time.hpp"

namespace telltale::logql {
namespace {

struct ZoneTable {
  std::vector<std::int64_t> times;
  std::vector<std::size_t> kinds;
  std::vector<ZoneOffset> offsets;
};

std::int64_t big_endian(std::string_view s, std::size_t at, std::size_t size) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < size; ++i) v = v << 8 | static_cast<unsigned char>(s[at + i]);
  if (size < 8 && (v >> (size * 8 - 1)) != 0) v |= ~std::uint64_t{0} << (size * 8);
  return static_cast<std::int64_t>(v);
}

std::optional<ZoneTable> read_table(std::string_view s) {
  constexpr std::size_t kHeader = 44;
  if (s.size() < kHeader || !s.starts_with("TZif") || s[4] < '2') return std::nullopt;
  const auto count = [&s](std::size_t base, std::size_t i) {
    return static_cast<std::size_t>(big_endian(s, base + 20 + 4 * i, 4));
  };
  // The first block has 32-bit times; the second, with 64-bit ones, follows it.
  const std::size_t second =
      kHeader + count(0, 3) * 5 + count(0, 4) * 6 + count(0, 5) + count(0, 2) * 8 + count(0, 1) + count(0, 0);
  if (second + kHeader > s.size() || s.substr(second, 4) != "TZif") return std::nullopt;
  const std::size_t times = count(second, 3);
  const std::size_t types = count(second, 4);
  const std::size_t chars = count(second, 5);
  const std::size_t at = second + kHeader;
  if (types == 0 || at + times * 9 + types * 6 + chars > s.size()) return std::nullopt;
  ZoneTable out;
  for (std::size_t i = 0; i < times; ++i) {
    out.times.push_back(big_endian(s, at + i * 8, 8));
    out.kinds.push_back(static_cast<unsigned char>(s[at + times * 8 + i]));
    if (out.kinds.back() >= types) return std::nullopt;
  }
  const std::size_t type_at = at + times * 9;
  const std::size_t names = type_at + types * 6;
  for (std::size_t i = 0; i < types; ++i) {
    ZoneOffset o;
    o.seconds = static_cast<std::int32_t>(big_endian(s, type_at + i * 6, 4));
    const std::size_t name = names + static_cast<unsigned char>(s[type_at + i * 6 + 5]);
    if (name >= names + chars) return std::nullopt;
    o.name = std::string(s.substr(name, s.find('\0', name) - name));
    out.offsets.push_back(std::move(o));
  }
  return out;
}

std::optional<ZoneTable> load_zone(std::string_view zone) {
  if (zone.empty() || zone.size() > 64 || zone[0] == '/' || zone.find("..") != std::string_view::npos)
    return std::nullopt;
  std::ifstream in("/usr/share/zoneinfo/" + std::string(zone), std::ios::binary);
  if (!in) return std::nullopt;
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return read_table(bytes);
}

const ZoneOffset& offset_of(const ZoneTable& table, std::int64_t t) {
  constexpr std::int64_t kYear = 31'556'952;
  if (table.times.empty() || t < table.times.front()) return table.offsets.front();
  // Some files end their transitions early and leave the rest to a rule.
  while (table.times.size() > 2 && t > table.times.back() + kYear) t -= kYear;
  const auto after = std::upper_bound(table.times.begin(), table.times.end(), t);
  return table.offsets[table.kinds[static_cast<std::size_t>(after - table.times.begin()) - 1]];
}

}  // namespace

std::optional<ZoneOffset> zone_offset_at(std::string_view zone, std::int64_t unix_seconds, bool wall) {
  if (zone.empty() || zone == "UTC" || zone == "Local") return ZoneOffset{0, "UTC"};
  static Mutex mutex;
  static std::unordered_map<std::string, std::optional<ZoneTable>> tables;
  MutexLock lock(mutex);
  auto found = tables.find(std::string(zone));
  if (found == tables.end()) {
    if (tables.size() > 1000) tables.clear();  // names come from queries
    found = tables.emplace(std::string(zone), load_zone(zone)).first;
  }
  if (!found->second) return std::nullopt;
  if (!wall) return offset_of(*found->second, unix_seconds);
  // Local clock to offset: with the offset guessed there, then once more.
  const ZoneOffset& guess = offset_of(*found->second, unix_seconds);
  return offset_of(*found->second, unix_seconds - guess.seconds);
}

}  // namespace telltale::logql
