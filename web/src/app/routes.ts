// Every page: its address, its name, its key after `g`, and where its code is. Pages are fetched when first opened, or
// when a pointer comes near a link to them.
import type { ComponentType } from "preact";
import type { IconName } from "../kit/Icon";
import type { Table } from "../lib/types";
import { lazyPage } from "./lazy-page";
import { LOADS, type Pattern, patternOf } from "./loads";

export interface PageRoute {
  path: Pattern;
  title: string;
  page: ComponentType;
  ready: () => Promise<void>;
  /** In the navigation, with this icon and this key after `g`. */
  nav?: { icon: IconName; key: string };
  /** The bar filters its rows, with suggestions from this table. */
  filters?: Table;
  /** Stands alone, without navigation and without a session. */
  bare?: boolean;
}

function route(path: Pattern, title: string, more: Pick<PageRoute, "nav" | "bare" | "filters"> = {}): PageRoute {
  return { path, title, ...lazyPage(LOADS[path]), ...more };
}

export const ROUTES: readonly PageRoute[] = [
  route("/", "Overview", { nav: { icon: "overview", key: "d" } }),
  route("/issues", "Issues", { nav: { icon: "issues", key: "i" }, filters: "errors" }),
  route("/issues/:id", "Issue"),
  route("/logs", "Logs", { nav: { icon: "logs", key: "l" }, filters: "logs" }),
  route("/traces", "Traces", { nav: { icon: "traces", key: "t" }, filters: "spans" }),
  route("/traces/:id", "Trace"),
  route("/metrics", "Metrics", { nav: { icon: "metrics", key: "m" } }),
  route("/alerts", "Alerts", { nav: { icon: "alerts", key: "a" } }),
  route("/releases", "Releases", { nav: { icon: "flag", key: "r" } }),
  route("/releases/:version", "Release"),
  route("/crons", "Crons", { nav: { icon: "clock", key: "c" } }),
  route("/feedback", "Feedback", { nav: { icon: "user", key: "f" } }),
  route("/settings/*?", "Settings", { nav: { icon: "settings", key: "s" } }),
  route("/kit", "Kit"),
  route("/sign-in", "Sign in", { bare: true }),
  route("/setup", "Set up", { bare: true }),
];

export const NAV = ROUTES.filter((r): r is PageRoute & { nav: NonNullable<PageRoute["nav"]> } => r.nav !== undefined);
export const navPath = (r: PageRoute) => r.path.replace("/*?", "");

/** The route's pattern for a path, as the server counts pages: "/issues/:id". */
export const routePattern = (path: string) => patternOf(path)?.replace("/*?", "") ?? "other";

const routeOf = (path: string) => ROUTES.find((r) => navPath(r) === routePattern(path));

/** Fetches a page's code, for when it is opened. */
export const prefetch = (path: string): void => void routeOf(path)?.ready();
/** Until the page's code is there, or cannot be had. */
export const pageReady = (path: string): Promise<void> => routeOf(path)?.ready() ?? Promise.resolve();
