// The pages' heavy parts with made-up data, for `npm run perf`: panels, log lines, a large trace. What is measured is
// what pages use; only the data is not from a server. `?case=panels|logs|trace&n=…` chooses.
import "../../src/styles/tokens.css";
import "../../src/styles/base.css";
import "../../src/styles/kit.css";
import "../../src/styles/table.css";
import "../../src/styles/overlay.css";
import "../../src/styles/frame.css";
import "../../src/pages/logs/logs.css";
import "../../src/pages/trace/trace.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "preact";
import { Chart } from "../../src/kit/chart";
import { queryClient } from "../../src/lib/query";
import type { Row } from "../../src/lib/types";
import { useTail } from "../../src/lib/tail";
import { LiveLines, LiveState } from "../../src/pages/logs/Live";
import { LogList } from "../../src/pages/logs/LogList";
import { TraceView } from "../../src/pages/trace";

declare global {
  interface Window {
    painted: number;
    expected: number;
    ready: boolean;
  }
}
const params = new URLSearchParams(location.search);
const many = (fallback: number) => Number(params.get("n") ?? fallback);
let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const NOW = Date.now();

function Panels() {
  const points = Number(params.get("points") ?? 360);
  const span = { start: NOW - points * 10_000, end: NOW };
  const x = Array.from({ length: points }, (_, i) => (span.start + i * 10_000) / 1000);
  const panels = Array.from({ length: many(30) }, (_, p) => ({
    title: `Panel ${p + 1}`,
    series: Array.from({ length: 10 }, (_, s) => {
      let v = 50 + random() * 50;
      return { name: `series ${s + 1}`, values: x.map(() => (v += random() - 0.5)) };
    }),
  }));
  window.expected = panels.length;
  return (
    <div style={{ display: "grid", gridTemplateColumns: "repeat(5, 1fr)", gap: "8px", padding: "8px" }}>
      {panels.map((p) => (
        <Chart key={p.title} title={p.title} x={x} series={p.series} span={span} height={110} legend="line" onPaint={() => window.painted++} />
      ))}
    </div>
  );
}

const LEVELS: Row["level"][] = ["info", "info", "info", "debug", "warning", "error"];
function logRows(n: number): Row[] {
  return Array.from({ length: n }, (_, i) => ({
    time: new Date(NOW - i * 37).toISOString(),
    message: i % 2 ? `GET /api/cart/${i} 200 in ${(i * 7) % 900} ms` : `{"message":"basket ${i} stored","items":${i % 9},"user":"u${i % 311}","level":"info"}`,
    level: LEVELS[i % LEVELS.length]!,
    project: 1,
    service: `service-${i % 7}`,
    trace_id: (i * 7919).toString(16).padStart(32, "0"),
    attributes: { "http.route": `/api/cart/${i % 50}` },
  }));
}
function Logs() {
  const rows = logRows(many(200_000));
  return (
    <div class="logs" style={{ height: "100vh", display: "flex", flexDirection: "column" }}>
      <LogList rows={rows} />
    </div>
  );
}

function spans(n: number): Row[] {
  const open = [{ id: "s0", start: 0, end: 60_000 }];
  const rows: Row[] = [];
  const add = (id: string, parent: string, start: number, end: number) =>
    rows.push({
      time: new Date(NOW + start).toISOString(),
      message: `operation ${id}`,
      level: "unknown",
      project: 1,
      span_id: id,
      service: `service-${Math.floor(random() * 8)}`,
      attributes: { parent_span_id: parent, duration_ns: Math.round((end - start) * 1e6), "span.op": "function", "span.status": random() < 0.01 ? "error" : "ok" },
    });
  add("s0", "", 0, 60_000);
  for (let i = 1; i < n; i++) {
    const parent = open[Math.floor(random() * open.length)]!;
    const start = parent.start + random() * (parent.end - parent.start) * 0.8;
    const end = start + random() * (parent.end - start);
    add(`s${i}`, parent.id, start, end);
    if (open.length < 400) open.push({ id: `s${i}`, start, end });
    else open[Math.floor(random() * 400)] = { id: `s${i}`, start, end };
  }
  return rows;
}
function Trace() {
  const rows = spans(many(10_000));
  return (
    <div class="page trace" style={{ height: "100vh" }}>
      <TraceView id="00000000000000000000000000000001" spans={rows} />
    </div>
  );
}

/** A server that pushes 20,000 lines a second, as the real one does: frames of text, from another thread. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: string }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;
  private readonly worker = new Worker(new URL("./pusher.ts", import.meta.url), { type: "module" });
  constructor(_url: string) {
    this.worker.onmessage = (e) => this.onmessage?.(e as { data: string });
    this.worker.postMessage({ rate: many(20_000) });
    queueMicrotask(() => this.onopen?.());
  }
  close(): void {
    this.worker.terminate();
  }
}
function TailCase() {
  if (params.get("case") === "tail") Object.assign(window, { WebSocket: FakeSocket });
  const tail = useTail("logs", {}, true, false);
  return (
    <div class="logs" style={{ height: "100vh", display: "flex", flexDirection: "column" }}>
      <LiveState tail={tail} />
      <LiveLines tail={tail} away={false} onAway={() => {}} />
    </div>
  );
}

const CASES: Record<string, () => preact.JSX.Element> = { panels: Panels, logs: Logs, trace: Trace, tail: () => <TailCase /> };
const Case = CASES[params.get("case") ?? "panels"]!;
window.painted = 0;
window.expected = 0;
// Made before the clock starts: the data is not what is measured.
const made = Case();
const content = () => made;
addEventListener("load", () => (window.ready = true));

/** Draws the case; answers milliseconds from the call to the frame after everything was painted. */
async function run(): Promise<number> {
  const began = performance.now();
  const Content = content;
  render(
    <QueryClientProvider client={queryClient}>
      <Content />
    </QueryClientProvider>,
    document.getElementById("app")!,
  );
  const frame = () => new Promise(requestAnimationFrame);
  do await frame();
  while (window.painted < window.expected && performance.now() - began < 20_000);
  await frame();
  return performance.now() - began;
}
Object.assign(window, { run });
