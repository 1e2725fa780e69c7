import { expect, it } from "vitest";
import { costDetail, costHint, costWords, type QueryStats } from "./query-cost";

const stats = (samples: Partial<QueryStats["samples"]>, seconds = 0.048): QueryStats => ({
  timings: { evalTotalTime: seconds, resultSortTime: 0, queryPreparationTime: 0, innerEvalTime: seconds, execTotalTime: seconds },
  samples: { totalQueryableSamples: 2408, peakSamples: 1204, seriesRead: 12, samplesRead: 1204, ...samples },
});
const shown = { series: 3, points: 900 };

it("says what a query cost", () => {
  expect(costWords(stats({}), shown)).toBe("48ms · 12 series and 1,204 samples read · 900 points");
  expect(costWords(stats({ seriesRead: 1, samplesRead: 1 }), { series: 1, points: 1 })).toBe("48ms · 1 series and 1 sample read · 1 point");
  expect(costDetail(stats({}))).toContain("2,408 samples looked at");
});

it("has a hint only for what is costly", () => {
  expect(costHint(stats({}), shown)).toBeNull();
  expect(costHint(stats({ seriesRead: 40_000 }), shown)).toContain("to show 3");
  expect(costHint(stats({ samplesRead: 9e6 }), shown)).toContain("shorter range");
  expect(costHint(stats({ totalQueryableSamples: 1e6 }, 2), shown)).toContain("overlap");
  expect(costHint(stats({}, 2), shown)).toContain("slow");
});
