// ⌘K: pages, actions, what was visited lately, and what the server finds (issues, services, traces by id, metrics).
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "preact/hooks";
import { navigate } from "../lib/base";
import { Kbd } from "../kit/Button";
import { Icon, type IconName } from "../kit/Icon";
import { Dialog } from "../kit/Overlay";
import { get } from "../lib/api";
import { prefs, setPrefs } from "../lib/prefs";
import { useStore } from "../lib/store";
import { pageLink } from "../lib/url";
import { paletteOpen, recentItems } from "./palette-store";
import { NAV, navPath } from "./routes";
import { openHelp } from "./KeyHelp";

interface Entry {
  id: string;
  group: string;
  icon: IconName;
  title: string;
  note?: string;
  caps?: string[];
  run: () => void;
}
interface Found {
  issues: { id: number; short_id: string; title: string }[];
  services: (string | { service: string })[];
  traces: (string | { trace_id: string })[];
  metrics: string[];
}

const go = (path: string) => navigate(pageLink(path, location.search, ["range", "from", "to", "project"]));

function staticEntries(): Entry[] {
  const pages = NAV.map(
    (r): Entry => ({ id: r.path, group: "Pages", icon: r.nav.icon, title: r.title, caps: ["g", r.nav.key], run: () => go(navPath(r)) }),
  );
  const { density } = prefs.get();
  const dark = document.documentElement.dataset["theme"] === "dark" ? "light" : "dark";
  return [
    ...pages,
    { id: "theme", group: "Actions", icon: "moon", title: `Switch to the ${dark} theme`, run: () => setPrefs({ theme: dark }) },
    {
      id: "density",
      group: "Actions",
      icon: "logs",
      title: density === "compact" ? "More space between rows" : "More rows on the screen",
      run: () => setPrefs({ density: density === "compact" ? "comfortable" : "compact" }),
    },
    { id: "keys", group: "Actions", icon: "key", title: "Show all keys", caps: ["?"], run: openHelp },
    { id: "storage", group: "Actions", icon: "settings", title: "Storage use", run: () => go("/settings/storage") },
    { id: "dsn", group: "Actions", icon: "key", title: "Keys and addresses to send data to", run: () => go("/settings/projects") },
  ];
}

function foundEntries(found: Found | undefined): Entry[] {
  if (!found) return [];
  const name = <K extends string>(x: string | Record<K, string>, key: K) => (typeof x === "string" ? x : x[key]);
  return [
    ...found.issues.map((i): Entry => ({ id: `i${i.id}`, group: "Issues", icon: "issues", title: i.title, note: i.short_id, run: () => go(`/issues/${i.id}`) })),
    ...found.services.map((s): Entry => {
      const service = name(s, "service");
      return { id: `s${service}`, group: "Services", icon: "overview", title: service, note: "logs", run: () => go(`/logs?where=${encodeURIComponent(`service=${service}`)}`) };
    }),
    ...found.traces.map((t): Entry => {
      const id = name(t, "trace_id");
      return { id: `t${id}`, group: "Traces", icon: "traces", title: id, run: () => go(`/traces/${id}`) };
    }),
    ...found.metrics.map((m): Entry => ({ id: `m${m}`, group: "Metrics", icon: "metrics", title: m, run: () => go(`/metrics?expr=${encodeURIComponent(m)}`) })),
  ];
}

export function CommandPalette() {
  const open = useStore(paletteOpen);
  const close = () => paletteOpen.set(false);
  return (
    <Dialog title="Find anything" open={open} onClose={close} bare wide>
      <PaletteBody close={close} />
    </Dialog>
  );
}

function PaletteBody({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 120);
    return () => clearTimeout(timer);
  }, [text]);
  const search = useQuery({
    queryKey: ["search", asked],
    queryFn: ({ signal }) => get<Found>("search", { query: asked }, signal),
    enabled: asked.length >= 2,
  });
  const words = text.trim().toLowerCase();
  const recent = recentItems().map((r): Entry => ({ id: `r${r.path}`, group: "Recent", icon: "clock", title: r.title, note: r.kind, run: () => go(r.path) }));
  const own = [...recent, ...staticEntries()].filter((e) => e.title.toLowerCase().includes(words));
  const entries = words.length >= 2 ? [...own, ...foundEntries(search.data)] : own;
  const cursor = Math.min(at, entries.length - 1);

  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [cursor]);
  const run = (e: Entry | undefined) => {
    if (!e) return;
    close();
    e.run();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt((cursor + 1) % Math.max(entries.length, 1));
    else if (e.key === "ArrowUp") setAt((cursor - 1 + entries.length) % Math.max(entries.length, 1));
    else if (e.key === "Enter") run(entries[cursor]);
    else return;
    e.preventDefault();
  };
  return (
    <div class="palette">
      <div class="palette-field">
        <Icon name="search" />
        <input
          ref={field}
          class="palette-input"
          value={text}
          placeholder="Pages, issues, services, trace ids, metrics…"
          aria-label="Find anything"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={entries[cursor] ? `palette-${cursor}` : undefined}
          onInput={(e) => {
            setText(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id="palette-list" ref={list} class="palette-list" role="listbox" aria-label="Results">
        {entries.map((e, i) => (
          <div key={e.id} role="presentation">
            {entries[i - 1]?.group !== e.group && (
              <div class="palette-group" role="presentation">
                {e.group}
              </div>
            )}
            <div id={`palette-${i}`} role="option" aria-selected={i === cursor} class="palette-entry" onPointerMove={() => setAt(i)} onClick={() => run(e)}>
              <Icon name={e.icon} size={14} />
              <span class="clip grow">{e.title}</span>
              {e.note && <span class="faint">{e.note}</span>}
              {e.caps && <Kbd caps={e.caps} />}
            </div>
          </div>
        ))}
        {entries.length === 0 && <p class="palette-none muted">{search.isFetching ? "Looking…" : "Nothing has this name."}</p>}
      </div>
    </div>
  );
}
