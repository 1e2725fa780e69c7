// Alerts: every rule with its state, what is wrong first; and the targets that metrics are scraped from.
import "./alerts.css";
import { Suspense, lazy } from "preact/compat";
import { HereLink } from "../../app/Link";
import { Ago, Badge, CodeBlock, type Column, EmptyState, Loaded, Segmented, Skeleton, Table, Tabs, type Tone } from "../../kit";
import { type ListedRule, listRules, type RuleGroup, type RuleState, type Target, useMadeRules, useRules, useTargets } from "../../lib/alerts";
import { HAS_LOG_RULES } from "../../lib/features";
import { useListKeys } from "../../lib/cursor";
import { count, duration } from "../../lib/format";
import type { AlertRule } from "../../lib/log-rules";
import { setUrl, useParam } from "../../lib/url";

// What is opened from here, charts among it, is fetched then.
const RuleDrawer = lazy(() => import("./RuleDrawer"));
const TargetDrawer = lazy(() => import("./TargetDrawer"));

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
  const down = targets.data?.filter((t) => t.health === "down").length ?? 0;
  return (
    <div class="page page-fill alerts">
      <h1 class="hear-only">Alerts</h1>
      <Tabs
        label="Alerts"
        current={tab}
        onChange={(t) => setUrl({ tab: t === "rules" ? null : t, rule: null, target: null })}
        tabs={[
          { id: "rules", label: "Rules", ...(firing ? { count: `${firing} firing` } : {}) },
          { id: "targets", label: "Targets", ...(targets.data ? { count: down ? `${down} down` : count(targets.data.length) } : {}) },
        ]}
      />
      <div id={`panel-${tab}`} role="tabpanel" aria-label={tab === "rules" ? "Rules" : "Targets"} class="alerts-panel">
        {tab === "rules" ? (
          <Loaded result={rules} skeleton={<Skeleton lines={8} />}>
            {(groups) => <Rules groups={groups} made={made ?? []} />}
          </Loaded>
        ) : (
          <Loaded result={targets} skeleton={<Skeleton lines={8} />}>
            {(list) => <Targets targets={list} />}
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
const SCRAPE_FILE = `rule_files: ["rules/*.yml"]
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["127.0.0.1:5050"]
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

const HEALTH: Record<string, { tone: Tone; text: string }> = { up: { tone: "good", text: "Up" }, down: { tone: "bad", text: "Down" }, unknown: { tone: "neutral", text: "Not yet" } };
const TARGET_COLUMNS: Column<Target>[] = [
  { key: "health", header: "Health", width: "70px", cell: (t) => <Badge tone={HEALTH[t.health]?.tone ?? "neutral"}>{HEALTH[t.health]?.text ?? t.health}</Badge> },
  { key: "job", header: "Job", width: "minmax(90px, 160px)", cell: (t) => <HereLink class="strong row-link" patch={{ target: t.scrapeUrl }}>{t.labels["job"] ?? t.scrapePool}</HereLink> },
  { key: "url", header: "Address", width: "minmax(120px, 1fr)", cell: (t) => <span class="mono">{t.scrapeUrl}</span> },
  { key: "error", header: "Last error", width: "minmax(90px, 1fr)", wide: true, cell: (t) => (t.lastError ? <span class="tone-bad" title={t.lastError}>{t.lastError}</span> : <span class="faint">–</span>) },
  { key: "last", header: "Scraped", width: "64px", align: "end", cell: (t) => <Ago time={t.lastScrape} /> },
  { key: "took", header: "Took", width: "74px", align: "end", wide: true, cell: (t) => duration(t.lastScrapeDuration * 1000) },
  { key: "interval", header: "Every", width: "60px", align: "end", wide: true, cell: (t) => t.scrapeInterval ?? "–" },
];

function Targets({ targets }: { targets: readonly Target[] }) {
  const opened = useParam("target");
  const rows = [...targets].sort((a, b) => Number(a.health === "up") - Number(b.health === "up"));
  const open = (t: Target) => setUrl({ target: t.scrapeUrl }, { replace: opened !== "" });
  const { cursor } = useListKeys(rows, (t) => t.scrapeUrl, open);
  if (rows.length === 0) {
    return (
      <EmptyState icon="metrics" title="Nothing is scraped yet.">
        <div class="stack alerts-how">
          <p>Name a Prometheus configuration in prometheus.config_file and reload the server (POST /-/reload).</p>
          <CodeBlock label="prometheus.yml" text={SCRAPE_FILE} />
        </div>
      </EmptyState>
    );
  }
  return (
    <>
      <Table<Target> fill label="Targets" rows={rows} columns={TARGET_COLUMNS} rowKey={(t, i) => `${t.scrapePool} ${t.scrapeUrl} ${i}`} cursor={cursor} selected={(t) => t.scrapeUrl === opened} onOpen={open} />
      <Suspense fallback={null}>{opened && <TargetDrawer target={rows.find((t) => t.scrapeUrl === opened)} />}</Suspense>
    </>
  );
}
