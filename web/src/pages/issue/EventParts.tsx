// The parts of an event below its stack: what came before it, the request, and everything it carries by name.
import { useState } from "preact/hooks";
import { Button, CodeBlock, CopyButton, LevelMark, Redacted, RedactedParts, Value } from "../../kit";
import { curlOf } from "../../lib/curl";
import type { Crumb, EventView, Pair } from "../../lib/event";
import { safeLink } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";

const CRUMBS_AT_FIRST = 12;

export function Breadcrumbs({ crumbs }: { crumbs: readonly Crumb[] }) {
  const [all, setAll] = useState(false);
  const { zone } = useStore(prefs);
  if (crumbs.length === 0) return null;
  // The newest stand next to the error they led to, at the top.
  const newest = [...crumbs].reverse();
  const shown = all ? newest : newest.slice(0, CRUMBS_AT_FIRST);
  return (
    <section class="issue-section" aria-label="Breadcrumbs">
      <header class="section-head">
        <h2>Breadcrumbs</h2>
        <span class="faint">newest first</span>
      </header>
      <ol class="crumbs">
        {shown.map((c, i) => (
          <li key={i} class="crumb">
            <span class="num faint">{Number.isNaN(Date.parse(c.time)) ? "" : formatTime(Date.parse(c.time), zone, true)}</span>
            <LevelMark level={c.level} dot />
            <span class="clip muted" title={c.category}>
              {c.category || c.type}
            </span>
            <span class="crumb-text breakable">
              {c.message ? <Redacted text={c.message} note={c.note} /> : httpWords(c)}
              {c.data.length > 0 && <CrumbData data={c.data} />}
            </span>
          </li>
        ))}
      </ol>
      {newest.length > shown.length && (
        <Button small kind="quiet" onClick={() => setAll(true)}>
          Show {newest.length - shown.length} older
        </Button>
      )}
    </section>
  );
}
function httpWords(c: Crumb): string {
  const field = (name: string) => c.data.find(([k]) => k === name)?.[1] ?? "";
  return [field("http.method") || field("method"), field("url"), field("http.response.status_code") || field("status_code")].filter(Boolean).join(" ");
}
function CrumbData({ data }: { data: readonly Pair[] }) {
  return (
    <details class="crumb-data">
      <summary>{data.length === 1 ? "1 field" : `${data.length} fields`}</summary>
      <PairList pairs={data} plain />
    </details>
  );
}

/** Names and values; each value filters, unless it is no field that can be searched (`plain`). */
export function PairList({ pairs, plain, prefix = "" }: { pairs: readonly Pair[]; plain?: boolean; prefix?: string }) {
  return (
    <dl class="pairs">
      {pairs.map(([name, value, note], i) => (
        <div key={i}>
          <dt class="clip" title={name}>
            {name}
          </dt>
          <dd class="breakable">{note ? <span class="mono"><Redacted text={value} note={note} /></span> : plain ? <Linked text={value} /> : <Value field={prefix + name} value={value} />}</dd>
        </div>
      ))}
    </dl>
  );
}
/** Text; an http(s) address becomes a link, nothing else does. */
function Linked({ text }: { text: string }) {
  const href = /^https?:\/\/\S+$/.test(text) ? safeLink(text) : null;
  if (!href) return <span class="mono">{text}</span>;
  return (
    <a class="mono" href={href} rel="noreferrer noopener" target="_blank">
      {text}
    </a>
  );
}

export function RequestPart({ event }: { event: EventView }) {
  const r = event.request;
  if (!r) return null;
  return (
    <section class="issue-section" aria-label="Request">
      <header class="section-head">
        <h2>Request</h2>
        <CopyButton text={curlOf(r)} label="Copy as curl" />
      </header>
      <p class="mono breakable">
        <span class="strong">{r.method}</span> <Redacted text={r.url} note={r.urlNote} />
        {r.query && (
          <span class="muted">
            ?<Redacted text={r.query} note={r.queryNote} />
          </span>
        )}
      </p>
      {r.body && <CodeBlock text={r.body} label="body" />}
      {r.body && <RedactedParts note={r.bodyNote} />}
      {r.headers.length > 0 && (
        <details>
          <summary class="muted">Headers ({r.headers.length})</summary>
          <PairList pairs={r.headers} plain />
        </details>
      )}
    </section>
  );
}

export function Contexts({ event }: { event: EventView }) {
  const groups = [
    { name: "user", fields: event.user },
    ...event.contexts,
    { name: "extra", fields: event.extra },
    { name: "packages", fields: event.modules },
  ].filter((g) => g.fields.length > 0);
  if (groups.length === 0) return null;
  return (
    <section class="issue-section" aria-label="Context">
      <header class="section-head">
        <h2>Context</h2>
        <span class="faint">{event.sdk}</span>
      </header>
      <div class="contexts">
        {groups.map((g) => (
          <details key={g.name} open={g.fields.length <= 8}>
            <summary class="strong">
              {g.name} <span class="faint num">{g.fields.length}</span>
            </summary>
            <PairList pairs={g.fields} plain />
          </details>
        ))}
      </div>
    </section>
  );
}
