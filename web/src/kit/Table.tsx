// A table of any length: only the rows in sight are in the document. Rows have one height (the density's). The page
// scrolls it, unless `fill` gives it a scroller of its own. `cursor` is the row j and k stand on.
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { prefs } from "../lib/prefs";
import { useStore } from "../lib/store";

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
  const columns = phone ? p.columns.filter((c) => !c.wide) : p.columns;
  const tracks = columns.map((c) => c.width).join(" ");

  const virtual = useVirtualizer({
    count: p.rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    useFlushSync: false,
  });
  useEffect(() => virtual.measure(), [height]);
  useEffect(() => {
    if (p.cursor !== undefined && p.cursor >= 0) virtual.scrollToIndex(p.cursor, { align: "auto" });
  }, [p.cursor]);

  const away = useRef(false);
  const onScroll = (e: { currentTarget: HTMLElement }) => {
    const now = e.currentTarget.scrollTop > height;
    if (now !== away.current) p.onAway?.((away.current = now));
  };

  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (p.onEnd && last >= p.rows.length - 1 && p.rows.length > 0) p.onEnd();
  }, [last, p.rows.length]);

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
        <div class="table-space" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {shown.map((item) => {
            const row = p.rows[item.index]!;
            const chosen = p.selected?.(row) ?? false;
            const name = `table-row${item.index === p.cursor ? " at-cursor" : ""}${chosen ? " is-selected" : ""} ${p.rowClass?.(row) ?? ""}`;
            return (
              <div
                key={p.rowKey(row, item.index)}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={p.selected ? chosen : undefined}
                class={p.onOpen ? `${name} can-open` : name}
                style={{ gridTemplateColumns: tracks, height: `${height}px`, transform: `translateY(${item.start}px)` }}
                onClick={(e) => !fromControl(e) && p.onOpen?.(row, item.index)}
                onPointerEnter={() => p.onIntent?.(row)}
              >
                {columns.map((c) => (
                  <div key={c.key} role="cell" class={c.align === "end" ? "cell cell-end num" : "cell"}>
                    {c.cell(row, item.index)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

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
