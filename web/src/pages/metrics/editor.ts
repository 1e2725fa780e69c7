// PromQL in the query field.
import { autocompletion } from "@codemirror/autocomplete";
import { type PrometheusClient, PromQLExtension } from "@prometheus-io/codemirror-promql";
import { mountCore, type MountEditor } from "../../kit/editor/core";
import { get } from "../../lib/api";

const names = async (path: string, query: Record<string, string | undefined> = {}) => (await get<{ data: string[] }>(path, query).catch(() => ({ data: [] }))).data;
const selector = (metric?: string) => (metric ? { "match[]": `{__name__=${JSON.stringify(metric)}}` } : {});

const FIRST_FAMILIES = { limit: "5000", limit_per_metric: "1" };

/** Completion over our API; what senders say of their metrics is shown beside the names. */
const client: PrometheusClient = {
  labelNames: (metric) => names("/api/v1/labels", selector(metric)),
  labelValues: (label, metric) => names(`/api/v1/label/${encodeURIComponent(label)}/values`, selector(metric)),
  metricNames: () => names("/api/v1/label/__name__/values"),
  metricMetadata: async () => (await get<{ data: Record<string, { type: string; help: string }[]> }>("/api/v1/metadata", FIRST_FAMILIES).catch(() => ({ data: {} }))).data,
  series: () => Promise.resolve([]),
  flags: () => Promise.resolve({}),
};

export const mountEditor: MountEditor = (host, text, on) => {
  const promql = new PromQLExtension().activateCompletion(true).activateLinter(false).setComplete({ remote: client });
  return mountCore(host, text, [promql.asExtension(), autocompletion({ icons: false })], { label: "PromQL query", placeholder: "A PromQL expression, or choose a metric" }, on);
};
