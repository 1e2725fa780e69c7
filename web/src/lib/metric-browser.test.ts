import { describe, expect, it } from "vitest";
import { aboutOf, type Built, buildQuery, families, firstWay, metricKind, readBuilt, WAYS } from "./metric-browser";

const about = (type: string) => ({ type, help: "", unit: "" });
const kindOf = (metric: string) => metricKind(metric, metric === "native_seconds" ? about("histogram") : undefined);

describe("the browser's queries", () => {
  const b: Built = { metric: "http_requests_total", kind: "counter", how: "rate", by: [], filters: [] };
  it("fit the kind of metric", () => {
    expect(["a_total", "a_seconds_bucket", "a_bytes", "a_count"].map((n) => metricKind(n))).toEqual(["counter", "histogram", "gauge", "counter"]);
    expect(buildQuery(b, "1m")).toBe("sum (rate(http_requests_total[1m]))");
    expect(buildQuery({ ...b, by: ["status"], filters: [{ label: "job", value: "shop" }] }, "5m")).toBe('sum by (status) (rate(http_requests_total{job="shop"}[5m]))');
    expect(buildQuery({ ...b, metric: "d_bucket", kind: "histogram", how: "p95", by: ["route"] }, "1m")).toBe("histogram_quantile(0.95, sum by (le, route) (rate(d_bucket[1m])))");
    expect(buildQuery({ ...b, metric: "d_bucket", kind: "histogram" }, "1m")).toBe('sum (rate(d_bucket{le="+Inf"}[1m]))');
    expect(buildQuery({ ...b, metric: "d", kind: "native", how: "p99", by: ["a"] }, "1m")).toBe("histogram_quantile(0.99, sum by (a) (rate(d[1m])))");
    expect(buildQuery({ ...b, metric: "d", kind: "native" }, "1m")).toBe("sum (histogram_count(rate(d[1m])))");
    expect(buildQuery({ ...b, metric: "mem", kind: "gauge", how: "max", filters: [{ label: "job", value: "x", not: true }] }, "1m")).toBe('max (mem{job!="x"})');
  });
  it("quote what is not plain", () => {
    expect(buildQuery({ ...b, metric: "http.requests", kind: "gauge", how: "raw", filters: [{ label: "k8s.pod", value: 'a"b\\' }] }, "1m")).toBe('{"http.requests", "k8s.pod"="a\\"b\\\\"}');
  });
});

describe("a query", () => {
  const names = ["x_total", "http.requests", "d_seconds_bucket", "native_seconds", "mem"];
  it("is read back as it was chosen", () => {
    for (const metric of names) {
      const kind = kindOf(metric);
      for (const [how] of WAYS[kind]) {
        for (const by of [[], ["job"], ["k8s.pod", "job"]]) {
          if (how === "raw" && by.length > 0) continue;
          for (const filters of [[], [{ label: "a", value: 'x", b="\n\\' }], [{ label: "k8s.ns", value: "{}[5m])" }, { label: "c", value: "", not: true as const }]]) {
            const built: Built = { metric, kind, how, by, filters };
            expect(readBuilt(buildQuery(built, "5m"), kindOf)).toEqual(built);
          }
        }
      }
    }
  });
  it("of another kind is nobody's choice", () => {
    for (const expr of ["", "1 + 1", "rate(x_total[5m])", "x_total{a=~'b'}", "x_total offset 5m", "sum(x_total)", "sum by (a) (mem) / sum (mem)", "sum by (job) (rate(x_total[5m])) > 1", "topk(3, mem)", 'x_total{a="b"'])
      expect(readBuilt(expr, kindOf), expr).toBeNull();
  });
});

it("knows a metric by what its sender says", () => {
  const metadata = { http_requests: [about("counter")], lat: [about("histogram")], gc: [about("summary")] };
  expect(aboutOf("http_requests_total", metadata)?.type).toBe("counter");
  expect(aboutOf("other", metadata)).toBeUndefined();
  expect([metricKind("lat", about("histogram")), metricKind("gc", about("summary")), metricKind("calls", about("counter")), metricKind("gc_count", about("summary"))]).toEqual(["native", "summary", "counter", "counter"]);
  expect([firstWay("native"), firstWay("gauge"), firstWay("counter")]).toEqual(["p95", "raw", "rate"]);
});

it("leaves out what comes along with another metric", () => {
  expect(families(["d_bucket", "d_count", "d_sum", "d_created", "a_total", "a_created", "b_count", "c_created"])).toEqual(["d_bucket", "a_total", "b_count", "c_created"]);
});
