// Where series come from: the metrics, labels and pairs that most series of the range have, what is new since the day
// before, and what to do about too many. Each name narrows the selection; selection and label are in the address.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "preact/hooks";
import { HereLink, Link } from "../../app/Link";
import { useSession } from "../../app/session";
import { Button, EmptyState, Field, Loaded, Skeleton } from "../../kit";
import { cardinalityAsk } from "../../lib/asks";
import { metricOf, narrowed, pairOf, type Share, shares, type TsdbStatus } from "../../lib/cardinality";
import { count, group, percent } from "../../lib/format";
import { asQuery, useRange } from "../../lib/query";
import { type Patch, setUrl, useParam } from "../../lib/url";
import { DeleteSeries } from "./DeleteSeries";
import { WhatToDo } from "./WhatToDo";

export default function Cardinality() {
  const span = useRange();
  const select = useParam("select");
  const label = useParam("label");
  const now = useQuery({ ...asQuery(cardinalityAsk(select, label, span)), retry: false });
  const before = useQuery({ ...asQuery(cardinalityAsk(select, label, span, 1)), enabled: now.isSuccess && !now.isPlaceholderData, retry: false, placeholderData: undefined });
  // Where nothing was stored a day before everything would be new, which tells nobody anything.
  const was = before.data && before.data.headStats.numSeries > 0 ? before.data : undefined;
  const admin = useSession().data?.user?.role === "admin";
  return (
    <div class="cardinality">
      <Selection select={select} label={label} />
      <Loaded result={now} skeleton={<Skeleton lines={10} />}>
        {(status) =>
          status.headStats.numSeries === 0 ? (
            <EmptyState icon="metrics" title={select ? "No series match in this range." : "No series have samples in this range."} action={select ? <Button onClick={() => setUrl({ select: null, label: null })}>All series</Button> : undefined} />
          ) : (
            <>
              <Figures now={status} before={was} select={select} />
              <Lists now={status} before={was} select={select} label={label} />
              <WhatToDo status={status} metric={metricOf(select)} label={label} />
              {admin && select && <DeleteSeries select={select} series={status.headStats.numSeries} />}
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function Selection({ select, label }: { select: string; label: string }) {
  const [text, setText] = useState(select);
  useEffect(() => setText(select), [select]);
  const run = (e: Event) => {
    e.preventDefault();
    setUrl({ select: text.trim() });
  };
  return (
    <form class="cardinality-select" onSubmit={run}>
      <Field label="Series" value={text} placeholder={'all, or a selector: {job="shop"}'} onInput={(e) => setText(e.currentTarget.value)} />
      <Button type="submit">Select</Button>
      {(select || label) && (
        <Button kind="quiet" onClick={() => setUrl({ select: null, label: null })}>
          All series
        </Button>
      )}
      {select && <Link class="btn btn-quiet" to={`/metrics?expr=${encodeURIComponent(`count(${select})`)}`}>Count over time</Link>}
    </form>
  );
}

/** How many more than a day before. */
function More({ more }: { more: number | null }) {
  if (more === null) return <span class="faint">–</span>;
  if (more === 0) return <span class="faint">same</span>;
  return <span class={more > 0 ? "tone-warn" : "muted"}>{more > 0 ? `+${count(more)}` : `−${count(-more)}`}</span>;
}

function Figures({ now, before, select }: { now: TsdbStatus; before: TsdbStatus | undefined; select: string }) {
  const was = before?.headStats;
  const { numSeries, numLabelPairs } = now.headStats;
  const metrics = now.labelValueCountByLabelName.find((l) => l.name === "__name__")?.value ?? 0;
  return (
    <dl class="cardinality-figures">
      <div>
        <dt>{select ? "Series selected" : "Series"}</dt>
        <dd title={group(numSeries)}>
          {count(numSeries)} {was && <small><More more={numSeries - was.numSeries} /> <span class="faint">since a day before</span></small>}
        </dd>
      </div>
      <div>
        <dt>Metrics</dt>
        <dd>{count(metrics)}</dd>
      </div>
      <div>
        <dt>Pairs of label and value</dt>
        <dd title={group(numLabelPairs)}>
          {count(numLabelPairs)} {was && <small><More more={numLabelPairs - was.numLabelPairs} /></small>}
        </dd>
      </div>
    </dl>
  );
}

function Lists({ now, before, select, label }: { now: TsdbStatus; before: TsdbStatus | undefined; select: string; label: string }) {
  const total = now.headStats.numSeries;
  const metrics = shares(now.seriesCountByMetricName, total, before?.seriesCountByMetricName);
  const labels = shares(now.labelValueCountByLabelName, total, before?.labelValueCountByLabelName);
  const pairs = shares(now.seriesCountByLabelValuePair.filter((p) => pairOf(p.name).label !== "__name__"), total, before?.seriesCountByLabelValuePair);
  const values = now.seriesCountByFocusLabelValue && shares(now.seriesCountByFocusLabelValue, total, before?.seriesCountByFocusLabelValue);
  const to = (name: string, value: string): Patch => ({ select: narrowed(select, name, value) });
  const ofPair = (s: Share) => {
    const { label: name, value } = pairOf(s.name);
    return to(name, value);
  };
  return (
    <div class="cardinality-lists">
      {label && values && (
        <Counts wide title={`Values of ${label}`} first="Value" number="Series" rows={values} link={(s) => ({ ...to(label, s.name), label: null })} none={`No series here has the label ${label}.`} close={{ label: null }} />
      )}
      <Counts title="Metrics with most series" first="Metric" number="Series" rows={metrics} link={(s) => to("__name__", s.name)} />
      <Counts title="Labels with most values" first="Label" number="Values" rows={labels} link={(s) => ({ label: s.name })} current={label} />
      <Counts wide title="Pairs in most series" first="Label and value" number="Series" rows={pairs} link={ofPair} />
    </div>
  );
}

interface CountsProps {
  title: string;
  first: string;
  number: string;
  rows: readonly Share[];
  link: (row: Share) => Patch;
  none?: string;
  wide?: boolean;
  current?: string;
  close?: Patch;
}
function Counts(p: CountsProps) {
  return (
    <section class={p.wide ? "cardinality-wide" : undefined} aria-label={p.title}>
      <div class="row section-title">
        <h2 class="grow">{p.title}</h2>
        {p.close && <HereLink patch={p.close}>Close</HereLink>}
      </div>
      {p.rows.length === 0 ? (
        <p class="faint">{p.none ?? "None."}</p>
      ) : (
        <div class="counts-scroll" tabIndex={0} role="group" aria-label={`${p.title}: rows`}>
          <table class="counts">
            <thead>
              <tr>
                <th scope="col">{p.first}</th>
                <th scope="col" class="counts-share">Share</th>
                <th scope="col" class="counts-number">{p.number}</th>
                <th scope="col" class="counts-number" title="Than in the same range a day before">New</th>
              </tr>
            </thead>
            <tbody>
              {p.rows.map((row) => (
                <tr key={row.name}>
                  <th scope="row" aria-current={p.current !== undefined && p.current !== "" && p.current === row.name ? "true" : undefined}>
                    <HereLink class="clip mono row-link" patch={p.link(row)} title={row.name}>
                      {row.name || "(empty)"}
                    </HereLink>
                  </th>
                  <td class="counts-share">
                    <span class="counts-track" title={percent(row.share)} aria-hidden="true">
                      <i style={{ width: `${row.share * 100}%` }} />
                    </span>
                    <span class="hear-only">{percent(row.share)}</span>
                  </td>
                  <td title={group(row.value)}>{count(row.value)}</td>
                  <td>
                    <More more={row.more} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
