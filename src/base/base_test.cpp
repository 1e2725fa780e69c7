// base/ has no oracle but published vectors and round trips; each case names its source or prints its seed.
#include <cmath>
#include <new>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/compress.hpp"
#include "base/double_scan.hpp"
#include "base/find.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/metrics.hpp"
#include "base/parallel.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "base/thread_pool.hpp"
#include "base/time.hpp"

namespace telltale {
namespace {

std::string random_bytes(Rng& rng, std::size_t size) {
  std::string s(size, '\0');
  for (char& c : s) c = static_cast<char>(rng.below(rng.chance(0.5) ? 4 : 256));
  return s;
}

TEST(Hash, crc32c_vectors) {  // RFC 3720 appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

TEST(Hash, sha256_and_hmac_vectors) {  // FIPS 180-4; RFC 4231 case 2
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Compress, round_trips_and_limits) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::string plain = random_bytes(rng, rng.below(200'000));
    for (const Codec codec :
         {Codec::identity, Codec::gzip, Codec::deflate, Codec::brotli, Codec::zstd, Codec::snappy}) {
      const std::string packed = compress(codec, plain);
      const auto back = decompress(codec, packed, plain.size());
      ASSERT_TRUE(back) << back.error().message();
      EXPECT_EQ(*back, plain);
      if (!plain.empty()) {
        const auto over = decompress(codec, packed, plain.size() - 1);
        ASSERT_FALSE(over);
        EXPECT_EQ(over.error().kind(), ErrorKind::too_large);
      }
      if (codec != Codec::identity && packed.size() > 20) {
        EXPECT_FALSE(decompress(codec, packed.substr(0, packed.size() - 3), plain.size()));
      }
      (void)decompress(codec, random_bytes(rng, 300), 1 << 20);  // any bytes: an answer, not a crash
    }
  }
}

TEST(Compress, several_gzip_members_are_one_stream) {
  EXPECT_EQ(*decompress(Codec::gzip, compress(Codec::gzip, "one ") + compress(Codec::gzip, "two"), 100),
            "one two");
}

TEST(Text, base64_and_hex) {  // RFC 4648 section 10
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(*from_base64("Zm9vYg"), "foob");
  EXPECT_FALSE(from_base64("Zm9v*g=="));
  EXPECT_EQ(*from_hex("00fF"), std::string("\0\xFF", 2));
  EXPECT_FALSE(from_hex("0g"));
}

// The fast way over ASCII agrees with the character-by-character one wherever the odd byte stands.
TEST(Text, utf8_check_agrees_with_repair) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 26);
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    if (round % 3 == 1) text.insert(at, "\xC3\xA9");
    if (round % 3 == 2 && !text.empty()) text[at] = static_cast<char>(0x80 + random() % 0x80);
    ASSERT_EQ(is_utf8(text), repair_utf8(text) == text) << "seed " << seed << " round " << round;
  }
}

TEST(Text, utf8_repair) {  // Unicode 15, table 3-8: maximal subparts become one U+FFFD each
  EXPECT_TRUE(is_utf8("h\xC3\xA9 \xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
  EXPECT_EQ(repair_utf8("\xF0\x80\x80\x41"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41");
  EXPECT_EQ(repair_utf8("\xE2\x82 x"), "\xEF\xBF\xBD x");
  for (std::uint32_t cp = 0; cp < 0x110100; ++cp) {
    std::string one;
    append_utf8(one, cp);
    ASSERT_TRUE(is_utf8(one)) << cp;
    ASSERT_EQ(one.size(), cp < 0x80 ? 1u : cp < 0x800 ? 2u : cp < 0x10000 || cp > 0x10FFFF ? 3u : 4u) << cp;
  }
  EXPECT_EQ(truncate_utf8("a\xC3\xA9", 2), "a");
}

TEST(Find, agrees_with_the_standard_library) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string text(rng.below(200), 'a');
    for (char& c : text) c = static_cast<char>('a' + rng.below(seed % 3 + 1));
    const std::size_t at = rng.below(text.size() + 1);
    std::string needle = text.substr(at, 1 + rng.below(90));
    if (needle.empty() || rng.chance(0.3)) needle += static_cast<char>('a' + rng.below(3));
    const char* const found = find_bytes(text, needle);
    const std::size_t expected = text.find(needle);
    ASSERT_EQ(found == nullptr, expected == std::string::npos);
    if (found != nullptr) {
      EXPECT_EQ(static_cast<std::size_t>(found - text.data()), expected);
    }
  }
}

TEST(Time, rfc3339) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z")->ns, 0);
  EXPECT_EQ(parse_rfc3339("2026-01-08T10:30:00.5+01:00")->ns, parse_rfc3339("2026-01-08T09:30:00.500Z")->ns);
  EXPECT_EQ(format_rfc3339({1'767'864'600'123'456'789}), "2026-01-08T09:30:00.123456789Z");
  EXPECT_EQ(format_rfc3339({-1'000'000}), "1969-12-31T23:59:59.999Z");
  for (const char* bad :
       {"", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01", "x"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
  Rng rng(7);
  for (int i = 0; i < 10'000; ++i) {
    const UnixNanos t{static_cast<std::int64_t>(rng.next() % 4'000'000'000'000'000'000)};
    EXPECT_EQ(parse_rfc3339(format_rfc3339(t))->ns, t.ns);
  }
}

TEST(Time, durations) {
  EXPECT_EQ(*parse_duration("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(*parse_duration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(format_duration(std::chrono::hours(24 * 30)), "30d");
  for (const char* bad : {"", "5", "m", "1m1h", "1m1m", "1x", "99999999999999999y"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Ids, forms) {
  const auto id = Id128::parse("4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_FALSE(Id128::parse("4bf9"));
  EXPECT_EQ(Id64::parse("00f067aa0ba902b7")->hex(), "00f067aa0ba902b7");
}

TEST(Json, escapes_and_nests) {
  JsonWriter w;
  w.begin_object()
      .field("a\"", "x\n\x01")
      .key("n")
      .begin_array()
      .integer(-1)
      .number(0.1)
      .number(1.0 / 0.0)
      .end_array();
  w.field("ok", true).end_object();
  EXPECT_EQ(w.view(), R"({"a\"":"x\n\u0001","n":[-1,0.1,null],"ok":true})");
}

TEST(Metrics, renders_text_format) {
  MetricsRegistry registry;
  registry.counter("b_total", "Things.", {{"k", "v\"\n"}}).add(3);
  registry.gauge("a", "Level.").set(1.5);
  registry.histogram("h", "Time.").observe(0.00015);
  const std::string text = registry.render();
  EXPECT_NE(text.find("# TYPE a gauge\na 1.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_total{k=\"v\\\"\\n\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("h_bucket{le=\"0.0002\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("h_bucket{le=\"+Inf\"} 1\n"), std::string::npos) << text;
}

TEST(ThreadPool, refuses_when_full_and_finishes_when_stopped) {
  std::atomic<int> done{0};
  Mutex gate;
  gate.lock();
  ThreadPool pool("test", 1, 2);
  ASSERT_TRUE(pool.submit([&] {
    const MutexLock l(gate);
    ++done;
  }));
  while (pool.queued() > 0) std::this_thread::yield();
  EXPECT_TRUE(pool.submit([&] { ++done; }));
  EXPECT_TRUE(pool.submit([&] { ++done; }));
  EXPECT_FALSE(pool.submit([&] { ++done; }));
  gate.unlock();
  pool.stop();
  EXPECT_EQ(done, 3);
  EXPECT_FALSE(pool.submit([] {}));
}

TEST(ThreadPool, keeps_threads_from_bulk_tasks) {
  Mutex gate;
  gate.lock();
  std::atomic<int> bulk{0};
  std::atomic<int> bulk_done{0};
  std::atomic<int> prompt{0};
  ThreadPool pool("test", 4, 100, {.reserved = 1});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pool.submit(
        [&] {
          ++bulk;
          const MutexLock l(gate);
          ++bulk_done;
        },
        Lane::bulk));
  }
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool.submit([&] { ++prompt; }));
  while (prompt < 10 || bulk < 3)
    std::this_thread::yield();  // they come to their end behind stuck bulk tasks
  EXPECT_EQ(bulk, 3);
  EXPECT_EQ(pool.queued(), 17U);
  gate.unlock();
  pool.stop();
  EXPECT_EQ(bulk_done, 20);

  ThreadPool one("test", 1, 10, {.reserved = 1});
  std::atomic<int> done{0};
  ASSERT_TRUE(one.submit([&] { ++done; }, Lane::bulk));
  one.stop();
  EXPECT_EQ(done, 1) << "one thread does everything";
}

TEST(ThreadPool, survives_what_tasks_throw) {
  std::vector<std::string> told;
  {
    ThreadPool pool("test", 1, 10, {.on_exception = [&](std::string_view what) { told.emplace_back(what); }});
    ASSERT_TRUE(pool.submit([] { throw std::bad_alloc(); }));
    ASSERT_TRUE(pool.submit([] { throw std::runtime_error("no"); }, Lane::bulk));
    ASSERT_TRUE(pool.submit([] { throw 1; }));
    ASSERT_TRUE(pool.submit([&] { told.emplace_back("ran"); }, Lane::bulk));
  }
  EXPECT_EQ(told, (std::vector<std::string>{"out of memory", "no", "unknown", "ran"}));
}

TEST(Parallel, an_exception_is_an_error_for_the_whole) {
  ThreadPool pool("test", 2, 20);
  for (int round = 0; round < 100; ++round) {
    const auto failed = for_each_parallel({&pool, 2}, 50, [&](std::size_t i) -> Result<> {
      if (i >= 10) throw std::bad_alloc();
      return {};
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind(), ErrorKind::resource_exhausted);
  }
}

TEST(Parallel, does_each_part_once_and_stops_at_the_first_error) {
  ThreadPool pool("test", 2, 2);
  for (const Helpers& helpers : {Helpers{}, Helpers{&pool, 2}, Helpers{&pool, 50}}) {
    std::vector<std::atomic<int>> calls(1000);
    ASSERT_TRUE(for_each_parallel(helpers, calls.size(), [&](std::size_t i) -> Result<> {
      ++calls[i];
      return {};
    }));
    EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; }));
    std::atomic<std::size_t> begun{0};
    const auto failed = for_each_parallel(helpers, 1'000'000, [&](std::size_t i) -> Result<> {
      ++begun;
      return i == 10 ? fail(ErrorKind::execution, "ten") : Result<>();
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message(), "ten");
    EXPECT_LT(begun, 1'000'000U);
  }
  // A pool that has been stopped helps nobody and harms nobody.
  pool.stop();
  std::atomic<int> done{0};
  EXPECT_TRUE(for_each_parallel({&pool, 2}, 5, [&](std::size_t) -> Result<> {
    ++done;
    return {};
  }));
  EXPECT_EQ(done, 5);
}

TEST(Json, strings_escape_what_they_must_wherever_it_stands) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    std::string text;
    for (std::size_t n = rng.below(70); n > 0; --n)
      text +=
          rng.chance(0.9) ? static_cast<char>(0x20 + rng.below(0x5f)) : static_cast<char>(rng.below(0x80));
    if (rng.chance(0.3)) text.insert(0, "\xc3\xa9");
    std::string expected = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        expected += {'\\', c};
      } else if (c == '\n' || c == '\r' || c == '\t') {
        expected += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'};
      } else if (static_cast<unsigned char>(c) < 0x20) {
        expected += "\\u00";
        expected += {"0123456789abcdef"[c / 16], "0123456789abcdef"[c % 16]};
      } else {
        expected += c;
      }
    }
    std::string out;
    append_json_string(out, text);
    EXPECT_EQ(out, expected + '"');
  }
}

TEST(DoubleScan, finds_what_a_loop_finds) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    std::vector<double> values(rng.below(40));
    double v = -3;
    for (double& x : values) {
      if (rng.chance(0.03)) v -= 1;
      x = rng.chance(0.02) ? std::nan("") : v += rng.chance(0.5) ? 0 : 0.25;
    }
    bool nan = false;
    bool falls = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      nan = nan || std::isnan(values[i]);
      falls = falls || (i > 0 && values[i] < values[i - 1]);
    }
    EXPECT_EQ(any_nan(values), nan);
    EXPECT_EQ(any_falls(values), falls);
  }
}

}  // namespace
}  // namespace telltale
