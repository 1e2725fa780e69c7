// Where the query in the search field is wrong: pages say what their question was answered, the field shows it.
import { useEffect } from "preact/hooks";
import { store } from "./store";

/** Where the query that was sent is wrong, if it is. */
export interface Problem {
  /** Of a character, from 0. */
  at: number;
  words: string;
}
export const searchProblem = store<Problem | null>(null);

export function problemOf(error: Error | null | undefined, shift = 0): Problem | null {
  const said = /^query: column (\d+): ([\s\S]*)$/.exec(error?.message ?? "");
  return said && { at: Math.max(0, Number(said[1]) - 1 - shift), words: said[2]! };
}
/** Tells the search field what the page's question was answered. */
export function useSearchProblem(error: Error | null | undefined, shift = 0): void {
  const message = error?.message;
  useEffect(() => {
    searchProblem.set(problemOf(error, shift));
    return () => searchProblem.set(null);
  }, [message, shift]);
}
