// Where each page's code is, by the pattern of its address. Apart from everything else about pages, since what runs
// first needs only this.
import type { ComponentType } from "preact";

export type Load = () => Promise<{ default: ComponentType }>;

/** The page and what its address shows in it. */
async function logs() {
  const search = new URLSearchParams(location.search);
  const [written, patterns] = [search.get("lang") === "logql", search.get("view") === "patterns"];
  const [page] = await Promise.all([import("../pages/logs"), written && import("../pages/logs/QueryLogs"), patterns && import("../pages/logs/Patterns")]);
  await page.partsReady(written, patterns);
  return page;
}

export const LOADS = {
  "/": () => import("../pages/overview"),
  "/issues": () => import("../pages/issues"),
  "/issues/:id": () => import("../pages/issue"),
  "/logs": logs,
  "/traces": () => import("../pages/traces"),
  "/traces/:id": () => import("../pages/trace"),
  "/metrics": () => import("../pages/metrics"),
  "/alerts": () => import("../pages/alerts"),
  "/releases": () => import("../pages/releases"),
  "/releases/:version": () => import("../pages/release"),
  "/crons": () => import("../pages/crons"),
  "/feedback": () => import("../pages/feedback"),
  "/settings/*?": () => import("../pages/settings"),
  "/kit": () => import("../pages/kit"),
  "/sign-in": () => import("../pages/sign-in"),
  "/setup": () => import("../pages/setup"),
} satisfies Record<string, Load>;
export type Pattern = keyof typeof LOADS;

/** The pattern that a path has; null when there is no page. */
export function patternOf(path: string): Pattern | null {
  const found = Object.keys(LOADS).find((pattern) => {
    const form = pattern.replace(/\/\*\?$/, "(/.*)?").replace(/:\w+/g, "[^/]+");
    return new RegExp(`^${form}/?$`).test(path);
  });
  return (found as Pattern | undefined) ?? null;
}

export function pageLoad(path: string): Load | null {
  const pattern = patternOf(path);
  return pattern && LOADS[pattern];
}
