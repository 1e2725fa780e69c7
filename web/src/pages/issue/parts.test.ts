import { describe, expect, it } from "vitest";
import { axisWords, keyStep, toBars } from "./EventBars";
import { groupFrames } from "./StackTrace";
import type { Frame } from "../../lib/event";

const HOUR = 3600;
const at = Date.UTC(2026, 0, 31, 0) / 1000;

it("fills the hours without events", () => {
  const bars = toBars([[at + HOUR, 5]], at * 1000, (at + 4 * HOUR) * 1000);
  expect(bars.map((b) => b.value)).toEqual([0, 5, 0, 0]);
});
it("joins hours until they fit, and loses none", () => {
  const hours = Array.from({ length: 720 }, (_, i): [number, number] => [at + i * HOUR, 1]);
  const bars = toBars(hours, at * 1000, (at + 720 * HOUR) * 1000);
  expect(bars.length).toBeLessThanOrEqual(72);
  expect(bars.reduce((sum, b) => sum + b.value, 0)).toBe(720);
});
it("leaves out what lies outside", () => expect(toBars([[at - HOUR, 9], [at + 9 * HOUR, 9]], at * 1000, (at + 2 * HOUR) * 1000).map((b) => b.value)).toEqual([0, 0]));

it("folds runs of library frames", () => {
  const frames = [true, false, false, true].map((inApp) => ({ inApp }) as Frame);
  expect(groupFrames(frames, false).map((g) => [g.folded, g.frames.length])).toEqual([[false, 1], [true, 2], [false, 1]]);
  expect(groupFrames(frames, true).map((g) => g.folded)).toEqual([false]);
});

describe("the bars of an issue by keyboard", () => {
  const walk = (...keys: [string, boolean?][]) => keys.reduce<{ from: number; to: number } | null>((now, [key, shift]) => keyStep(now, key, shift ?? false, 24), null);
  it("begins at the end it is asked from, moves and stays inside", () => {
    expect(walk(["ArrowLeft"])).toEqual({ from: 23, to: 23 });
    expect(walk(["ArrowRight"])).toEqual({ from: 0, to: 0 });
    expect(walk(["Home"])).toEqual({ from: 0, to: 0 });
    expect(walk(["End"])).toEqual({ from: 23, to: 23 });
    expect(walk(["ArrowLeft"], ["ArrowLeft"], ["PageDown"], ["PageDown"], ["PageDown"])).toEqual({ from: 0, to: 0 });
  });
  it("marks with Shift from where it stood", () => {
    expect(walk(["End"], ["ArrowLeft", true], ["ArrowLeft", true])).toEqual({ from: 23, to: 21 });
    expect(walk(["End"], ["ArrowLeft", true], ["ArrowLeft"])).toEqual({ from: 21, to: 21 });
    expect(keyStep(null, "x", false, 24)).toBeNull();
  });
  it("names the day under a day of bars", () => {
    const start = Date.parse("2026-11-24T19:00:00Z");
    expect(axisWords(start, start, start + 86400e3, "utc")).toBe("11-24 19:00");
    expect(axisWords(start, start, start + 3 * 3600e3, "utc")).toBe("19:00");
    expect(axisWords(start, start, start + 7 * 86400e3, "utc")).toBe("11-24");
  });
});
