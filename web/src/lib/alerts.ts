// Rules and targets as Prometheus' API gives them, and what the alerts page makes of them.
import { useQuery } from "@tanstack/react-query";
import { alertRulesAsk, rulesAsk, targetsAsk } from "./asks";
import { HAS_LOG_RULES } from "./features";
import type { AlertRule, Language } from "./log-rules";
import { asQuery, useNow } from "./query";
import { parseDuration } from "./time";

export interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
  activeAt: string;
  value: string;
}
export interface Rule {
  origin?: "file" | "api";
  language?: Language;
  /** Of rules that were made here. */
  id?: number;
  name: string;
  query: string;
  type: "alerting" | "recording";
  health: string;
  lastError?: string;
  lastEvaluation?: string;
  evaluationTime?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Seconds. */
  duration?: number;
  state?: string;
  alerts?: ActiveAlert[];
}
export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  rules: Rule[];
}
export interface Target {
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  health: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  scrapeInterval?: string;
  scrapeTimeout?: string;
  discoveredLabels?: Record<string, string>;
}
export interface DroppedTarget {
  scrapePool: string;
  discoveredLabels: Record<string, string>;
}
/** What is scraped, what relabelling leaves out (the first of it by name, all of it as a count), and jobs that cannot run. */
export interface TargetsData {
  activeTargets: Target[];
  droppedTargets: DroppedTarget[];
  droppedTargetCounts: Record<string, number>;
  disabledPools: { scrapePool: string; reason: string }[];
}
/** The server's own host is a target without an address. */
export const isLocal = (t: Target) => t.scrapeUrl.startsWith("local:");

export type RuleState = "firing" | "pending" | "error" | "ok" | "paused";
export interface ListedRule extends Omit<Rule, "id"> {
  id: string;
  /** Of a rule that was made here: what it is called in the API. */
  made?: AlertRule;
  group: string;
  file: string;
  shown: RuleState;
  since: string | null;
}
const RANK: Record<RuleState, number> = { firing: 0, error: 1, pending: 2, ok: 3, paused: 4 };

export const ruleState = (r: Pick<Rule, "health" | "state">): RuleState => (r.health === "err" ? "error" : r.state === "firing" ? "firing" : r.state === "pending" ? "pending" : "ok");

/** Since when the rule is in its state: its oldest alert of that state. */
export function ruleSince(r: Rule): string | null {
  const times = (r.alerts ?? []).filter((a) => a.state === r.state).map((a) => a.activeAt);
  return times.length > 0 ? times.reduce((a, b) => (a < b ? a : b)) : null;
}

/** A rule that was made here, as those of files are. */
function listMade(m: AlertRule): ListedRule {
  const alerts = m.status.alerts.map((a) => ({ labels: a.labels, annotations: a.annotations, state: a.state, value: String(a.value ?? ""), activeAt: a.active_at }));
  const rule: Rule = { name: m.name, query: m.expr, type: "alerting", health: m.status.health, state: m.status.state, labels: { ...m.labels, ...(m.severity ? { severity: m.severity } : {}) }, annotations: m.annotations, duration: (parseDuration(m.for) ?? 0) / 1000, alerts, language: m.language, ...(m.status.last_error ? { lastError: m.status.last_error } : {}) };
  return { ...rule, id: `made/${m.id}`, made: m, group: MADE, file: "", shown: m.paused ? "paused" : ruleState(rule), since: ruleSince(rule) } as ListedRule;
}
/** What stands for a group of rules that were made here. */
export const MADE = "made here";

/** All rules, what is wrong first; those that were made here are known better than their group says. */
export function listRules(groups: readonly RuleGroup[], made: readonly AlertRule[] = []): ListedRule[] {
  const files = groups.flatMap((g) => g.rules.map((r, i) => ({ ...r, id: `${g.name}/${r.name}/${i}`, group: g.name, file: g.file, shown: ruleState(r), since: ruleSince(r) }) as ListedRule)).filter((r) => r.origin !== "api");
  return [...files, ...made.map(listMade)]
    .map((r, at) => ({ r, at }))
    .sort((a, b) => RANK[a.r.shown] - RANK[b.r.shown] || a.at - b.at)
    .map(({ r }) => r);
}

export interface Limit {
  expr: string;
  op: string;
  value: number;
}
/** "x / y > 0.01" → what is measured and its limit; null where the comparison is not the last thing. */
export function splitLimit(query: string): Limit | null {
  const match = /^([\s\S]+?)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$/i.exec(query.trim());
  if (!match) return null;
  const expr = match[1]!;
  let depth = 0;
  for (const c of expr.replace(/"(?:\\.|[^"\\])*"/g, '""')) {
    if (c === "(" || c === "{" || c === "[") depth++;
    if (c === ")" || c === "}" || c === "]") depth--;
  }
  // `and`, `or` and `unless` bind weaker than the comparison: then it limits only the last part.
  if (depth !== 0 || /\b(and|or|unless)\b/.test(expr)) return null;
  return { expr, op: match[2]!, value: Number(match[3]) };
}

export function useRules() {
  const now = useNow();
  return useQuery(asQuery(rulesAsk<RuleGroup[]>(now)));
}
/** Rules made here; none where the server has no such thing. */
export const useMadeRules = () => useQuery({ ...asQuery(alertRulesAsk), enabled: HAS_LOG_RULES, refetchInterval: 15_000 });
export function useTargets(on: boolean) {
  const now = useNow();
  return useQuery({
    ...asQuery(targetsAsk<TargetsData>(now)),
    enabled: on,
  });
}
