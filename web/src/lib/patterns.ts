// Patterns of log lines: what the server finds, and what each amounts to as a condition on lines.
export interface PatternAnswer {
  pattern: string;
  samples: [t: number, n: number][];
  level?: string;
}
export interface LinePattern {
  text: string;
  total: number;
  /** Share of all lines that have a pattern. */
  share: number;
  /** Lines in each step of the range. */
  trend: number[];
}
export const GAP = "<_>";

/** One entry a pattern, the most frequent first, each with its counts on one grid over the range. */
export function readPatterns(answers: readonly PatternAnswer[], start: number, end: number, buckets = 40): LinePattern[] {
  const found = new Map<string, LinePattern>();
  const step = Math.max(1, (end - start) / buckets);
  let all = 0;
  for (const { pattern, samples } of answers) {
    const p = found.get(pattern) ?? { text: pattern, total: 0, share: 0, trend: new Array<number>(buckets).fill(0) };
    found.set(pattern, p);
    for (const [t, n] of samples) {
      const at = Math.min(buckets - 1, Math.max(0, Math.floor((t * 1000 - start) / step)));
      p.trend[at]! += n;
      p.total += n;
      all += n;
    }
  }
  const list = [...found.values()].sort((a, b) => b.total - a.total);
  for (const p of list) p.share = all > 0 ? p.total / all : 0;
  return list;
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
/** The regular expression of a pattern's lines. Long ones are cut at a gap: an address holds only so much. */
export function patternRegex(pattern: string, longest = 600): string {
  const parts = pattern.split(GAP);
  let out = escaped(parts[0]!);
  for (const part of parts.slice(1)) {
    const next = `.*${escaped(part)}`;
    if (out.length + next.length > longest) break;
    out += next;
  }
  return out;
}
