// A table of any length: only the rows in sight are in the document. Rows have one height (the density's). The page
// scrolls it, unless `fill` gives it a scroller of its own. `cursor` is the row j and k stand on.
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { prefs } from "../lib/prefs";
import { useStore } from "../lib/store";
import { useFixedRows } from "./fixed-rows";

export interface Column<T> {
  key: string;
  header: ComponentChildren;
  /** A CSS grid track: "90px", "minmax(120px, 1fr)". */
  width: string;
  align?: "end";
  /** Not shown on a phone. */
  wide?: boolean;
  sortable?: boolean;
  cell: (row: T, index: number) => ComponentChildren;
}
export interface TableProps<T> {
  id?: string;
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T, index: number) => string | number;
  rowHeight?: number;
  cursor?: number;
  selected?: (row: T) => boolean;
  onOpen?: (row: T, index: number) => void;
  onIntent?: (row: T) => void;
  rowClass?: (row: T) => string;
  sort?: string;
  onSort?: (key: string) => void;
  /** Own scroller that takes the height left over. */
  fill?: boolean;
  onEnd?: () => void;
  /** Told when one leaves the top of the list, and when one is back there (with `fill`). */
  onAway?: (away: boolean) => void;
}

export function Table<T>(p: TableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const density = useStore(prefs).density;
  const phone = matchMedia("(max-width: 760px)").matches;
  const height = p.rowHeight ?? (phone ? 44 : density === "compact" ? 27 : 34);
  const columns = useMemo(() => (phone ? p.columns.filter((c) => !c.wide) : p.columns), [phone, p.columns]);
  const tracks = columns.map((c) => c.width).join(" ");

  const sight = useFixedRows(scroller, p.rows.length, height);
  useEffect(() => {
    if (p.cursor !== undefined && p.cursor >= 0) sight.show(p.cursor);
  }, [p.cursor]);
  const latest = useRef(p);
  latest.current = p;

  const away = useRef(false);
  const onScroll = (e: { currentTarget: HTMLElement }) => {
    const now = e.currentTarget.scrollTop > height;
    if (now !== away.current) p.onAway?.((away.current = now));
  };

  useEffect(() => {
    if (p.onEnd && sight.last >= p.rows.length && p.rows.length > 0) p.onEnd();
  }, [sight.last, p.rows.length]);

  return (
    <div class={`table${p.fill ? " table-fill" : ""}`} id={p.id} role="table" aria-label={p.label} aria-rowcount={p.rows.length + 1}>
      <div role="rowgroup" class="table-head">
        <div role="row" aria-rowindex={1} class="table-row" style={{ gridTemplateColumns: tracks }}>
          {columns.map((c) => (
            <HeaderCell key={c.key} column={c} sort={p.sort} onSort={p.onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="table-body" ref={scroller} onScroll={p.onAway ? onScroll : undefined} tabIndex={p.fill ? 0 : undefined} aria-label={p.fill ? `${p.label}: rows` : undefined}>
        <div class="table-space" role="presentation" style={{ height: `${p.rows.length * height}px` }}>
          {p.rows.slice(sight.first, sight.last).map((row, i) => {
            const index = sight.first + i;
            return (
              <TableRow<T>
                key={p.rowKey(row, index)}
                row={row}
                index={index}
                height={height}
                tracks={tracks}
                columns={columns}
                cursor={index === p.cursor}
                chosen={p.selected ? p.selected(row) : undefined}
                name={p.rowClass?.(row) ?? ""}
                table={latest}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps<T> {
  row: T;
  index: number;
  height: number;
  tracks: string;
  columns: readonly Column<T>[];
  cursor: boolean;
  chosen: boolean | undefined;
  name: string;
  /** The table's properties as they are now; a row is not drawn again because they changed. */
  table: { current: TableProps<T> };
}
function Row<T>({ row, index, table, ...p }: RowProps<T>) {
  const can = table.current.onOpen ? " can-open" : "";
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={p.chosen}
      class={`table-row${p.cursor ? " at-cursor" : ""}${p.chosen ? " is-selected" : ""}${can} ${p.name}`}
      style={{ gridTemplateColumns: p.tracks, height: `${p.height}px`, transform: `translateY(${index * p.height}px)` }}
      onClick={(e) => !fromControl(e) && table.current.onOpen?.(row, index)}
      onPointerEnter={() => table.current.onIntent?.(row)}
    >
      {p.columns.map((c) => (
        <div key={c.key} role="cell" class={c.align === "end" ? "cell cell-end num" : "cell"}>
          {c.cell(row, index)}
        </div>
      ))}
    </div>
  );
}
/** While one scrolls, only rows that come into sight are drawn. */
const TableRow = memo(Row) as typeof Row;

/** Clicks on a link, button or field inside a row are theirs; so is a click that ends a text selection. */
function fromControl(e: MouseEvent): boolean {
  if (e.target instanceof Element && e.target.closest("a, button, input, label, select")) return true;
  return (getSelection()?.toString().length ?? 0) > 0;
}

function HeaderCell<T>(p: { column: Column<T>; sort: string | undefined; onSort: ((key: string) => void) | undefined }) {
  const { column: c, sort, onSort } = p;
  const sorted = sort === c.key;
  return (
    <div role="columnheader" class={c.align === "end" ? "cell cell-end" : "cell"} aria-sort={sorted ? "descending" : undefined}>
      {c.sortable && onSort ? (
        <button type="button" class={`sort${sorted ? " sorted" : ""}`} onClick={() => onSort(c.key)}>
          {c.header}
          <span aria-hidden="true">{sorted ? " ↓" : ""}</span>
        </button>
      ) : (
        c.header
      )}
    </div>
  );
}
