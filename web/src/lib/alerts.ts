// Rules and targets as Prometheus' API gives them, and what the alerts page makes of them.
import { useQuery } from "@tanstack/react-query";
import { rulesAsk, targetsAsk } from "./asks";
import { asQuery, useNow } from "./query";

export interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
  activeAt: string;
  value: string;
}
export interface Rule {
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
}

export type RuleState = "firing" | "pending" | "error" | "ok";
export interface ListedRule extends Rule {
  id: string;
  group: string;
  file: string;
  shown: RuleState;
  since: string | null;
}
const RANK: Record<RuleState, number> = { firing: 0, error: 1, pending: 2, ok: 3 };

export const ruleState = (r: Rule): RuleState => (r.health === "err" ? "error" : r.state === "firing" ? "firing" : r.state === "pending" ? "pending" : "ok");

/** Since when the rule is in its state: its oldest alert of that state. */
export function ruleSince(r: Rule): string | null {
  const times = (r.alerts ?? []).filter((a) => a.state === r.state).map((a) => a.activeAt);
  return times.length > 0 ? times.reduce((a, b) => (a < b ? a : b)) : null;
}

/** All rules, what is wrong first. */
export function listRules(groups: readonly RuleGroup[]): ListedRule[] {
  return groups
    .flatMap((g) => g.rules.map((r, i): ListedRule => ({ ...r, id: `${g.name}/${r.name}/${i}`, group: g.name, file: g.file, shown: ruleState(r), since: ruleSince(r) })))
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
export function useTargets(on: boolean) {
  const now = useNow();
  return useQuery({
    ...asQuery(targetsAsk<Target[]>(now)),
    enabled: on,
  });
}
