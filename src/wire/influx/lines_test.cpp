#include "wire/influx/lines.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale::wire::influx {
namespace {

std::vector<std::string> read(std::string_view body, LineOptions options = {}) {
  const auto write = parse_lines(body, options);
  std::vector<std::string> out;
  std::vector<LabelView> views;
  for (const auto& s : write.series) {
    EXPECT_TRUE(labels_of(write, s, views));
    std::string line;
    for (const auto& v : views) line += std::string(v.name) + "=" + std::string(v.value) + " ";
    out.push_back(line + std::to_string(write.samples[s.first_sample].value) + "@" +
                  std::to_string(write.samples[s.first_sample].time.ms));
  }
  for (const auto& e : write.errors) out.push_back("line " + std::to_string(e.index) + ": " + e.reason);
  return out;
}

using List = std::vector<std::string>;

TEST(InfluxLines, AFieldIsASeries) {
  EXPECT_EQ(read("cpu,host=a,cpu=0 idle=1.5,busy=98i 1700000000000000000\n"),
            (List{"__name__=cpu_idle cpu=0 host=a 1.500000@1700000000000",
                  "__name__=cpu_busy cpu=0 host=a 98.000000@1700000000000"}));
  EXPECT_EQ(read("m v=1 5", {1'000'000'000, {}, "shop"}), (List{"__name__=m_v db=shop 1.000000@5000"}));
  EXPECT_EQ(read("m,db=own v=1 5", {1'000'000'000, {}, "shop"}), (List{"__name__=m_v db=own 1.000000@5000"}));
  EXPECT_EQ(read("m v=t,w=FALSE,u=3u", {1, UnixNanos::from_millis({7}), {}}),
            (List{"__name__=m_v 1.000000@7", "__name__=m_w 0.000000@7", "__name__=m_u 3.000000@7"}));
}

TEST(InfluxLines, EscapesQuotesAndComments) {
  EXPECT_EQ(read("# a comment\n\nmy\\ m\\,x,a\\ tag=v\\,1,b=c:\\dir f\\=1=2 1000000\r\n"),
            (List{"__name__=my m,x_f=1 a tag=v,1 b=c:\\dir 2.000000@1"}));
  EXPECT_EQ(read("m text=\"a, b=\\\"c\\\" \n 5\",v=1 1000000\nn v=2 2000000"),
            (List{"__name__=m_v 1.000000@1", "__name__=n_v 2.000000@2"}));
  EXPECT_EQ(read("m,empty= v=1 1000000"), (List{"__name__=m_v 1.000000@1"}));
}

TEST(InfluxLines, BadLinesAreToldByNumberAndTheRestIsKept) {
  EXPECT_EQ(read("good v=1 1000000\nm\nm,a v=1\n,a=b v=1\nm v=\nm v=abc\nm v=1 x\nm v=nan\nm v=\"open\ngood "
                 "v=2 1000000"),
            (List{"__name__=good_v 1.000000@1", "__name__=good_v 2.000000@1", "line 2: fields: missing",
                  "line 3: tag: expected name=value", "line 4: measurement: missing",
                  "line 5: field: neither a number, a boolean nor text in quotes",
                  "line 6: field: neither a number, a boolean nor text in quotes",
                  "line 7: time: expected a whole number",
                  "line 8: field: neither a number, a boolean nor text in quotes",
                  "line 9: field: a quote that is not closed"}));
  EXPECT_EQ(read("m v=1 9223372036854775807", {3'600'000'000'000, {}, {}}),
            (List{"line 1: time: out of range"}));
}

TEST(InfluxLines, AnyBytesAreRead) {
  const std::uint64_t seed = 42;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  const std::string_view alphabet = "am,= \\\"\n1i#.";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = rng.below(40); n > 0; --n) text += alphabet[rng.below(alphabet.size())];
    (void)parse_lines(text, {});
  }
}

}  // namespace
}  // namespace telltale::wire::influx
