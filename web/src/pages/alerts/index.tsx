// Alerts: every rule with its state, what is wrong first; and the targets that metrics are scraped from.
import "./alerts.css";
import { Suspense, lazy } from "preact/compat";
import { HereLink } from "../../app/Link";
import { Ago, Badge, CodeBlock, type Column, EmptyState, Loaded, Segmented, Skeleton, Table, Tabs, type Tone } from "../../kit";
import { type ListedRule, listRules, type RuleGroup, type RuleState, useMadeRules, useRules, useTargets } from "../../lib/alerts";
import { HAS_LOG_RULES } from "../../lib/features";
import { useListKeys } from "../../lib/cursor";
import { count, duration } from "../../lib/format";
import type { AlertRule } from "../../lib/log-rules";
import { setUrl, useParam } from "../../lib/url";
import { Targets } from "./Targets";

// What is opened from here, charts among it, is fetched then.
const RuleDrawer = lazy(() => import("./RuleDrawer"));

export const STATE: Record<RuleState, { tone: Tone; text: string }> = {
  firing: { tone: "bad", text: "Firing" },
  error: { tone: "warn", text: "Error" },
  pending: { tone: "warn", text: "Pending" },
  ok: { tone: "good", text: "OK" },
  paused: { tone: "neutral", text: "Paused" },
};

export default function Alerts() {
  const tab = useParam("tab") === "targets" ? "targets" : "rules";
  const rules = useRules();
  const made = useMadeRules().data;
  const targets = useTargets(true);
  const firing = rules.data ? listRules(rules.data, made).filter((r) => r.shown === "firing").length : 0;
  const down = targets.data?.activeTargets.filter((t) => t.health === "down").length ?? 0;
  return (
    <div class="page page-fill alerts">
      <h1 class="hear-only">Alerts</h1>
      <Tabs
        label="Alerts"
        current={tab}
        onChange={(t) => setUrl({ tab: t === "rules" ? null : t, rule: null, target: null, state: null, group: null, pool: null })}
        tabs={[
          { id: "rules", label: "Rules", ...(firing ? { count: `${firing} firing` } : {}) },
          { id: "targets", label: "Targets", ...(targets.data ? { count: down ? `${down} down` : count(targets.data.activeTargets.length) } : {}) },
        ]}
      />
      <div id={`panel-${tab}`} role="tabpanel" aria-label={tab === "rules" ? "Rules" : "Targets"} class="alerts-panel">
        {tab === "rules" ? (
          <Loaded result={rules} skeleton={<Skeleton lines={8} />}>
            {(groups) => <Rules groups={groups} made={made ?? []} />}
          </Loaded>
        ) : (
          <Loaded result={targets} skeleton={<Skeleton lines={8} />}>
            {(data) => <Targets data={data} />}
          </Loaded>
        )}
      </div>
    </div>
  );
}

const RULE_FILE = `groups:
  - name: shop
    rules:
      - alert: ManyErrors
        expr: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.01
        for: 5m
        labels: {severity: critical}
        annotations: {summary: "More than 1 % of requests fail"}
`;

function Rules({ groups, made }: { groups: readonly RuleGroup[]; made: readonly AlertRule[] }) {
  const all = listRules(groups, made);
  const state = useParam("state");
  const group = useParam("group");
  const opened = useParam("rule");
  const rows = all.filter((r) => (!state || r.shown === state) && (!group || r.group === group));
  const open = (r: ListedRule) => setUrl({ rule: r.id }, { replace: opened !== "" });
  const { cursor } = useListKeys(rows, (r) => r.id, open);
  if (all.length === 0) {
    return (
      <EmptyState icon="alerts" title="There are no rules yet.">
        <div class="stack alerts-how">
          {HAS_LOG_RULES && <p>Make one of a search in Logs or of a query in Metrics, under Make. Or keep rules in files:</p>}
          <p>Write a rule file as for Prometheus, name it under rule_files in the file that prometheus.config_file points to, and reload the server (POST /-/reload).</p>
          <CodeBlock label="a rule file" text={RULE_FILE} />
        </div>
      </EmptyState>
    );
  }
  const names = [...new Set(all.map((r) => r.group))];
  const many = (s: RuleState) => all.filter((r) => r.shown === s).length;
  const label = (s: RuleState) => `${STATE[s].text} ${many(s)}`;
  return (
    <>
      <div class="row row-wrap">
        <Segmented
          label="State"
          value={state}
          options={[["", `All ${all.length}`], ["firing", label("firing")], ["pending", label("pending")], ...(many("error") ? [["error", label("error")] as const] : []), ["ok", label("ok")], ...(many("paused") ? [["paused", label("paused")] as const] : [])]}
          onChange={(v) => setUrl({ state: v })}
        />
        <span class="grow" />
        {names.length > 1 && <Segmented label="Group" value={group} options={[["", "All groups"], ...names.slice(0, 6).map((n) => [n, n] as const)]} onChange={(v) => setUrl({ group: v })} />}
      </div>
      {rows.length === 0 ? (
        <EmptyState icon="check" title={`No rule is ${state || "here"}.`} />
      ) : (
        <Table<ListedRule> fill label="Rules" rows={rows} columns={RULE_COLUMNS} rowKey={(r) => r.id} cursor={cursor} selected={(r) => r.id === opened} onOpen={open} />
      )}
      <Suspense fallback={null}>{opened && <RuleDrawer rule={all.find((r) => r.id === opened)} groups={groups} />}</Suspense>
    </>
  );
}

const RULE_COLUMNS: Column<ListedRule>[] = [
  { key: "state", header: "State", width: "76px", cell: (r) => <Badge tone={r.type === "recording" && r.shown === "ok" ? "neutral" : STATE[r.shown].tone}>{r.type === "recording" && r.shown === "ok" ? "Recording" : STATE[r.shown].text}</Badge> },
  {
    key: "name",
    header: "Rule",
    width: "minmax(150px, 1fr)",
    cell: (r) => (
      <span>
        <HereLink class="strong row-link" patch={{ rule: r.id }}>
          {r.name}
        </HereLink>{" "}
        <span class="muted">{r.annotations?.["summary"]}</span>
      </span>
    ),
  },
  { key: "since", header: "Since", width: "60px", cell: (r) => (r.since ? <Ago time={r.since} /> : <span class="faint">–</span>) },
  { key: "alerts", header: "Alerts", width: "56px", align: "end", wide: true, cell: (r) => (r.alerts?.length ? count(r.alerts.length) : <span class="faint">–</span>) },
  { key: "severity", header: "Severity", width: "90px", wide: true, cell: (r) => r.labels?.["severity"] ?? <span class="faint">–</span> },
  { key: "for", header: "For", width: "56px", align: "end", wide: true, cell: (r) => (r.duration ? duration(r.duration * 1000) : <span class="faint">–</span>) },
  { key: "group", header: "Group", width: "120px", wide: true, cell: (r) => <span class="muted">{r.group}</span> },
];
