// The server measures its own pages: largest paint, slowest interaction, long tasks, and what panels report, sent once
// per page as it is left. Figures only: a route's pattern, never an address.
import { request } from "../lib/api";
import { herePath } from "../lib/base";
import { routePattern } from "./routes";
import { wasSignedIn } from "./session";

interface Panel {
  name: string;
  ms: number;
}
interface Figures {
  lcp: number | null;
  inp: number | null;
  longTasks: number;
  panels: Panel[];
}
const MOST_PANELS = 50;
const fresh = (): Figures => ({ lcp: null, inp: null, longTasks: 0, panels: [] });
let figures = fresh();
let pattern = "";

/** A chart or table tells how long it took from its data to its paint. */
export function panelPainted(name: string, ms: number): void {
  if (figures.panels.length < MOST_PANELS) figures.panels.push({ name, ms: Math.round(ms * 10) / 10 });
}

function send(): void {
  const { lcp, inp, longTasks, panels } = figures;
  figures = fresh();
  if (!pattern || !wasSignedIn() || (lcp === null && inp === null && panels.length === 0)) return;
  const body = { route: pattern.replace(/:(\w+)/g, "{$1}"), ...(lcp === null ? {} : { lcp_ms: lcp }), ...(inp === null ? {} : { inp_ms: inp }), long_tasks: longTasks, panels };
  void request("ui-measurements", { method: "POST", body, quiet401: true }).catch(() => {}); // a figure lost is no harm
}

export function measurePages(): void {
  pattern = routePattern(herePath());
  const watch = (type: string, take: (entry: PerformanceEntry) => void, more: object = {}) => {
    if (!PerformanceObserver.supportedEntryTypes?.includes(type)) return;
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more } as PerformanceObserverInit);
  };
  watch("largest-contentful-paint", (e) => (figures.lcp = Math.round(e.startTime)));
  watch("longtask", () => figures.longTasks++);
  watch("event", (e) => {
    if ((e as PerformanceEventTiming & { interactionId?: number }).interactionId) figures.inp = Math.max(figures.inp ?? 0, Math.round(e.duration));
  }, { durationThreshold: 16 });
  const moved = () => {
    const now = routePattern(herePath());
    if (now === pattern) return;
    send();
    pattern = now;
  };
  for (const event of ["popstate", "pushState", "replaceState"]) addEventListener(event, moved);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
}
