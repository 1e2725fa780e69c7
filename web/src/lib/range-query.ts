// A query over the range, in either language, on its steps' own grid.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { request } from "./api";
import { onStep, rangeQueryAsk } from "./asks";
import type { Language } from "./log-rules";
import type { LokiData } from "./logql";
import type { Matrix } from "./promql";
import { answerTo, useRange } from "./query";
import { useParam } from "./url";

export interface MatrixAnswer {
  matrix: Matrix[];
  from: number;
  to: number;
  step: number;
}
type Grid = Omit<MatrixAnswer, "matrix">;

async function matrixOf(language: Language, query: string, at: Grid, project: string, signal: AbortSignal): Promise<MatrixAnswer> {
  if (language === "promql") return { matrix: (await answerTo(rangeQueryAsk<{ data: { result: Matrix[] } }>(query, at), signal)).data.result, ...at };
  const { data } = await request<{ data: LokiData }>("/loki/api/v1/query_range", {
    query: { query, start: `${at.from}000000000`, end: `${at.to}000000000`, step: `${at.step}s` },
    // Loki's way to name one project.
    ...(project ? { headers: { "X-Scope-OrgID": project } } : {}),
    signal,
  });
  return { matrix: data.resultType === "matrix" ? data.result : [], ...at };
}

/** `make` is given the step in seconds; null: nothing is asked. `counts`: each value is of the
    lines before its time, so that what has just come is seen too. */
export function useMatrix(language: Language, make: ((stepS: number) => string) | null, { points = 300, counts = false, key = "" } = {}) {
  const { start, end } = useRange();
  const project = useParam("project");
  const on = onStep({ start, end }, points);
  // The last step, which has only begun, counts too.
  const at = counts ? { ...on, to: Math.ceil(end / 1000 / on.step) * on.step } : on;
  const query = make ? make(at.step) : "";
  return useQuery({
    queryKey: ["matrix", key, language, query, project, at.from, at.to, at.step],
    queryFn: ({ signal }) => matrixOf(language, query, at, project, signal),
    enabled: make !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });
}
