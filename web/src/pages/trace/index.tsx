// One trace: what took its time, where it failed, and everything that was recorded on the way.
import "./trace.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useRoute } from "wouter";
import { openAround } from "../../app/AroundDrawer";
import { panelPainted } from "../../app/measure";
import { Related, useRelated } from "../../app/Related";
import { remember } from "../../app/palette-store";
import { Badge, Button, CopyButton, IconButton, Loaded, Skeleton } from "../../kit";
import { traceAsk } from "../../lib/asks";
import { duration, plural, shortId } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { prefs } from "../../lib/prefs";
import { asQuery } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import { buildTrace, pathTo, searchSpans, type Trace, traceWords } from "../../lib/trace";
import type { Row } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { Minimap } from "./Minimap";
import { SpanDrawer } from "./SpanDrawer";
import { Waterfall, type Window } from "./Waterfall";

export default function TracePage() {
  const [, params] = useRoute("/traces/:id");
  const id = params?.id ?? "";
  const spans = useQuery({
    ...asQuery(traceAsk(id)),
    placeholderData: undefined,
    staleTime: 60_000,
  });
  return (
    <div class="page page-fill trace">
      <Loaded result={spans} skeleton={<Skeleton lines={12} />}>
        {(rows) => <TraceView key={id} id={id} spans={rows} />}
      </Loaded>
    </div>
  );
}

export function TraceView({ id, spans }: { id: string; spans: readonly Row[] }) {
  const related = useRelated(id).data;
  const began = useMemo(() => performance.now(), []);
  const trace = useMemo(() => buildTrace(spans, related?.errors), [spans, related?.errors]);
  const colors = useMemo(() => serviceColors(trace), [trace]);
  const whole = Math.max(trace.duration, 1e-6);
  const [window, setWindow] = useState<Window>([0, whole]);
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const [current, setCurrent] = useState(0);
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const opened = useParam("span");
  const open = opened ? trace.nodes.find((n) => n.id === opened) : undefined;
  const hits = useMemo(() => searchSpans(trace.nodes, text), [trace, text]);
  const hitSet = useMemo(() => new Set(hits), [hits]);

  useLayoutEffect(() => panelPainted("trace-waterfall", performance.now() - began), []);
  useEffect(() => {
    const root = trace.nodes[0];
    if (root) remember({ path: `/traces/${id}`, title: `${root.service} ${root.name}`.trim(), kind: "trace" });
  }, [id]);
  const show = (index: number) => {
    const folded = pathTo(trace.nodes, index).filter((p) => collapsed.has(p));
    if (folded.length > 0) setCollapsed(new Set([...collapsed].filter((c) => !folded.includes(c))));
    setCurrent(index);
    if (opened) setUrl({ span: trace.nodes[index]!.id }, { replace: true });
  };
  const openSpan = (index: number) => {
    setCurrent(index);
    setUrl({ span: trace.nodes[index]!.id }, { replace: opened !== "" });
  };
  const step = (by: 1 | -1) => {
    if (hits.length === 0) return;
    const next = by > 0 ? (hits.find((h) => h > current) ?? hits[0]!) : (hits.findLast((h) => h < current) ?? hits.at(-1)!);
    show(next);
  };
  const fold = (spanId: string, all = false) => setCollapsed(folded(trace, collapsed, spanId, all));
  const parents = () => new Set(trace.nodes.filter((n) => n.under > 0 && n.depth > 0).map((n) => n.id));
  useKeys([
    { keys: "/", label: "Search in the trace", group: "Trace", run: () => field.current?.focus() },
    { keys: "n", label: "Next hit", group: "Trace", run: () => step(1) },
    { keys: "N", label: "Hit before", group: "Trace", run: () => step(-1) },
    { keys: "e", label: "Next error", group: "Trace", run: () => nextError(trace, current, show) },
    { keys: "[", label: "Fold all", group: "Trace", run: () => setCollapsed(parents()) },
    { keys: "]", label: "Unfold all", group: "Trace", run: () => setCollapsed(new Set()) },
  ]);
  return (
    <>
      <TraceHead id={id} trace={trace} />
      <p class="muted trace-words">{traceWords(trace, duration)}</p>
      <Services trace={trace} colors={colors} />
      <Related traceId={id} here="trace" />
      <Minimap trace={trace} colors={colors} window={window} onWindow={setWindow} />
      <div class="row trace-bar">
        <input
          ref={field}
          class="input trace-search"
          value={text}
          placeholder="Search spans"
          aria-label="Search spans"
          onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter") step(e.shiftKey ? -1 : 1);
            if (e.key === "Escape") field.current?.blur();
          }}
        />
        <span class="faint num" aria-live="polite">
          {text && plural(hits.length, "hit")}
        </span>
        <span class="grow" />
        {(window[0] > 0 || window[1] < whole) && (
          <Button small kind="quiet" onClick={() => setWindow([0, whole])}>
            All of the time
          </Button>
        )}
        <Button small kind="quiet" onClick={() => setCollapsed(collapsed.size > 0 ? new Set() : parents())}>
          {collapsed.size > 0 ? "Unfold all" : "Fold all"}
        </Button>
        {trace.failed > 0 && (
          <IconButton small icon="issues" label="Next error" onClick={() => nextError(trace, current, show)} />
        )}
      </div>
      <Waterfall trace={trace} window={window} colors={colors} collapsed={collapsed} current={current} hits={hitSet} opened={opened} onCurrent={show} onFold={fold} onOpen={openSpan} />
      {open && <SpanDrawer key={open.id} node={open} trace={trace} related={related} onClose={() => setUrl({ span: null })} />}
    </>
  );
}

function TraceHead({ id, trace }: { id: string; trace: Trace }) {
  const { zone } = useStore(prefs);
  const root = trace.nodes[0];
  const at = new Date(trace.start).toISOString();
  return (
    <header class="page-head">
      <h1 class="clip">
        {root?.service && <span class="muted">{root.service} </span>}
        {root?.name ?? "Trace"}
      </h1>
      {trace.failed > 0 && <Badge tone="bad">{plural(trace.failed, "failed span")}</Badge>}
      <span class="grow" />
      <span class="faint num">{formatDateTime(trace.start, zone)}</span>
      <span class="faint mono wide-only" title={id}>
        {shortId(id)}
      </span>
      <CopyButton text={id} label="Copy the trace's id" />
      <Button small kind="quiet" icon="around" onClick={() => openAround(at, root?.service)}>
        Around
      </Button>
    </header>
  );
}

/** Each service's share of the time, which is also the key to the colours. */
function Services({ trace, colors }: { trace: Trace; colors: ReadonlyMap<string, string> }) {
  const total = trace.services.reduce((sum, s) => sum + s.self, 0) || 1;
  return (
    <ul class="trace-services" aria-label="Time by service">
      {trace.services.map((s) => (
        <li key={s.name} style={{ "--tone": `var(${colors.get(s.name) ?? "--data-8"})` }}>
          <i aria-hidden="true" />
          <span class="strong">{s.name || "no service"}</span>
          <span class="num muted">
            {duration(s.self)} · {Math.round((s.self / total) * 100)}% · {plural(s.spans, "span")}
          </span>
        </li>
      ))}
    </ul>
  );
}

const COLORS = 8;
/** By order of the time spent: the same service has the same colour in the whole trace. */
export const serviceColors = (trace: Trace) => new Map(trace.services.map((s, i) => [s.name, `--data-${(i % COLORS) + 1}`]));

/** Folds or unfolds a span; with `all`, every span under it, too. */
export function folded(trace: Trace, collapsed: ReadonlySet<string>, id: string, all: boolean): Set<string> {
  const next = new Set(collapsed);
  const close = !next.has(id);
  const at = trace.nodes.findIndex((n) => n.id === id);
  const under = trace.nodes[at]?.under ?? 0;
  const range = all ? trace.nodes.slice(at, at + under + 1).filter((n) => n.under > 0) : trace.nodes.slice(at, at + 1);
  for (const n of range) {
    if (close) next.add(n.id);
    else next.delete(n.id);
  }
  return next;
}

function nextError(trace: Trace, current: number, show: (index: number) => void): void {
  const wrong = trace.nodes.flatMap((n, i) => (n.failed || n.errors.length > 0 ? [i] : []));
  const next = wrong.find((i) => i > current) ?? wrong[0];
  if (next !== undefined) show(next);
}
