import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { facetsAsk, type RowParams } from "../../lib/asks";
import { asQuery } from "../../lib/query";
import type { Facet } from "../../lib/types";

const FIRST = ["level", "service", "environment", "release", "host", "transaction"];
/** Ids have as many values as rows: they make no facet. */
const NONE = new Set(["trace_id", "span_id", "request_id", "timestamp", "message", "exc_info", "severity", "detected_level", "service_name"]);
const MOST = 12;

export function chooseFacets(facets: readonly Facet[]): Facet[] {
  const rank = (f: Facet) => (FIRST.includes(f.field) ? FIRST.indexOf(f.field) : FIRST.length);
  return facets
    .filter((f) => !NONE.has(f.field) && f.values.length > 0)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST);
}

export const useFacets = (params: RowParams) => useQuery({ ...asQuery(facetsAsk(params)), select: chooseFacets, placeholderData: keepPreviousData });
