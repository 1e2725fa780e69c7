import { describe, expect, it } from "vitest";
import { cardinalityAsk } from "./asks";
import { dropLabelYaml, dropMetricYaml, metricOf, narrowed, pairOf, shares, worstLabel } from "./cardinality";

it("asks for whole minutes, and for a day before", () => {
  const span = { start: 3_600_500, end: 7_200_900 };
  expect(cardinalityAsk("up", "", span).query).toMatchObject({ "match[]": "up", start: 3600, end: 7260 });
  expect(cardinalityAsk("", "job", { start: 90_000_000, end: 93_600_000 }, 1).query).toMatchObject({ focusLabel: "job", start: 3600, end: 7260 });
});

it("holds counts against the day before", () => {
  const now = [{ name: "a", value: 60 }, { name: "b", value: 40 }];
  expect(shares(now, 100, [{ name: "a", value: 50 }])).toEqual([
    { name: "a", value: 60, share: 0.6, more: 10 },
    { name: "b", value: 40, share: 0.4, more: 40 },
  ]);
  expect(shares(now, 100).map((s) => s.more)).toEqual([null, null]);
  const cut = Array.from({ length: 2000 }, (_, i) => ({ name: `m${i}`, value: 1 }));
  expect(shares(now, 100, cut).map((s) => s.more)).toEqual([null, null]);
  expect(shares(now, 0)[0]!.share).toBe(0);
});

describe("a selection", () => {
  it("is narrowed by one more matcher", () => {
    expect(narrowed("", "__name__", "up")).toBe('{__name__="up"}');
    expect(narrowed("up", "job", 'a"b')).toBe('up{job="a\\"b"}');
    expect(narrowed('{__name__="up"}', "job", "x")).toBe('{__name__="up", job="x"}');
    expect(narrowed("up{}", "job", "x")).toBe('up{job="x"}');
    expect(narrowed('up{job="x"}', "job", "x")).toBe('up{job="x"}');
    expect(narrowed("", "k8s.pod", "p")).toBe('{"k8s.pod"="p"}');
  });
  it("may be of one metric", () => {
    expect(['{__name__="up"}', "up", 'up{job="x"}', '{job="x"}', "", '{__name__="a\\"b"}'].map(metricOf)).toEqual(["up", "up", "up", "", "", 'a"b']);
  });
  it("has pairs of a label and a value", () => {
    expect(pairOf("path=/a=b")).toEqual({ label: "path", value: "/a=b" });
  });
});

it("writes relabelling that YAML reads as it is meant", () => {
  expect(dropLabelYaml("pod.uid", "")).toContain("regex: 'pod\\.uid'");
  expect(dropLabelYaml("it's", "")).toContain("regex: 'it''s'");
  expect(dropLabelYaml("path", "http_requests_total")).toContain("target_label: path\n    replacement: ''");
  expect(dropMetricYaml("a_total")).toBe("metric_relabel_configs:\n  - action: drop\n    source_labels: [__name__]\n    regex: a_total\n");
});

it("names the label that multiplies series", () => {
  const status = (labels: { name: string; value: number }[]) => ({
    headStats: { numSeries: 1000, numLabelPairs: 0 }, seriesCountByMetricName: [], labelValueCountByLabelName: labels, seriesCountByLabelValuePair: [],
    seriesCountByLabelName: [{ name: "request", value: 840 }],
  });
  expect(worstLabel(status([{ name: "__name__", value: 900 }, { name: "request", value: 800 }]))).toEqual({ label: "request", text: "has 800 values and stands in 84% of these series" });
  expect(worstLabel(status([{ name: "le", value: 900 }, { name: "code", value: 5 }]))).toBeNull();
});
