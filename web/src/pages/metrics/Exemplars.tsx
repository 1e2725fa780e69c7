// Exemplars as dots over a chart: a dot tells what was observed and of which trace, and leads to it. One dot is in the
// order of Tab, arrows go from one to the next.
import { useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Link } from "../../app/Link";
import type { Place } from "../../kit/chart";
import { ApiError } from "../../lib/api";
import { traceAsk } from "../../lib/asks";
import type { Exemplar } from "../../lib/exemplars";
import { plural, shortId } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { asQuery } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";

interface Props {
  list: readonly Exemplar[];
  /** At their own height; else along the foot of the chart, whose lines count something else. */
  byValue: boolean;
  place: Place;
  format: (value: number) => string;
}
export function ExemplarDots({ list, byValue, place, format }: Props) {
  const { zone } = useStore(prefs);
  const [open, setOpen] = useState(-1);
  const [stop, setStop] = useState(0);
  const dots = list.flatMap((e, i) => {
    const at = place(e.time, byValue ? e.value : null);
    return at ? [{ e, i, at }] : [];
  });
  if (dots.length === 0) return null;
  const first = dots.some((d) => d.i === stop) ? stop : dots[0]!.i;
  const move = (ev: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -dots.length, End: dots.length }[ev.key];
    if (step === undefined) return;
    ev.preventDefault();
    ev.stopPropagation();
    const here = dots.findIndex((d) => d.i === first);
    const next = Math.max(0, Math.min(dots.length - 1, here + step));
    setStop(dots[next]!.i);
    (ev.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".exemplar")[next]?.focus();
  };
  const shown = dots.find((d) => d.i === open);
  return (
    <div class="exemplars" role="group" aria-label={`${plural(dots.length, "exemplar")}, arrow keys go from one to the next`} onKeyDown={move} onMouseLeave={() => setOpen(-1)}>
      {dots.map(({ e, i, at }) => {
        const told = `Exemplar ${format(e.value)} at ${formatDateTime(e.time * 1000, zone)}${e.trace ? `, trace ${shortId(e.trace)}` : ", of no trace"}`;
        const common = {
          class: `exemplar${e.trace ? "" : " exemplar-bare"}`,
          style: { left: `${at.left}px`, top: `${at.top}px` },
          tabIndex: i === first ? 0 : -1,
          "aria-label": told,
          onMouseEnter: () => setOpen(i),
          onFocus: () => (setStop(i), setOpen(i)),
          onBlur: () => setOpen(-1),
        };
        return e.trace ? <Link key={i} to={`/traces/${e.trace}`} {...(common as object)} children="" /> : <button key={i} type="button" {...common} />;
      })}
      {shown && <Tip key={shown.i} exemplar={shown.e} at={shown.at} words={formatDateTime(shown.e.time * 1000, zone)} format={format} />}
    </div>
  );
}

const TRACE_NAMES = /^trace[._]?id$/i;

function Tip({ exemplar: e, at, words, format }: { exemplar: Exemplar; at: { left: number; top: number }; words: string; format: (v: number) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const trace = useQuery({ ...asQuery(traceAsk(e.trace ?? "")), enabled: e.trace !== null, placeholderData: undefined, retry: false, staleTime: 60_000 });
  useLayoutEffect(() => {
    const el = box.current!;
    const room = el.parentElement!.parentElement!;
    const left = Math.max(0, Math.min(at.left + 10, room.clientWidth - el.offsetWidth));
    const above = at.top - el.offsetHeight - 10;
    el.style.transform = `translate(${left}px, ${above >= -40 ? above : at.top + 12}px)`;
  });
  const own = Object.entries(e.labels).filter(([name]) => !(e.trace && TRACE_NAMES.test(name)));
  const of = Object.entries(e.series).filter(([name]) => name !== "__name__");
  return (
    <div class="chart-tip exemplar-tip" ref={box} aria-hidden="true">
      <div class="row">
        <span class="num strong grow">{format(e.value)}</span>
        <span class="num muted">{words}</span>
      </div>
      {own.map(([name, value]) => (
        <div key={name} class="breakable">
          <span class="muted">{name}</span> {value}
        </div>
      ))}
      <div class="faint breakable">{[e.series["__name__"], ...of.map(([name, value]) => `${name}=${value}`)].filter(Boolean).join(" ")}</div>
      {e.trace && <div class="exemplar-trace">{traceWords(e.trace, trace.data?.length, trace.error)}</div>}
      {!e.trace && <div class="faint">It names no trace.</div>}
    </div>
  );
}

function traceWords(id: string, spans: number | undefined, error: unknown) {
  const gone = (error instanceof ApiError && error.status === 404) || spans === 0;
  if (gone) return <span class="tone-warn">Trace {shortId(id)} is not here: it was not sent, or is no longer kept</span>;
  if (spans !== undefined) return <span class="strong">Click for trace {shortId(id)}, {plural(spans, "span")}</span>;
  return <span class="muted">Trace {shortId(id)}</span>;
}
