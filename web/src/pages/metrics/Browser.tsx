// Metrics without a query language: find a name, say how to look at it, narrow it by labels, split it by one. What is
// chosen becomes a query, which anyone may then change by hand.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Button, IconButton, Loaded, Segmented, Select, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import { count } from "../../lib/format";
import { buildQuery, type Built, chooseStep, families, firstWay, metricKind, rateWindow, WAYS } from "../../lib/promql";
import { metricNamesAsk } from "../../lib/asks";
import { asQuery, useRange } from "../../lib/query";

const SHOWN = 200;
const KIND_WORDS = { counter: "counter", histogram: "histogram", gauge: "gauge" };

export function Browser({ onQuery }: { onQuery: (expr: string) => void }) {
  const { start, end } = useRange();
  const [text, setText] = useState("");
  const [built, setBuilt] = useState<Built | null>(null);
  const names = useQuery({
    ...asQuery(metricNamesAsk),
    staleTime: 60_000,
  });
  const window = rateWindow(chooseStep(end - start));
  const change = (next: Built) => {
    setBuilt(next);
    onQuery(buildQuery(next, window));
  };
  const words = text.trim().toLowerCase().split(/\s+/);
  const found = useMemo(() => (text ? (names.data ?? []) : families(names.data ?? [])).filter((n) => words.every((w) => n.toLowerCase().includes(w))), [names.data, text]);
  if (built) return <Builder built={built} onChange={change} onBack={() => setBuilt(null)} />;
  return (
    <div class="browser">
      <input class="input" type="search" value={text} placeholder="Find a metric" aria-label="Find a metric" onInput={(e) => setText(e.currentTarget.value)} />
      <Loaded result={names} skeleton={<Skeleton lines={10} />}>
        {() => (
          <>
            <ul class="browser-list" aria-label="Metrics">
              {found.slice(0, SHOWN).map((name) => {
                const kind = metricKind(name);
                return (
                  <li key={name}>
                    <button type="button" class="browser-metric" title={name} onClick={() => change({ metric: name, how: firstWay(kind), by: [], filters: [] })}>
                      <span class="clip grow mono">{name}</span>
                      <span class="faint">{KIND_WORDS[kind]}</span>
                    </button>
                  </li>
                );
              })}
            </ul>
            <p class="faint browser-count">{found.length > SHOWN ? `${SHOWN} of ${count(found.length)}: type more of the name` : `${count(found.length)} metrics`}</p>
          </>
        )}
      </Loaded>
    </div>
  );
}

function Builder({ built: b, onChange, onBack }: { built: Built; onChange: (b: Built) => void; onBack: () => void }) {
  const kind = metricKind(b.metric);
  const selector = `{__name__=${JSON.stringify(b.metric)}}`;
  const labels = useQuery({
    queryKey: ["metric-labels", b.metric],
    queryFn: async ({ signal }) => (await get<{ data: string[] }>("/api/v1/labels", { "match[]": selector }, signal)).data.filter((l) => l !== "__name__" && l !== "le"),
    staleTime: 60_000,
    placeholderData: undefined,
  });
  const [adding, setAdding] = useState("");
  useEffect(() => setAdding(""), [b.metric]);
  const free = (labels.data ?? []).filter((l) => !b.filters.some((f) => f.label === l));
  const toggle = (label: string) => onChange({ ...b, by: b.by.includes(label) ? b.by.filter((l) => l !== label) : [...b.by, label] });
  return (
    <div class="browser stack">
      <div class="row">
        <IconButton small icon="left" label="All metrics" onClick={onBack} />
        <span class="mono breakable strong">{b.metric}</span>
      </div>
      <div>
        <p class="browser-head">Show</p>
        <Segmented label="Show" value={b.how} options={WAYS[kind]} onChange={(how) => onChange({ ...b, how })} />
      </div>
      {b.how !== "raw" && (
        <div>
          <p class="browser-head">Split by</p>
          <div class="row row-wrap browser-labels">
            {(labels.data ?? []).map((l) => (
              <Button key={l} small on={b.by.includes(l)} onClick={() => toggle(l)}>
                {l}
              </Button>
            ))}
          </div>
        </div>
      )}
      <div class="stack">
        <p class="browser-head">Only where</p>
        {b.filters.map((f) => (
          <div key={f.label} class="row">
            <span class="mono clip grow" title={`${f.label} = ${f.value}`}>
              {f.label} = {f.value}
            </span>
            <IconButton small icon="close" label={`Remove ${f.label}`} onClick={() => onChange({ ...b, filters: b.filters.filter((o) => o !== f) })} />
          </div>
        ))}
        {free.length > 0 && (
          <Select label="Label" hideLabel value={adding} options={[["", "a label…"], ...free.map((l) => [l, l] as const)]} onChange={setAdding} />
        )}
        {adding && (
          <LabelValues
            label={adding}
            selector={selector}
            onPick={(value) => {
              onChange({ ...b, filters: [...b.filters, { label: adding, value }] });
              setAdding("");
            }}
          />
        )}
      </div>
    </div>
  );
}

function LabelValues(p: { label: string; selector: string; onPick: (value: string) => void }) {
  const values = useQuery({
    queryKey: ["metric-label-values", p.selector, p.label],
    queryFn: async ({ signal }) => (await get<{ data: string[] }>(`/api/v1/label/${encodeURIComponent(p.label)}/values`, { "match[]": p.selector }, signal)).data,
    staleTime: 60_000,
    placeholderData: undefined,
  });
  return (
    <Loaded result={values} skeleton={<Skeleton lines={2} />}>
      {(list) => <Select label={`Value of ${p.label}`} hideLabel value="" options={[["", `value of ${p.label}…`], ...list.map((v) => [v, v || "(empty)"] as const)]} onChange={p.onPick} />}
    </Loaded>
  );
}
