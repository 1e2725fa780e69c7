// Metrics without a query language: find a name, say how to look at it, narrow it by labels, split it by one. What is
// chosen becomes a query, which anyone may then change by hand.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Button, IconButton, Loaded, Segmented, Select, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import { count } from "../../lib/format";
import { aboutOf, buildQuery, type Built, families, firstWay, type Matcher, metadataAsk, type MetricKind, metricKind, readBuilt, WAYS } from "../../lib/metric-browser";
import { chooseStep, rateWindow } from "../../lib/promql";
import { metricNamesAsk } from "../../lib/asks";
import { asQuery, useRange } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";

const SHOWN = 200;
const KIND_WORDS: Record<MetricKind, string> = { counter: "counter", histogram: "histogram", native: "histogram", summary: "summary", gauge: "gauge" };
const KINDS = [["", "All"], ["counter", "Counters"], ["gauge", "Gauges"], ["histogram", "Histograms"]] as const;

export function Browser({ expr, onQuery }: { expr: string; onQuery: (expr: string) => void }) {
  const { start, end } = useRange();
  const text = useParam("find");
  const wanted = useParam("kind");
  const [listing, setListing] = useState(false);
  const names = useQuery({ ...asQuery(metricNamesAsk), staleTime: 60_000 });
  const { data: metadata, isFetched } = useQuery({ ...asQuery(metadataAsk), staleTime: 60_000, retry: false });
  const kindOf = (name: string) => metricKind(name, aboutOf(name, metadata));
  const window = rateWindow(chooseStep(end - start));
  const change = (next: Built) => {
    setListing(false);
    onQuery(buildQuery(next, window));
  };
  const found = useMemo(() => {
    const words = text.trim().toLowerCase().split(/\s+/);
    const says = (n: string) => `${n} ${aboutOf(n, metadata)?.help ?? ""}`.toLowerCase();
    const list = (text ? (names.data ?? []) : families(names.data ?? [])).filter((n) => words.every((w) => says(n).includes(w)));
    return wanted ? list.filter((n) => KIND_WORDS[kindOf(n)] === wanted) : list;
  }, [names.data, metadata, text, wanted]);
  // What kind a metric is may only be known with what its sender says.
  const built = listing || !isFetched ? null : readBuilt(expr, kindOf);
  if (built) return <Builder built={built} help={aboutOf(built.metric, metadata)?.help ?? ""} onChange={change} onBack={() => setListing(true)} />;
  return (
    <div class="browser">
      <input class="input" type="search" value={text} placeholder="Find a metric" aria-label="Find a metric" onInput={(e) => setUrl({ find: e.currentTarget.value }, { replace: true })} />
      <div class="browser-kinds">
        <Segmented label="Kind" value={wanted} options={KINDS} onChange={(kind) => setUrl({ kind })} />
      </div>
      <Loaded result={names} skeleton={<Skeleton lines={10} />}>
        {() => (
          <>
            <ul class="browser-list" aria-label="Metrics">
              {found.slice(0, SHOWN).map((name) => {
                const kind = kindOf(name);
                const help = aboutOf(name, metadata)?.help;
                return (
                  <li key={name}>
                    <button type="button" class="browser-metric" title={help ? `${name}: ${help}` : name} onClick={() => change({ metric: name, kind, how: firstWay(kind), by: [], filters: [] })}>
                      <span class="grow browser-name">
                        <span class="clip mono">{name}</span>
                        <span class="clip browser-help">{help ? `${KIND_WORDS[kind]} · ${help}` : KIND_WORDS[kind]}</span>
                      </span>
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

function Builder({ built: b, help, onChange, onBack }: { built: Built; help: string; onChange: (b: Built) => void; onBack: () => void }) {
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
      <p class="browser-help">
        A {KIND_WORDS[b.kind]}. {help}
      </p>
      <div>
        <p class="browser-head">Show</p>
        <Segmented label="Show" value={b.how} options={WAYS[b.kind]} onChange={(how) => onChange({ ...b, how })} />
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
          <Filter key={f.label} filter={f} onChange={(next) => onChange({ ...b, filters: b.filters.flatMap((o) => (o === f ? (next ? [next] : []) : [o])) })} />
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

function Filter({ filter: f, onChange }: { filter: Matcher; onChange: (next: Matcher | null) => void }) {
  const { not, ...plain } = f;
  return (
    <div class="row">
      <span class="mono clip grow" title={`${f.label} ${not ? "≠" : "="} ${f.value}`}>
        {f.label} {not ? "≠" : "="} {f.value || "(empty)"}
      </span>
      <Button small kind="quiet" on={not ?? false} aria-label={`Not ${f.label} ${f.value}`} title="All but this value" onClick={() => onChange(not ? plain : { ...plain, not: true })}>
        ≠
      </Button>
      <IconButton small icon="close" label={`Remove ${f.label}`} onClick={() => onChange(null)} />
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
