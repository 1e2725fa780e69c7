// What else the request of an event did: where its time went, and the lines it logged, with the error among them.
import "./request.css";
import { useState } from "preact/hooks";
import { Link } from "../../app/Link";
import { useRelated } from "../../app/Related";
import { Button, LevelMark } from "../../kit";
import { linesAround, previewSpans } from "../../lib/event-choice";
import { duration, plural } from "../../lib/format";
import { lineOf } from "../../lib/message";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";
import { buildTrace, instant } from "../../lib/trace";
import type { Row } from "../../lib/types";

const LINES = 12;
const SPANS = 8;
const KEEP = ["range", "from", "to", "project"];

export default function SameRequest({ row }: { row: Row }) {
  const found = useRelated(row.trace_id, row.request_id).data;
  if (!found) return null;
  return (
    <>
      {row.trace_id && found.spans.length > 0 && <TracePreview row={row} spans={found.spans} errors={found.errors} />}
      {found.logs.length > 0 && <Lines row={row} logs={found.logs} />}
    </>
  );
}

function TracePreview({ row, spans, errors }: { row: Row; spans: readonly Row[]; errors: readonly Row[] }) {
  const trace = buildTrace(spans, errors);
  const shown = previewSpans(trace, row.span_id, SPANS);
  const whole = Math.max(trace.duration, 0.001);
  const link = `/traces/${row.trace_id}`;
  return (
    <section class="issue-section" aria-label="Trace">
      <header class="section-head">
        <h2>Trace</h2>
        <span class="faint num">
          {plural(trace.nodes.length, "span")}, {duration(trace.duration)}
        </span>
        <Link class="btn btn-small btn-plain" to={link} keep={KEEP}>
          Open the trace
        </Link>
      </header>
      <ol class="plain-list trace-preview">
        {shown.map((n) => (
          <li key={n.id} class={n.id === row.span_id ? "here" : ""}>
            <Link class="preview-span" to={`${link}?span=${n.id}`} keep={KEEP} title={`${n.op} ${n.name}`}>
              <span class="clip preview-name" style={{ paddingLeft: `${Math.min(n.depth, 6) * 10}px` }}>
                {n.failed && <LevelMark level="error" dot />} {n.op && <span class="faint">{n.op}</span>} {n.name}
              </span>
              <span class="preview-track" aria-hidden="true">
                <i class={n.failed ? "failed" : ""} style={{ left: `${(n.start / whole) * 100}%`, width: `${Math.max(((n.end - n.start) / whole) * 100, 0.5)}%` }} />
              </span>
              <span class="num faint">{duration(n.end - n.start)}</span>
            </Link>
          </li>
        ))}
      </ol>
      {trace.nodes.length > shown.length && <p class="faint">{plural(trace.nodes.length - shown.length, "shorter span")} not shown</p>}
    </section>
  );
}

function Lines({ row, logs }: { row: Row; logs: readonly Row[] }) {
  const [all, setAll] = useState(false);
  const { zone } = useStore(prefs);
  const at = instant(row.time);
  const ordered = [...logs].sort((a, b) => instant(a.time) - instant(b.time));
  const shown = all ? ordered : linesAround(ordered, at, LINES);
  const before = shown.filter((l) => instant(l.time) <= at).length;
  const where = row.trace_id ? `trace_id=${row.trace_id}` : `request_id=${row.request_id}`;
  const line = (l: Row, i: number) => (
    <li key={i} class="request-line">
      <span class="num faint">{formatTime(Date.parse(l.time), zone, true)}</span>
      <LevelMark level={l.level} dot />
      <span class="clip muted" title={l.service}>
        {l.service}
      </span>
      <span class="mono breakable">{lineOf(l).text}</span>
    </li>
  );
  return (
    <section class="issue-section" aria-label="Log lines of the same request">
      <header class="section-head">
        <h2>Log lines of the same request</h2>
        <Link class="btn btn-small btn-plain" to={`/logs?where=${encodeURIComponent(where)}`} keep={KEEP}>
          Open in Logs
        </Link>
      </header>
      <ol class="plain-list request-lines">
        {shown.slice(0, before).map(line)}
        <li class="request-line request-here">
          <span class="num">{formatTime(Date.parse(row.time), zone, true)}</span>
          <LevelMark level={row.level} dot />
          <span class="strong grow">this error</span>
        </li>
        {shown.slice(before).map((l, i) => line(l, before + i))}
      </ol>
      {shown.length < ordered.length && (
        <Button small kind="quiet" onClick={() => setAll(true)}>
          Show all {ordered.length} lines
        </Button>
      )}
    </section>
  );
}
