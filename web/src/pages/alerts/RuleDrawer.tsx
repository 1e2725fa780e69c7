// One rule: what it says, how near its value is to the limit, and each alert that it has raised.
import { useMemo } from "preact/hooks";
import { openAround } from "../../app/AroundDrawer";
import { FieldTable } from "../../app/FieldTable";
import { Link } from "../../app/Link";
import { Ago, Badge, Button, CodeBlock, Drawer, ErrorNotice, Icon } from "../../kit";
import { Chart, type ChartSeries, formatOf, grid, onGrid, unitOfMetric } from "../../kit/chart";
import { type ActiveAlert, type ListedRule, type RuleGroup, splitLimit } from "../../lib/alerts";
import { duration, safeLink, significant } from "../../lib/format";
import type { Language } from "../../lib/log-rules";
import { isRated, metricIn, mostOf, seriesNames } from "../../lib/promql";
import { useMatrix } from "../../lib/range-query";
import { setUrl } from "../../lib/url";
import { MadeActions } from "./MadeActions";

export default function RuleDrawer({ rule: r, groups }: { rule: ListedRule | undefined; groups: readonly RuleGroup[] }) {
  if (!r) return null;
  const group = groups.find((g) => g.name === r.group);
  const runbook = safeLink(r.annotations?.["runbook_url"] ?? r.annotations?.["runbook"] ?? "");
  const annotations = Object.entries(r.annotations ?? {});
  return (
    <Drawer key={r.id} label={`Rule ${r.name}`} title={r.name} onClose={() => setUrl({ rule: null })}>
      {r.lastError && <ErrorNotice error={new Error(r.lastError)} small />}
      {(r.alerts ?? []).map((a, i) => (
        <Alert key={i} alert={a} rule={r} />
      ))}
      <section class="stack">
        <CodeBlock label="the expression" text={r.query} />
        <div class="row row-wrap">
          <Link class="btn btn-plain btn-small" to={r.language === "logql" ? `/logs?lang=logql&expr=${encodeURIComponent(splitLimit(r.query)?.expr ?? r.query)}` : `/metrics?expr=${encodeURIComponent(r.query)}`} keep={["range", "from", "to", "project"]}>
            <Icon name={r.language === "logql" ? "logs" : "metrics"} size={14} /> {r.language === "logql" ? "Open in Logs" : "Open in Metrics"}
          </Link>
          {runbook && (
            <a class="btn btn-plain btn-small" href={runbook} target="_blank" rel="noreferrer noopener">
              <Icon name="external" size={14} /> Runbook
            </a>
          )}
        </div>
      </section>
      {r.type === "alerting" && <LimitChart key={r.query} query={r.query} language={r.language ?? "promql"} />}
      {annotations.length > 0 && (
        <section>
          <h3 class="section-title">Annotations</h3>
          <FieldTable label="Annotations" fields={annotations} />
        </section>
      )}
      <section>
        <h3 class="section-title">Labels</h3>
        <FieldTable label="Labels" fields={Object.entries(r.labels ?? {})} />
      </section>
      {r.made ? <MadeActions rule={r.made} /> : <p class="faint">
        Group {r.group}
        {group && `, evaluated each ${duration(group.interval * 1000)}`}
        {r.duration ? `, fires after ${duration(r.duration * 1000)}` : r.type === "alerting" ? ", fires at once" : ""}. {r.file}
      </p>}
    </Drawer>
  );
}

function Alert({ alert: a, rule }: { alert: ActiveAlert; rule: ListedRule }) {
  const known = new Set([...Object.keys(rule.labels ?? {}), "alertname"]);
  const labels = Object.entries(a.labels).filter(([n]) => !known.has(n));
  const value = Number(a.value);
  return (
    <section class={a.state === "firing" ? "alert alert-firing" : "alert"}>
      <div class="row">
        <Badge tone={a.state === "firing" ? "bad" : "warn"}>{a.state === "firing" ? "Firing" : "Pending"}</Badge>
        <span class="muted">
          since <Ago time={a.activeAt} suffix />
        </span>
        <span class="grow" />
        <span class="num strong" title={a.value}>
          {Number.isFinite(value) ? significant(value) : a.value}
        </span>
        <Button small kind="quiet" icon="around" title="What else happened here" onClick={() => openAround(a.activeAt, a.labels["service"])}>
          Around
        </Button>
      </div>
      <p class="breakable">{a.annotations["description"] ?? a.annotations["summary"]}</p>
      {labels.length > 0 && <FieldTable label="Labels of this alert" fields={labels} />}
    </section>
  );
}

const DRAWN = 10;
/** What the rule measures, with its limit as a line; only where the expression ends in a comparison with a number. */
function LimitChart({ query, language }: { query: string; language: Language }) {
  const limit = splitLimit(query);
  const result = useMatrix(language, limit ? () => limit.expr : null, { points: 120, key: "rule" });
  const answer = result.data;
  const prepared = useMemo(() => {
    if (!answer) return { x: [] as number[], series: [] as ChartSeries[] };
    const { from, to, step } = answer;
    const x = grid(from, to, step);
    const most = mostOf(answer.matrix, DRAWN);
    const names = seriesNames(most.map((m) => m.metric), "value");
    return { x, series: most.map((m, i): ChartSeries => ({ name: names[i]!, values: onGrid(m.values, x, step) })) };
  }, [answer]);
  const thresholds = useMemo(() => (limit ? [{ value: limit.value, label: `${limit.op} ${limit.value}`, tone: "bad" as const }] : []), [query]);
  if (!limit) return null;
  if (result.error) return <ErrorNotice error={result.error} small />;
  const ratio = /\)\s*\/\s*/.test(limit.expr) && limit.value <= 1;
  const unit = ratio ? "share" : unitOfMetric(metricIn(limit.expr), isRated(limit.expr) && !/^\s*histogram_quantile/.test(limit.expr));
  return (
    <Chart title="Measured, and the limit" {...prepared} unit={unit} height={150} thresholds={thresholds} legend={prepared.series.length > 1 ? "table" : "none"} note={`limit ${limit.op} ${formatOf(unit)(limit.value)}`} />
  );
}
