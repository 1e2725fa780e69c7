import { expect, it } from "vitest";
import { crashFree, type Monitor, monitorState, releasePath } from "./health";

it("tells nearly all from all", () => {
  expect([null, undefined, 1, 0.99996, 0.9949, 0.85, 0].map(crashFree)).toEqual(["–", "–", "100%", "99.99%", "99.49%", "85.0%", "0.0%"]);
});

it("names a release in an address", () => {
  expect(releasePath("shop@2.1.0/x y")).toBe("/releases/shop%402.1.0%2Fx%20y");
});

it("is as bad as its worst environment", () => {
  const of = (...states: string[]) => ({ disabled: false, environments: states.map((state) => ({ state })) }) as unknown as Monitor;
  expect(monitorState(of()).text).toBe("Waiting");
  expect(monitorState(of("ok", "missed")).text).toBe("Missed");
  expect(monitorState(of("ok", "active")).text).toBe("OK");
  expect(monitorState({ ...of("error"), disabled: true }).text).toBe("Off");
});
