// What stands around every page: navigation at the left (below on a phone), and a bar with project, filters, time.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "wouter";
import { navigate } from "../lib/base";
import { IconButton, copyText } from "../kit/Button";
import { FilterBar } from "../kit/FilterBar";
import { Icon } from "../kit/Icon";
import { Menu, type MenuItem } from "../kit/Overlay";
import { TimeRange } from "../kit/TimeRange";
import { toast } from "../kit/Toasts";
import { valueActions } from "../kit/ValueMenu";
import { useKeys } from "../lib/keys";
import { useAutoRefresh, useRange } from "../lib/query";
import { pageLink, setUrl, shareLink, useParam } from "../lib/url";
import { AroundDrawer } from "./AroundDrawer";
import { openHelp, KeyHelp } from "./KeyHelp";
import { Link } from "./Link";
import { openPalette } from "./palette-store";
import { NAV, navPath, ROUTES } from "./routes";
import { useProjects, useSession } from "./session";
import { AccountMenu } from "./AccountMenu";
import { SavedMenu } from "./SavedMenu";

/** On a page without rows to filter, a value leads to those that have it. */
const elsewhere = (field: string, value: string): MenuItem[] => {
  const where = `where=${encodeURIComponent(`${field}=${value}`)}`;
  return [
    { label: "Logs with this value", icon: "logs", run: () => navigate(pageLink(`/logs?${where}`, location.search)) },
    { label: "Traces with this value", icon: "traces", run: () => navigate(pageLink(`/traces?${where}`, location.search)) },
  ];
};
/** Pages whose address can be kept under a name. */
const SAVED = new Set(["/issues", "/logs", "/traces", "/metrics"]);
const TIMELESS = new Set(["/settings", "/kit", "/releases", "/releases/:version", "/crons", "/feedback"]);

export function Frame({ pattern, children }: { pattern: string; children: ComponentChildren }) {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  useAutoRefresh();
  useKeys([
    ...NAV.map((r) => ({ keys: `g ${r.nav.key}`, label: r.title, group: "Go to", run: () => navigate(pageLink(navPath(r), location.search)) })),
    { keys: "Mod+k", label: "Find anything", group: "View", run: () => openPalette() },
    { keys: "?", label: "Keys", group: "View", run: () => openHelp() },
    { keys: "c", label: "Copy a link to this view", group: "View", run: () => void share() },
  ]);
  const { start, end } = useRange();
  const share = async () => {
    await copyText(shareLink(location.href, { start, end }));
    toast("Link copied. It shows this time range to whoever opens it.");
  };
  useEffect(() => main.current?.scrollTo({ top: 0 }), [path]);
  const table = ROUTES.find((r) => navPath(r) === pattern)?.filters;
  const language = pattern === "/issues" ? "issues" : pattern === "/traces" ? "traces" : undefined;
  useEffect(() => valueActions.set(table ? null : elsewhere), [table]);
  // A query that is written has its own field on the page.
  const written = useParam("lang") !== "";
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <SideNav pattern={pattern} />
      <div class="frame-main">
        <header class="topbar">
          <ProjectMenu />
          <div class="grow topbar-filter">{table && !written && <FilterBar key={language} table={table} language={language} />}</div>
          {!TIMELESS.has(pattern) && <TimeRange />}
          {SAVED.has(pattern) && (
            <span class="wide-only">
              <SavedMenu page={pattern} />
            </span>
          )}
          <span class="wide-only">
            <IconButton icon="share" label="Copy a link to this view" onClick={() => void share()} />
          </span>
          <span class="phone-only">
            <IconButton icon="search" label="Find anything" onClick={() => openPalette()} />
          </span>
        </header>
        <InsecureNote />
        <div class="frame-body">
          <main id="main" class="frame-page" ref={main} tabIndex={-1}>
            {children}
          </main>
          <AroundDrawer />
        </div>
      </div>
      <KeyHelp />
    </div>
  );
}

function InsecureNote() {
  const session = useSession().data;
  if (!session?.user || !session.insecure) return null;
  return (
    <p class="insecure" role="note">
      This page came over plain HTTP from another machine: passwords and data can be read on the way. Put TLS in front of the server.
    </p>
  );
}

const inSection = (pattern: string, path: string) =>
  path === "/" ? pattern === "/" : pattern === path || pattern.startsWith(`${path}/`);

function SideNav({ pattern }: { pattern: string }) {
  const list = useRef<HTMLUListElement>(null);
  // On a phone the pages lie in a row that scrolls: the open one is in sight.
  useEffect(() => {
    const row = list.current;
    const open = row?.querySelector<HTMLElement>("[aria-current]");
    if (row && open) row.scrollLeft = open.offsetLeft - (row.clientWidth - open.offsetWidth) / 2;
  }, [pattern]);
  return (
    <nav class="sidenav" aria-label="Pages">
      <Link to="/" class="brand" aria-label="Telltale: overview">
        <Mark />
        <span>Telltale</span>
      </Link>
      <button type="button" class="nav-find wide-only" onClick={() => openPalette()}>
        <Icon name="search" size={14} />
        <span class="grow">Find</span>
        <kbd>{/Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <ul ref={list}>
        {NAV.map((r) => (
          <li key={r.path} class={r.nav.key === "s" ? "nav-last" : undefined}>
            <Link to={navPath(r)} class="nav-link" aria-current={inSection(pattern, navPath(r)) ? "page" : undefined}>
              <Icon name={r.nav.icon} />
              <span>{r.title}</span>
            </Link>
          </li>
        ))}
      </ul>
      <AccountMenu />
    </nav>
  );
}

/** A yarn on a sail, streaming: what a telltale is. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg class="mark" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path class="mark-mast" d="M5 3v18" />
      <path class="mark-a" d="M5 8c4-4.500 6 3.500 10 .6C17 7.200 18.500 6.600 20.500 7" />
      <path class="mark-b" d="M5 15c3.500-3.500 5 3 8.500.6 1.500-1 2.500-1.200 3.800-.9" />
    </svg>
  );
}

function ProjectMenu() {
  const current = useParam("project");
  const projects = useProjects().data ?? [];
  const name = projects.find((p) => String(p.id) === current);
  if (projects.length <= 1 && !current) return null;
  const items = [
    { label: "All projects", checked: !current, run: () => setUrl({ project: null }) },
    ...projects.map((p) => ({ label: p.name || p.slug, checked: String(p.id) === current, run: () => setUrl({ project: String(p.id) }) })),
  ];
  return <Menu label="Project" kind="plain" items={items} button={name ? name.name || name.slug : current ? `Project ${current}` : "All projects"} />;
}
