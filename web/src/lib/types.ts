// What the API answers, as far as pages share it.

export type Level = "fatal" | "error" | "warning" | "info" | "debug" | "trace" | "unknown" | string;
export type AttrValue = string | number | boolean;

export interface Row {
  time: string;
  message: string;
  level: Level;
  project: number;
  trace_id?: string;
  span_id?: string;
  request_id?: string;
  user_id?: string;
  service?: string;
  environment?: string;
  release?: string;
  host?: string;
  transaction?: string;
  attributes: Record<string, AttrValue>;
  payload?: unknown;
}

export interface Issue {
  id: number;
  short_id: string;
  project: number;
  title: string;
  culprit: string;
  type: string;
  level: Level;
  platform: string;
  status: "unresolved" | "resolved" | "ignored";
  substatus: string;
  first_seen: string;
  last_seen: string;
  first_release: string;
  last_release: string;
  event_count: number;
  user_count: number;
  assignee: string;
  resolved_in: string;
  last_event_id?: string;
  trend_24h?: number[];
  trend_14d?: number[];
}

export type Table = "logs" | "spans" | "errors";
export type Points = [t: number | string, v: number][];

export interface ServiceOverview {
  service: string;
  project: number;
  requests: number;
  request_rate: number;
  errors: number;
  error_rate: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  logs: Record<string, number>;
  new_issues: number;
  regressed_issues: number;
  releases: { release: string; first_seen: string }[];
  series: { requests: Points; errors: Points; p95_ms: Points };
}
export interface Change {
  time: string;
  kind: "release" | "issue_new" | "issue_regressed" | "alert_firing" | "alert_resolved";
  title: string;
  service?: string;
  link_id?: string | number;
}
export interface Overview {
  services: ServiceOverview[];
  step_s: number;
  changes: Change[];
}

export interface User {
  id: number;
  email: string;
  name: string;
  role: string;
  disabled?: boolean;
}
export interface Session {
  user: User;
  csrf_header?: string;
  insecure: boolean;
  setup_needed: boolean;
}
export interface Project {
  id: number;
  slug: string;
  name: string;
  created: string;
}
export interface ProjectKey {
  public_key: string;
  dsn: string;
  enabled: boolean;
  created: string;
}
export interface Facet {
  field: string;
  rows: number;
  values: { value: string; count: number }[];
}
