// A metric out of a log search: its lines counted, a number in them measured, or the different values of a field. It
// counts what arrives from now on.
import "./make.css";
import { useState } from "preact/hooks";
import { Button, CodeBlock, Dialog, Field, Select } from "../kit";
import { post } from "../lib/api";
import { listOf, type LogMetric, METRIC_KINDS, metricName, type MetricKind } from "../lib/log-rules";
import { labelName } from "../lib/logql";
import { queryClient } from "../lib/query";
import { Link } from "./Link";
import { ProjectChoice, useProjectChoice } from "./ProjectChoice";

const CONVERSIONS = [["none", "a number"], ["duration_seconds", "a duration, such as 120ms"], ["bytes", "a size, such as 4MB"]] as const;
const WINDOWS = [["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"]] as const;
const ENDINGS: Record<MetricKind, string> = { counter: "_total", histogram: "", distinct: "_distinct" };

export default function MakeMetric({ query, onClose }: { query: string; onClose: () => void }) {
  const [kind, setKind] = useState<MetricKind>("counter");
  const [own, setOwn] = useState<string | null>(null);
  const name = own ?? metricName(query) + ENDINGS[kind];
  const [field, setField] = useState("");
  const [conversion, setConversion] = useState("none");
  const [window, setWindow] = useState("1d");
  const [by, setBy] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [made, setMade] = useState<LogMetric | null>(null);
  const [busy, setBusy] = useState(false);
  const project = useProjectChoice();
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    const labels = listOf(by).map(labelName);
    const body = {
      ...project.body, name, kind, query, ...(labels.length ? { by: labels } : {}),
      ...(kind === "counter" ? {} : { field: labelName(field.trim()) }), ...(kind === "histogram" ? { conversion } : {}), ...(kind === "distinct" ? { window } : {}),
    };
    try {
      setMade((await post<{ metric: LogMetric }>("log-metrics", body)).metric);
      void queryClient.invalidateQueries({ queryKey: ["log-metrics"] });
    } catch (problem) {
      setError((problem as Error).message);
    }
    setBusy(false);
  };
  return (
    <Dialog title="Make a metric of these lines" open wide onClose={onClose}>
      {made ? (
        <div class="stack" role="status">
          <p>
            <span class="mono strong">{made.name}</span> counts from now on; its first values are there within half a minute. Lines from before are not in it.
          </p>
          <CodeBlock label="a query" text={made.example} />
          <div class="dialog-actions">
            <Link class="btn btn-plain" to="/settings/log-metrics" keep={["project"]}>
              All metrics of logs
            </Link>
            <Link class="btn btn-primary" to={`/metrics?expr=${encodeURIComponent(made.example)}`} keep={["range", "project"]}>
              Open in Metrics
            </Link>
          </div>
        </div>
      ) : (
        <form class="make" onSubmit={(e) => void save(e)}>
          <CodeBlock label="the query" text={query} />
          <Select label="It says" value={kind} options={METRIC_KINDS} onChange={(v) => setKind(v as MetricKind)} />
          {kind !== "counter" && (
            <Field label={kind === "histogram" ? "The field with the number" : "The field"} value={field} required placeholder={kind === "histogram" ? "duration_ms" : "user_id"} onInput={(e) => setField(e.currentTarget.value)} />
          )}
          {kind === "histogram" && <Select label="The field holds" value={conversion} options={CONVERSIONS} onChange={setConversion} />}
          {kind === "distinct" && <Select label="Different within" value={window} options={WINDOWS} onChange={setWindow} />}
          <Field label="Name" value={name} required maxLength={200} pattern="[a-zA-Z_:][a-zA-Z0-9_:]*" hint="Letters, digits and underscores." onInput={(e) => setOwn(e.currentTarget.value)} />
          <Field label="Split by" value={by} placeholder="level, route" hint="Fields; each of their values is a series of its own." onInput={(e) => setBy(e.currentTarget.value)} />
          <ProjectChoice choice={project} />
          {error && (
            <p class="tone-bad make-wide breakable" role="alert">
              {error}
            </p>
          )}
          <div class="dialog-actions make-wide">
            <Button onClick={onClose}>Cancel</Button>
            <Button kind="primary" type="submit" disabled={busy}>
              Make the metric
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
