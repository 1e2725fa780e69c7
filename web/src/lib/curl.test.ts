import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { curlOf } from "./curl";

const plain = { method: "GET", url: "https://example.com/a", query: "", headers: [], body: "" };
/** What a shell makes of the command: curl's arguments. */
const argumentsOf = (command: string) => execFileSync("bash", ["-c", `curl() { printf '%s\\0' "$@"; }; ${command}`], { encoding: "utf8" }).split("\0").slice(0, -1);

describe("a request as curl", () => {
  it("carries what was sent", () => {
    const command = curlOf({ ...plain, method: "POST", query: "q=1", headers: [["Accept", "*/*"], ["Cookie", "secret"]], body: '{"a": "b"}' });
    expect(argumentsOf(command)).toEqual(["-X", "POST", "-H", "Accept: */*", "--data-raw", '{"a": "b"}', "--url", "https://example.com/a?q=1"]);
  });
  it("runs nothing that an attacker wrote, and reads no file for them", () => {
    const wicked = "'; echo ran; $(echo ran) `echo ran` \\";
    const command = curlOf({ method: "GET; echo ran", url: `-o /tmp/x${wicked}`, query: wicked, headers: [["@/etc/passwd", "x"], ["X", `${wicked}\r\n@/etc/passwd`]], body: `@/etc/passwd${wicked}` });
    expect(argumentsOf(command)).toEqual(["-H", `X: ${wicked} @/etc/passwd`, "--data-raw", `@/etc/passwd${wicked}`, "--url", `-o /tmp/x${wicked}?${wicked}`]);
  });
});
