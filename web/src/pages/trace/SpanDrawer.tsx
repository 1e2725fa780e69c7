// One span: its figures, its fields, and the lines and errors that were recorded while it ran.
import { useMemo, useState } from "preact/hooks";
import { openAround } from "../../app/AroundDrawer";
import { FieldTable } from "../../app/FieldTable";
import { Link } from "../../app/Link";
import { type RelatedRows } from "../../app/Related";
import { Badge, Button, CodeBlock, CopyButton, Drawer, Icon, LevelMark, Segmented } from "../../kit";
import { duration, percent, plural, shortId } from "../../lib/format";
import { allFields, lineOf } from "../../lib/message";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";
import { type SpanEvent, type SpanLink, spanParts } from "../../lib/span-parts";
import { instant, type SpanNode, type Trace } from "../../lib/trace";
import type { Row } from "../../lib/types";

const SHOWN_ELSEWHERE = new Set(["duration_ns", "parent_span_id", "span.op"]);

export function SpanDrawer(p: { node: SpanNode; trace: Trace; related: RelatedRows | undefined; onClose: () => void }) {
  const { node: n, trace } = p;
  const [tab, setTab] = useState("fields");
  const logs = (p.related?.logs ?? []).filter((r) => r.span_id === n.id);
  const { events, links } = useMemo(() => spanParts(n.row), [n.row]);
  const fields = allFields(n.row).filter(([name]) => !SHOWN_ELSEWHERE.has(name));
  const waited = n.critical.reduce((sum, [a, b]) => sum + (b - a), 0);
  const tabs: [string, string][] = [
    ["fields", "Fields"],
    ...(events.length > 0 ? [["events", `Events ${events.length}`] as [string, string]] : []),
    ...(links.length > 0 ? [["links", `Links ${links.length}`] as [string, string]] : []),
    ["logs", `Lines ${logs.length}`],
    ["json", "JSON"],
  ];
  return (
    <Drawer
      label={`Span ${n.name}`}
      title={n.name}
      onClose={p.onClose}
      actions={
        <Button small kind="quiet" icon="around" title="What else happened here" onClick={() => openAround(n.row.time, n.row.service)}>
          Around
        </Button>
      }
    >
      <div class="row row-wrap">
        {n.op && <Badge>{n.op}</Badge>}
        {n.service && <Badge tone="accent">{n.service}</Badge>}
        {n.failed && <Badge tone="bad">Failed</Badge>}
        <span class="faint mono">{n.id}</span>
        <CopyButton text={n.id} label="Copy the span's id" />
      </div>
      <dl class="span-figures">
        <Figure name="Took" value={duration(n.end - n.start)} note={`${percent((n.end - n.start) / Math.max(trace.duration, 1e-9))} of the trace`} />
        <Figure name="Of its own" value={duration(n.self)} note={n.under ? `${plural(n.under, "span")} under it` : "nothing under it"} />
        <Figure name="Waited for" value={duration(waited)} note="on the critical path" />
        <Figure name="Began" value={duration(n.start)} note="after the trace" />
      </dl>
      {n.errors.length > 0 && <Rows title="Errors" rows={n.errors} />}
      {n.errors.length > 0 &&
        p.related?.issues.map((i) => (
          <Link key={i.id} class="related-link" to={`/issues/${i.id}`} keep={["range", "from", "to", "project"]}>
            <LevelMark level={i.level} dot />
            <span class="clip">{i.title}</span>
            <span class="faint">{i.short_id}</span>
          </Link>
        ))}
      <Segmented label="Show" value={tab} options={tabs} onChange={setTab} />
      {tab === "fields" && <FieldTable label="Fields of this span" fields={fields} />}
      {tab === "events" && <Events events={events} start={n.row.time} total={Number(n.row.attributes["span.event_count"] ?? 0)} />}
      {tab === "links" && <Links links={links} />}
      {tab === "logs" && (logs.length > 0 ? <Rows title="" rows={logs} /> : <p class="faint">No line carries this span's id.</p>)}
      {tab === "json" && <CodeBlock label="JSON" text={JSON.stringify(n.row, null, 2)} />}
    </Drawer>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt class="faint">{name}</dt>
      <dd class="num strong">{value}</dd>
      <dd class="faint">{note}</dd>
    </div>
  );
}

/** What happened while the span ran: an exception, a retry, a message that was sent. */
function Events({ events, start, total }: { events: readonly SpanEvent[]; start: string; total: number }) {
  return (
    <>
      <ol class="plain-list span-parts" aria-label="Events of this span">
        {events.map((e, i) => (
          <li key={i}>
            <p class="row">
              <span class="num faint">+{duration(Math.max(0, instant(e.time) - instant(start)))}</span>
              <span class="strong breakable">{e.name}</span>
            </p>
            {e.fields.length > 0 && <FieldTable label={`Fields of ${e.name}`} fields={e.fields} />}
          </li>
        ))}
      </ol>
      {total > events.length && <p class="faint">{plural(total - events.length, "event")} more came with it; what is kept of a span's events is limited.</p>}
    </>
  );
}

/** Spans it has to do with without being their child: the message it answers, the batch it is part of. */
function Links({ links }: { links: readonly SpanLink[] }) {
  return (
    <ul class="plain-list span-parts" aria-label="Links of this span">
      {links.map((l, i) => (
        <li key={i}>
          <Link class="related-link" to={`/traces/${l.trace}${l.span ? `?span=${l.span}` : ""}`} keep={["range", "from", "to", "project"]}>
            <Icon name="traces" size={14} />
            <span>Trace {shortId(l.trace)}</span>
            <span class="faint mono">{l.span}</span>
          </Link>
          {l.fields.length > 0 && <FieldTable label="Fields of this link" fields={l.fields} />}
        </li>
      ))}
    </ul>
  );
}

function Rows({ title, rows }: { title: string; rows: readonly Row[] }) {
  const { zone } = useStore(prefs);
  return (
    <section>
      {title && <h3 class="section-title">{title}</h3>}
      <ul class="plain-list">
        {rows.map((r, i) => (
          <li key={i} class="span-line">
            <span class="num faint">{formatTime(Date.parse(r.time), zone, true)}</span>
            <LevelMark level={r.level} dot />
            <span class="mono breakable">{lineOf(r).text}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
