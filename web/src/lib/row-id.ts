// Which row an address means: its time and, since many lines may share a time, a mark of what it says. Rows that agree
// in both cannot be told apart by anybody; an address with the time alone means the first row of it.
import type { Row } from "./types";

const MARKED = 4096;

function markOf(row: Row): string {
  let hash = 0x811c9dc5;
  const text = `${row.project}\n${row.service ?? ""}\n${row.message.slice(0, MARKED)}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}

export const rowId = (row: Row): string => `${row.time}_${markOf(row)}`;
export const timeOfId = (id: string): string => id.split("_", 1)[0]!;

export function isRow(row: Row, id: string): boolean {
  if (!id.startsWith(row.time)) return false;
  return id.length === row.time.length || id === rowId(row);
}

/** The row that is meant; `near` takes another of its time when what it says has changed, as a query may do. */
export function findRow(rows: readonly Row[], id: string, near = false): Row | undefined {
  return rows.find((r) => isRow(r, id)) ?? (near ? rows.find((r) => r.time === timeOfId(id)) : undefined);
}
