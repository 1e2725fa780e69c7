// Every page: its address, its name, its key after `g`, and where its code is. Pages are fetched when first opened, or
// when a pointer comes near a link to them.
import type { ComponentType } from "preact";
import { lazy } from "preact/compat";
import type { IconName } from "../kit/Icon";
import type { Table } from "../lib/types";

type Load = () => Promise<{ default: ComponentType }>;
export interface PageRoute {
  path: string;
  title: string;
  load: Load;
  page: ComponentType;
  /** In the navigation, with this icon and this key after `g`. */
  nav?: { icon: IconName; key: string };
  /** The bar filters its rows, with suggestions from this table. */
  filters?: Table;
  /** Stands alone, without navigation and without a session. */
  bare?: boolean;
}

function route(path: string, title: string, load: Load, more: Pick<PageRoute, "nav" | "bare" | "filters"> = {}): PageRoute {
  return { path, title, load, page: lazy(load), ...more };
}

export const ROUTES: readonly PageRoute[] = [
  route("/", "Overview", () => import("../pages/overview"), { nav: { icon: "overview", key: "d" } }),
  route("/issues", "Issues", () => import("../pages/issues"), { nav: { icon: "issues", key: "i" }, filters: "errors" }),
  route("/issues/:id", "Issue", () => import("../pages/issue")),
  route("/logs", "Logs", () => import("../pages/logs"), { nav: { icon: "logs", key: "l" }, filters: "logs" }),
  route("/traces", "Traces", () => import("../pages/traces"), { nav: { icon: "traces", key: "t" }, filters: "spans" }),
  route("/traces/:id", "Trace", () => import("../pages/trace")),
  route("/metrics", "Metrics", () => import("../pages/metrics"), { nav: { icon: "metrics", key: "m" } }),
  route("/alerts", "Alerts", () => import("../pages/alerts"), { nav: { icon: "alerts", key: "a" } }),
  route("/settings/*?", "Settings", () => import("../pages/settings"), { nav: { icon: "settings", key: "s" } }),
  route("/kit", "Kit", () => import("../pages/kit")),
  route("/sign-in", "Sign in", () => import("../pages/sign-in"), { bare: true }),
  route("/setup", "Set up", () => import("../pages/setup"), { bare: true }),
];

export const NAV = ROUTES.filter((r): r is PageRoute & { nav: NonNullable<PageRoute["nav"]> } => r.nav !== undefined);
export const navPath = (r: PageRoute) => r.path.replace("/*?", "");

/** The route's pattern for a path, as the server counts pages: "/issues/:id". */
export function routePattern(path: string): string {
  const found = ROUTES.find((r) => {
    const form = r.path.replace(/\/\*\?$/, "(/.*)?").replace(/:\w+/g, "[^/]+");
    return new RegExp(`^${form}/?$`).test(path);
  });
  return found?.path.replace("/*?", "") ?? "other";
}

const fetched = new Set<string>();
export function prefetch(path: string): void {
  const pattern = routePattern(path);
  const found = ROUTES.find((r) => navPath(r) === pattern);
  if (!found || fetched.has(pattern)) return;
  fetched.add(pattern);
  void found.load().catch(() => fetched.delete(pattern));
}
