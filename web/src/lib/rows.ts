// Rows of logs, spans and errors over the API: the queries every page that shows rows shares.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { get, type Query } from "./api";
import { filterText } from "./filters";
import { useRange } from "./query";
import type { Row, Table } from "./types";
import { useFilters, useParam } from "./url";

/** The address's range, project, filters and text as API parameters. */
export function useFilterParams(): Query & { start: string; end: string } {
  const { params } = useRange();
  const { filters } = useFilters();
  const query = useParam("q");
  const project = useParam("project");
  return { ...params, project, query, where: filters.map(filterText) };
}

export function useRows(table: Table, more: Query = {}) {
  const params = { ...useFilterParams(), limit: 200, ...more };
  return useQuery({
    queryKey: ["rows", table, params],
    queryFn: ({ signal }) => get<{ rows: Row[] }>(table, params, signal),
    placeholderData: keepPreviousData,
  });
}
