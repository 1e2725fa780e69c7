// Metrics that are made of log lines as they arrive: what each counts, whether anything matched, and removing one.
import { useQuery } from "@tanstack/react-query";
import { Link } from "../../app/Link";
import { useSession } from "../../app/session";
import { Ago, Badge, Button, EmptyState, Loaded } from "../../kit";
import { del, get, post } from "../../lib/api";
import { count, plural } from "../../lib/format";
import { type LogMetric, METRIC_KINDS, metricBody } from "../../lib/log-rules";
import { queryClient } from "../../lib/query";
import { useParam } from "../../lib/url";
import { runChange } from "./use-change";

const KEEP = ["range", "from", "to", "project"];

export function LogMetrics() {
  const project = useParam("project");
  const role = useSession().data?.user?.role;
  const metrics = useQuery({ queryKey: ["log-metrics", project], queryFn: async ({ signal }) => (await get<{ metrics: LogMetric[] }>("log-metrics", { project }, signal)).metrics });
  const remove = (m: LogMetric) => {
    const undo = () => void runChange(() => post("log-metrics", metricBody(m)), `${m.name} counts again.`, ["log-metrics"]);
    void runChange(() => del(`log-metrics/${m.id}`), `${m.name} counts no more. What it counted stays.`, ["log-metrics"], undo).then(() => queryClient.invalidateQueries({ queryKey: ["metric-names"] }));
  };
  return (
    <>
      <p class="muted">Numbers out of log lines, counted as they arrive and kept as long as metrics are. One is made from a search in Logs, under Make.</p>
      <Loaded result={metrics}>
        {(list) =>
          list.length === 0 ? (
            <EmptyState icon="metrics" title="No metric is made of logs yet." action={<Link class="btn btn-plain" to="/logs" keep={KEEP}>Go to Logs</Link>} />
          ) : (
            <ul class="plain-list" aria-label="Metrics of logs">
              {list.map((m) => (
                <li key={m.id} class="log-metric">
                  <div class="row row-wrap">
                    <Link class="strong mono" to={`/metrics?expr=${encodeURIComponent(m.example)}`} keep={KEEP}>
                      {m.name}
                    </Link>
                    <span class="faint">
                      {METRIC_KINDS.find(([k]) => k === m.kind)?.[1].toLowerCase()}
                      {m.field && `: ${m.field}`}
                      {m.by?.length ? `, by ${m.by.join(", ")}` : ""}
                    </span>
                    <span class="grow" />
                    {m.state.over_limit > 0 && <Badge tone="warn" title={`${count(m.state.over_limit)} lines would have made more series than allowed`}>too many series</Badge>}
                    {m.state.without_value > 0 && <Badge tone="warn" title="Lines that have no such field, or no number in it">{plural(m.state.without_value, "line")} without a value</Badge>}
                    <span class="faint num">
                      {m.state.matched > 0 ? plural(m.state.matched, "line") : "nothing yet"}
                      {m.state.last_match && (
                        <>
                          , the last <Ago time={m.state.last_match} suffix />
                        </>
                      )}
                    </span>
                    {role !== "viewer" && (
                      <Button small kind="quiet" aria-label={`Remove ${m.name}`} onClick={() => remove(m)}>
                        Remove
                      </Button>
                    )}
                  </div>
                  <Link class="mono breakable muted" to={`/logs?lang=logql&expr=${encodeURIComponent(m.query)}`} keep={KEEP} title="The lines it counts">
                    {m.query}
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}
