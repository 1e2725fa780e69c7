import { expect, it, vi } from "vitest";
import { leftOver, startEarly, takeEarly } from "./head-start";

it("asks for each thing once, whichever of the two is first", async () => {
  const fetched = vi.fn((_url: string) => Promise.resolve(new Response("{}")));
  vi.stubGlobal("fetch", fetched);
  startEarly("/a");
  expect(await takeEarly("/a")).toBeInstanceOf(Response);
  expect(takeEarly("/a")).toBeUndefined(); // asked for again: a request of its own
  expect(takeEarly("/b")).toBeUndefined(); // the page was first
  startEarly("/b");
  expect(fetched.mock.calls.map(([url]) => url)).toEqual(["/a"]);
  expect(leftOver()).toEqual([]);
});
