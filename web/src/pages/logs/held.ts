import { useRef } from "preact/hooks";
import type { Query } from "../../lib/api";

/** A refresh while one reads further down would take the pages away under the eyes; it waits until one is back. */
export function useHeld<Q extends Query>(params: Q, held: boolean): Q {
  const shown = useRef(params);
  const question = (q: Q) => JSON.stringify({ ...q, start: null, end: null });
  const length = (q: Q) => Date.parse(String(q["end"])) - Date.parse(String(q["start"]));
  const same = question(shown.current) === question(params) && length(shown.current) === length(params);
  if (!held || !same) shown.current = params;
  return shown.current;
}
