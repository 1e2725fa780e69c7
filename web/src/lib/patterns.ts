// Patterns of log lines: what stands in them for whatever differs, and what they are as a filter of the message.
export const GAP = "<_>";
const OPENS = "(?s)^";
const ANY = ".+";
/** An address holds only so much. */
const LONGEST = 1500;

/** The condition `message~…` of a pattern as a filter's value. A long one is cut at a gap, and then matches a little more. */
export function patternValue(where: string): string {
  const value = where.replace(/^message!?~/, "");
  if (value.length <= LONGEST) return value;
  const cut = value.lastIndexOf(ANY, LONGEST);
  return cut > OPENS.length ? value.slice(0, cut) : value.slice(0, LONGEST).replace(/\\[^\\]*$/, "");
}

/** The pattern that a filter's expression was made of, for people to read; null for any other expression. */
export function patternOfValue(value: string): string | null {
  if (!value.startsWith(OPENS)) return null;
  const body = value.slice(OPENS.length).replace(/\$$/, "");
  return body.split(ANY).map((part) => part.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))).replace(/\\(.)/gs, "$1")).join("…");
}

/** What a pattern of JSON says; the rest of it stands behind. */
export function saidBy(pattern: string): [said: string, rest: string] {
  const found = pattern.startsWith("{") ? /"(?:message|msg|event)":\s*"((?:[^"\\]|\\.)+)"/.exec(pattern) : null;
  return found ? [found[1]!, pattern] : [pattern, ""];
}
