// How samples stand in the answers of the query API.
#include "api/prometheus/answer.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "model/histogram.hpp"

namespace telltale::api {
namespace {

std::string written(const std::vector<Sample>& samples, bool instant) {
  promql::ResultSeries series;
  for (const Sample& s : samples) {
    series.samples.push_back({s.time, s.value});
    series.histograms.push_back(s.histogram);
  }
  if (std::count(series.histograms.begin(), series.histograms.end(), nullptr) ==
      static_cast<std::ptrdiff_t>(samples.size()))
    series.histograms.clear();
  JsonWriter w;
  w.begin_object();
  write_series_samples(w, series, instant);
  w.end_object();
  return w.take();
}

Sample a_histogram(std::int64_t ms) {
  auto h = std::make_shared<Histogram>();
  h->zero_threshold = 0.75;
  h->zero_count = 1;
  h->positive_spans = {{0, 3}};
  h->positive = {2, 0, 4};
  h->negative_spans = {{1, 1}};
  h->negative = {3};
  h->count = 10;
  h->sum = -0.5;
  return {UnixMillis{ms}, h->sum, {}, h};
}

TEST(PrometheusAnswer, HistogramsAreListsOfTheirBuckets) {
  EXPECT_EQ(written({a_histogram(1500)}, true),
            R"({"histogram":[1.500,{"count":"10","sum":"-0.5","buckets":[[1,"-2","-1","3"],)"
            R"([3,"-0.75","0.75","1"],[0,"0.75","1","2"],[0,"2","4","4"]]}]})");
}

TEST(PrometheusAnswer, AnEmptyHistogramHasNoBuckets) {
  auto h = std::make_shared<Histogram>();
  EXPECT_EQ(written({{UnixMillis{0}, 0, {}, h}}, true), R"({"histogram":[0.000,{"count":"0","sum":"0"}]})");
}

TEST(PrometheusAnswer, ARangeHasBothKindsApart) {
  EXPECT_EQ(written({{UnixMillis{1000}, 1}, {UnixMillis{2000}, 2}}, false),
            R"({"values":[[1.000,"1"],[2.000,"2"]]})");
  const std::string mixed = written({{UnixMillis{1000}, 1}, a_histogram(2000)}, false);
  EXPECT_EQ(mixed.find(R"({"values":[[1.000,"1"]],"histograms":[[2.000,{"count":"10")"), 0u) << mixed;
  EXPECT_EQ(written({a_histogram(2000)}, false).find(R"({"histograms":[)"), 0u);
}

}  // namespace
}  // namespace telltale::api
