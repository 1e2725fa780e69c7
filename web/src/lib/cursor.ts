// Moving through a list by keys: j and k move, o or Enter opens, x selects. The cursor starts on nothing.
import { useEffect, useState } from "preact/hooks";
import { useKeys } from "./keys";

export interface ListKeys<K> {
  cursor: number;
  selected: ReadonlySet<K>;
  toggle(key: K): void;
  setSelected(keys: ReadonlySet<K>): void;
}

export function moveCursor(cursor: number, step: number, length: number): number {
  if (length === 0) return -1;
  if (cursor < 0) return step > 0 ? 0 : length - 1;
  return Math.max(0, Math.min(length - 1, cursor + step));
}

export function useListKeys<T, K>(rows: readonly T[], keyOf: (row: T) => K, open: (row: T) => void, selectable = false): ListKeys<K> {
  const [cursor, setCursor] = useState(-1);
  const [selected, setSelected] = useState<ReadonlySet<K>>(new Set());
  useEffect(() => setCursor((c) => Math.min(c, rows.length - 1)), [rows.length]);
  const toggle = (key: K) => {
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    setSelected(next);
  };
  const at = rows[cursor];
  useKeys([
    { keys: "j", label: "Next row", group: "List", run: () => setCursor(moveCursor(cursor, 1, rows.length)) },
    { keys: "k", label: "Row before", group: "List", run: () => setCursor(moveCursor(cursor, -1, rows.length)) },
    { keys: "o", label: "Open the row", group: "List", run: () => at && open(at) },
    { keys: "Enter", label: "Open the row", group: "List", run: () => at && open(at) },
    ...(selectable ? [{ keys: "x", label: "Select the row", group: "List", run: () => at && toggle(keyOf(at)) }] : []),
  ]);
  return { cursor, selected, toggle, setSelected };
}
