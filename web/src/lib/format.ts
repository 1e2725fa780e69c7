// Figures for people: short, aligned, never more precise than they are useful.

const SUFFIX: [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** 12345 → "12.3k"; whole numbers under 10,000 stay whole. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size < 10_000) return Number.isInteger(value) ? group(value) : significant(value);
  for (const [unit, suffix] of SUFFIX) if (size >= unit) return `${significant(value / unit)}${suffix}`;
  return group(value);
}

/** 1234567 → "1,234,567" (for titles, where the exact figure is wanted). */
export const group = (value: number) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");

/** Three significant digits without trailing noise: 12.345 → "12.3", 0.04567 → "0.0457", 1234.5 → "1235". */
export function significant(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  if (size >= 10) return trim(value.toFixed(1));
  if (size >= 1) return trim(value.toFixed(2));
  return String(Number(value.toPrecision(3)));
}
const trim = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

export const rate = (perSecond: number | null | undefined) =>
  perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)
    ? "–"
    : perSecond > 0 && perSecond < 0.1
      ? `${significant(perSecond * 60)}/min`
      : `${count(Number(significant(perSecond)))}/s`;

/** A share from 0 to 1: 0.0123 → "1.23 %". */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  return value > 0 && value < 0.01 ? "< 0.01%" : `${significant(value)}%`;
}

/** Milliseconds: 0.42 → "420µs", 12.3 → "12.3ms", 1500 → "1.5s", 90000 → "1m 30s". */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  if (ms === 0) return "0";
  if (ms < 0.001) return `${significant(ms * 1e6)}ns`;
  if (ms < 1) return `${significant(ms * 1000)}µs`;
  if (ms < 1000) return `${significant(ms)}ms`;
  if (ms < 60_000) return `${significant(ms / 1000)}s`;
  if (ms < 3600_000) return pair(ms / 1000, 60, "m", "s");
  if (ms < 86_400_000) return pair(ms / 60_000, 60, "h", "m");
  return pair(ms / 3600_000, 24, "d", "h");
}
function pair(small: number, ratio: number, big: string, little: string): string {
  const total = Math.round(small);
  const rest = total % ratio;
  return rest ? `${Math.floor(total / ratio)}${big} ${rest}${little}` : `${Math.floor(total / ratio)}${big}`;
}

/** 1536 → "1.5 KiB". */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${significant(rest)} ${units[unit]}`;
}

export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** Keeps both ends of an id: "ac2664d1…7401". */
export const shortId = (id: string, head = 8) => (id.length > head + 5 ? `${id.slice(0, head)}…${id.slice(-4)}` : id);

/** An http(s) address that may become a link; everything else, such as `javascript:`, stays text. */
export function safeLink(text: string): string | null {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
