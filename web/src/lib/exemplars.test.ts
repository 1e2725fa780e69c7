import { expect, it } from "vitest";
import { drawsObservations, type ExemplarSeries, mayHaveExemplars, MOST_EXEMPLARS, pickExemplars, traceOf } from "./exemplars";

const ID = "0af7651916cd43dd8448eb211c80319c";

it("knows a trace's id by any of its names", () => {
  expect(traceOf({ trace_id: ID })).toBe(ID);
  expect(traceOf({ traceID: ID.toUpperCase() })).toBe(ID);
  expect(traceOf({ traceId: "0af76519-16cd-43dd-8448-eb211c80319c" })).toBe(ID);
  expect(traceOf({ trace_id: "../settings" })).toBeNull();
  expect(traceOf({ trace_id: "0".repeat(32) })).toBeNull();
  expect(traceOf({ user: "ada" })).toBeNull();
});

it("shows each observation once, the highest of each part of the range", () => {
  const span = { start: 0, end: 600_000 };
  const e = (timestamp: number, value: string, id = ""): ExemplarSeries["exemplars"][number] => ({ timestamp, value, labels: id ? { trace_id: id } : {} });
  const twice = [e(5, "1", ID)];
  expect(pickExemplars([{ seriesLabels: { le: "1" }, exemplars: twice }, { seriesLabels: { le: "2" }, exemplars: twice }], span)).toHaveLength(1);
  const many = Array.from({ length: 6000 }, (_, i) => e(i / 10, String(i % 100)));
  const shown = pickExemplars([{ seriesLabels: {}, exemplars: many }], span);
  expect(shown).toHaveLength(MOST_EXEMPLARS);
  expect(Math.min(...shown.map((x) => x.value))).toBe(98);
  expect(shown.map((x) => x.time)).toEqual([...shown.map((x) => x.time)].sort((a, b) => a - b));
  expect(pickExemplars([{ seriesLabels: {}, exemplars: [e(601, "1"), e(-1, "1"), e(3, "NaN")] }], span)).toEqual([]);
});

it("knows what may stand at its own height", () => {
  expect(["histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", "x", "max (x)"].map(drawsObservations)).toEqual([true, true, true]);
  expect(["rate(x_total[5m])", "sum(increase(x_total[5m]))", "count(up)"].map(drawsObservations)).toEqual([false, false, false]);
  expect(["1 + 1", "up", '{"a b"}'].map(mayHaveExemplars)).toEqual([false, true, true]);
});
