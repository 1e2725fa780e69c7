import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { get, type Query } from "../../lib/api";
import type { Facet } from "../../lib/types";

const FIRST = ["level", "service", "environment", "release", "host", "transaction"];
/** Ids have as many values as rows: they make no facet. */
const NONE = new Set(["trace_id", "span_id", "request_id", "timestamp", "message", "exc_info", "severity"]);
const MOST = 12;

export function chooseFacets(facets: readonly Facet[]): Facet[] {
  const rank = (f: Facet) => (FIRST.includes(f.field) ? FIRST.indexOf(f.field) : FIRST.length);
  return facets
    .filter((f) => !NONE.has(f.field) && f.values.length > 0)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST);
}

export const useFacets = (params: Query) =>
  useQuery({
    queryKey: ["facets", "logs", params],
    queryFn: async ({ signal }) => chooseFacets((await get<{ facets: Facet[] }>("logs/facets", { ...params, limit: 6 }, signal)).facets),
    placeholderData: keepPreviousData,
  });
