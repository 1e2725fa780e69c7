// Rows of logs, spans and errors over the API: the queries every page that shows rows shares.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "preact/hooks";
import { get, type Query } from "./api";
import { type RowParams, rowParams } from "./asks";
import { useRange } from "./query";
import type { Row, Table } from "./types";
import { useParams } from "./url";

/** The address's range, project, filters and text as API parameters. */
export function useFilterParams(): RowParams {
  const { params } = useRange();
  const search = useParams();
  return useMemo(() => rowParams(search, params), [search, params]);
}

export function useRows(table: Table, more: Query = {}) {
  const params = { ...useFilterParams(), limit: 200, ...more };
  return useQuery({
    queryKey: ["rows", table, params],
    queryFn: ({ signal }) => get<{ rows: Row[] }>(table, params, signal),
    placeholderData: keepPreviousData,
  });
}
