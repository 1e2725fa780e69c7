// Any value of any signal can be clicked: show only these, leave these out, copy, and whatever the page adds. One
// popover serves the whole page, so that a value in a table of thousands costs one button.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { store, useStore } from "../lib/store";
import { addFilter, filterText, readFilters, type Operator } from "../lib/filters";
import { setUrl } from "../lib/url";
import { copyText } from "./Button";
import { MenuList, type MenuItem, placeBeside } from "./Overlay";
import { toast } from "./Toasts";

interface Opened {
  anchor: Element;
  field: string;
  value: string;
  more: readonly MenuItem[];
}
/** What a value offers instead of = and ≠ on a page that has nothing to filter; null: the page filters. */
export const valueActions = store<((field: string, value: string) => MenuItem[]) | null>(null);

/** What the page that is open offers for a value: in place of the filters, and beside them. Set while it is shown. */
export interface PageValues {
  instead?: (field: string, value: string) => MenuItem[];
  beside?: (field: string, value: string) => MenuItem[];
}
export const pageValues = store<PageValues | null>(null);

const opened = store<Opened | null>(null);

/** Adds a filter to the address; what the page shows follows. */
export function filterBy(field: string, op: Operator, value: string): void {
  const filters = readFilters(new URLSearchParams(location.search));
  setUrl({ where: addFilter(filters, { field, op, value }).map(filterText) });
}

export function Value(p: { field: string; value: string | number | boolean; children?: ComponentChildren; more?: readonly MenuItem[] }) {
  const value = String(p.value);
  return (
    <button
      type="button"
      class="value"
      title={`${p.field}: ${value}`}
      aria-haspopup="menu"
      onClick={(e) => {
        e.stopPropagation();
        opened.set({ anchor: e.currentTarget, field: p.field, value, more: p.more ?? [] });
      }}
    >
      {p.children ?? value}
    </button>
  );
}

export function ValueMenuHost() {
  const open = useStore(opened);
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const popover = ref.current;
    if (!open || !popover) return;
    popover.showPopover();
    placeBeside(popover, open.anchor);
    popover.querySelector("button")?.focus();
  }, [open]);
  const close = () => ref.current?.hidePopover();
  const page = useStore(pageValues);
  const elsewhere = useStore(valueActions);
  const instead = page?.instead ?? elsewhere;
  const filters: MenuItem[] = !open
    ? []
    : instead
      ? instead(open.field, open.value)
      : [
        { label: <FilterWords field={open.field} op="=" value={open.value} />, icon: "filter", run: () => filterBy(open.field, "=", open.value) },
        { label: <FilterWords field={open.field} op="≠" value={open.value} />, icon: "minus", run: () => filterBy(open.field, "!=", open.value) },
        ];
  const copy = (text: string) => void copyText(text).then(() => toast("Copied."));
  const items: MenuItem[] = open ? [...filters, ...(page?.beside?.(open.field, open.value) ?? []), ...open.more, { label: "Copy value", icon: "copy", run: () => copy(open.value) }] : [];
  return (
    <div
      ref={ref}
      popover="auto"
      class="popover"
      onToggle={(e) => {
        if ((e as unknown as ToggleEvent).newState === "open") return;
        const anchor = opened.get()?.anchor;
        opened.set(null);
        if (anchor instanceof HTMLElement && anchor.isConnected) anchor.focus();
      }}
    >
      {open && <MenuList items={items} onDone={close} label={`${open.field} ${open.value}`} />}
    </div>
  );
}

function FilterWords({ field, op, value }: { field: string; op: string; value: string }) {
  return (
    <>
      <span class="muted">{field}</span> {op} <span class="strong">{value}</span>
    </>
  );
}
