import { describe, expect, it } from "vitest";
import { keyCaps, KeyMap, keyName } from "./keys";

const binding = (keys: string) => ({ keys, label: keys, run: () => {} });
const mapOf = (...keys: string[]) => {
  const map = new KeyMap();
  map.add(keys.map(binding));
  return map;
};
const type = (map: KeyMap, ...keys: string[]) => keys.map((key, i) => map.match(key, i * 100)?.keys ?? null);

describe("matching", () => {
  it("finds one key and two in a row", () => {
    const map = mapOf("j", "g i", "g l");
    expect(type(map, "j", "g", "i", "g", "l")).toEqual(["j", null, "g i", null, "g l"]);
  });
  it("forgets a first key that takes too long or goes wrong", () => {
    const map = mapOf("g i", "i");
    map.match("g", 0);
    expect(map.match("i", 5000)?.keys).toBe("i");
    expect(type(map, "g", "x", "i")).toEqual([null, null, "i"]);
  });
  it("prefers a sequence over its last key alone", () => expect(type(mapOf("t", "g t"), "g", "t")).toEqual([null, "g t"]));
  it("lets the newest binding win until it goes", () => {
    const map = mapOf("j");
    const inner = { ...binding("j"), label: "inner" };
    const remove = map.add([inner]);
    expect(map.match("j", 0)?.label).toBe("inner");
    expect(map.list().map((b) => b.label)).toEqual(["inner"]);
    remove();
    expect(map.match("j", 0)?.label).toBe("j");
  });
});

describe("names", () => {
  const event = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  it("are what is typed", () => {
    expect(keyName(event("j"))).toBe("j");
    expect(keyName(event("?", { shiftKey: true }))).toBe("?");
    expect(keyName(event("J", { shiftKey: true }))).toBe("J");
    expect(keyName(event("J"))).toBe("j"); // caps lock
    expect(keyName(event("k", { metaKey: true }))).toBe("Mod+k");
    expect(keyName(event("ArrowLeft", { shiftKey: true }))).toBe("Shift+ArrowLeft");
  });
  it("are shown as caps", () => {
    expect(keyCaps("g i")).toEqual(["g", "i"]);
    expect(keyCaps("Mod+k", true)).toEqual(["⌘k"]);
    expect(keyCaps("t ArrowLeft", false)).toEqual(["t", "←"]);
  });
});
