// An alert out of a search or a query: what is measured over the time that is shown, the limit in it, and how often it
// would have fired.
import "./make.css";
import { useMemo, useState } from "preact/hooks";
import { Button, CodeBlock, Dialog, Field, Select, toast } from "../kit";
import { Chart, type ChartSeries, grid, onGrid } from "../kit/chart";
import { post } from "../lib/api";
import { isLogQuery } from "../lib/asks";
import { plural } from "../lib/format";
import { type AlertDraft, alertExpr, hasLimit, type Language, limitOf, metricName, wouldFire } from "../lib/log-rules";
import { mostOf, seriesNames } from "../lib/promql";
import { queryClient } from "../lib/query";
import { useMatrix } from "../lib/range-query";
import { parseDuration } from "../lib/time";
import { ProjectChoice, useProjectChoice } from "./ProjectChoice";
import { HOLDS, ReceiverChoice, SEVERITIES } from "./RuleFields";

const WINDOWS = [["1m", "1 minute"], ["5m", "5 minutes"], ["15m", "15 minutes"], ["1h", "1 hour"]] as const;
const titled = (text: string) => text.split("_").map((w) => w.slice(0, 1).toUpperCase() + w.slice(1)).join("");

export default function MakeAlert({ language, query, onClose }: { language: Language; query: string; onClose: () => void }) {
  const lines = language === "logql" && isLogQuery(query);
  const [name, setName] = useState(() => (lines ? `Many${titled(metricName(query))}` : ""));
  const [limit, setLimit] = useState(lines ? "10" : "");
  const [op, setOp] = useState<">" | "<">(">");
  const [window, setWindow] = useState("5m");
  const [each, setEach] = useState("");
  const [holds, setHolds] = useState("0s");
  const [severity, setSeverity] = useState("warning");
  const [summary, setSummary] = useState("");
  const [to, setTo] = useState<readonly string[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const project = useProjectChoice();
  const draft: AlertDraft = { language, query, lines, op, limit: limit.trim() === "" ? NaN : Number(limit), window, each };
  const said = lines ? `${op === ">" ? "More" : "Fewer"} than ${draft.limit} lines in ${WINDOWS.find(([w]) => w === window)![1]}${each.trim() ? `: {{ $labels.${each.trim()} }}` : ""}` : `${name || "The query"} is {{ $value }}`;
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await post("alert-rules", {
        ...project.body, name: name.trim(), language, expr: alertExpr(draft), for: holds, severity, annotations: { summary: summary.trim() || said }, ...(to.length ? { receivers: to } : {}),
      });
    } catch (problem) {
      setError((problem as Error).message);
      return setBusy(false);
    }
    toast(`${name.trim()} watches from now on. It is among the rules on Alerts.`);
    void queryClient.invalidateQueries({ queryKey: ["rules"] });
    void queryClient.invalidateQueries({ queryKey: ["alert-rules"] });
    onClose();
  };
  return (
    <Dialog title={lines ? "Alert on these lines" : "Alert on this query"} open wide onClose={onClose}>
      <form class="make" onSubmit={(e) => void save(e)}>
        <CodeBlock label="the query" text={query} />
        {lines && (
          <>
            <div class="make-pair">
              <Select label="Fires when there are" value={op} options={[[">", "more lines than"], ["<", "fewer lines than"]]} onChange={(v) => setOp(v as ">" | "<")} />
              <Field label="Lines" type="number" value={limit} required onInput={(e) => setLimit(e.currentTarget.value)} />
            </div>
            <Select label="Counted over" value={window} options={WINDOWS} onChange={setWindow} />
            <Field label="One alert for each" value={each} placeholder="a field, such as service" hint="Empty: one alert for all of the lines." onInput={(e) => setEach(e.currentTarget.value)} />
          </>
        )}
        {!lines && !hasLimit(draft) && (
          <div class="make-pair">
            <Select label="Fires when it is" value={op} options={[[">", "over"], ["<", "under"]]} onChange={(v) => setOp(v as ">" | "<")} />
            <Field label="Limit" value={limit} required pattern="-?[0-9.]+(e-?[0-9]+)?" onInput={(e) => setLimit(e.currentTarget.value)} />
          </div>
        )}
        <Select label="Fires" value={holds} options={HOLDS} onChange={setHolds} />
        <Preview draft={draft} holdsS={(parseDuration(holds) ?? 0) / 1000} />
        <Field label="Name" value={name} required maxLength={120} placeholder="ManyTimeouts" onInput={(e) => setName(e.currentTarget.value)} />
        <Select label="Severity" value={severity} options={SEVERITIES} onChange={setSeverity} />
        <div class="make-wide">
          <Field label="What the message says" value={summary} placeholder={said} onInput={(e) => setSummary(e.currentTarget.value)} />
        </div>
        <ProjectChoice choice={project} />
        <ReceiverChoice to={to} onChange={setTo} />
        {error && (
          <p class="tone-bad make-wide breakable" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions make-wide">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy || !name.trim()}>
            Make the alert
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const DRAWN = 8;
function Preview({ draft, holdsS }: { draft: AlertDraft; holdsS: number }) {
  const { expr, op, value } = limitOf(draft);
  const result = useMatrix(draft.language, () => expr, { points: 120, counts: draft.lines, key: "alert" });
  const a = result.data;
  const { x, series, times } = useMemo(() => {
    if (!a) return { x: [] as number[], series: [] as ChartSeries[], times: 0 };
    const x = grid(a.from, a.to, a.step);
    const names = seriesNames(a.matrix.map((m) => m.metric), "measured");
    const all = a.matrix.map((m, i): ChartSeries => ({ name: names[i]!, values: onGrid(m.values, x, a.step) }));
    const most = new Set(mostOf(a.matrix, DRAWN));
    return { x, series: all.filter((_, i) => most.has(a.matrix[i]!)), times: wouldFire(all.map((s) => s.values), op, value, Math.round(holdsS / a.step)) };
  }, [a, op, value, holdsS]);
  const thresholds = useMemo(() => (Number.isFinite(value) ? [{ value, label: `${op} ${value}`, tone: "bad" as const }] : []), [op, value]);
  return (
    <div class="make-wide make-preview">
      {result.error ? (
        <p class="tone-bad breakable" role="alert">
          {(result.error as Error).message}
        </p>
      ) : (
        <>
          <Chart plain title="Measured, and the limit" x={x} series={series} unit="count" height={120} thresholds={thresholds} legend={series.length > 1 ? "line" : "none"} />
          <p class={times > 0 ? "strong" : "muted"} aria-live="polite">
            {a && Number.isFinite(value) ? (times > 0 ? `In the time shown it would have fired ${plural(times, "time")}.` : "In the time shown it would not have fired.") : ""}
          </p>
        </>
      )}
    </div>
  );
}
