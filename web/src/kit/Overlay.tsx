// What lies over the page: dialog (modal, native), drawer (beside the page, which stays in use) and menu (popover).
import type { ComponentChildren } from "preact";
import { createPortal, flushSync } from "preact/compat";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../lib/keys";
import { Button, IconButton } from "./Button";
import { Icon, type IconName } from "./Icon";

export function Dialog(p: { title: string; open: boolean; onClose: () => void; children: ComponentChildren; wide?: boolean; bare?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the next key arrives: what is typed right after the dialog was asked for belongs to it.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (p.open && !dialog.open) dialog.showModal();
    if (!p.open && dialog.open) dialog.close();
  }, [p.open]);
  return (
    <dialog
      ref={ref}
      class={`dialog${p.wide ? " dialog-wide" : ""}${p.bare ? " dialog-bare" : ""}`}
      aria-labelledby={id}
      onClose={p.onClose}
      onClick={(e) => e.target === ref.current && p.onClose()}
    >
      {p.open && (
        <div class="dialog-box">
          <header class={p.bare ? "hear-only" : "dialog-head"}>
            <h2 id={id}>{p.title}</h2>
            {!p.bare && <IconButton icon="close" label="Close" onClick={p.onClose} />}
          </header>
          {p.children}
        </div>
      )}
    </dialog>
  );
}

/** Stands beside the page at the right edge, over everything on a phone; of several, the one opened last is seen. Takes
    the focus and gives it back; Escape closes it. */
export function Drawer(p: { title: ComponentChildren; label: string; onClose: () => void; actions?: ComponentChildren; children: ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.focus({ preventScroll: true });
    return () => {
      // What had the focus may be gone by now; then the page has it, so that keys and Tab go on from there.
      const back = before instanceof HTMLElement && before !== document.body && before.isConnected ? before : document.getElementById("main");
      back?.focus({ preventScroll: true });
    };
  }, []);
  useKeys([{ keys: "Escape", label: "Close the drawer", group: "View", run: p.onClose }]);
  const place = document.querySelector(".frame-body") ?? document.body;
  return createPortal(
    <div ref={ref} class="drawer" role="dialog" aria-label={p.label} tabIndex={-1}>
      <header class="drawer-head">
        <div class="grow clip strong">{p.title}</div>
        {p.actions}
        <IconButton icon="close" label="Close" onClick={p.onClose} />
      </header>
      <div class="drawer-body">{p.children}</div>
    </div>,
    place,
  );
}

export interface MenuItem {
  label: ComponentChildren;
  icon?: IconName;
  checked?: boolean;
  danger?: boolean;
  hint?: ComponentChildren;
  run: () => void;
}

/** Puts a popover beside an element and inside the window. */
export function placeBeside(popover: HTMLElement, anchor: Element): void {
  const a = anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const below = a.bottom + 4 + height <= innerHeight || a.top < height;
  popover.style.left = `${Math.max(8, Math.min(a.left, innerWidth - width - 8))}px`;
  popover.style.top = `${Math.max(8, below ? Math.min(a.bottom + 4, innerHeight - height - 8) : a.top - height - 4)}px`;
}

/** The list inside a menu: arrows move, Enter runs, letters are left to the browser. */
export function MenuList({ items, onDone, label }: { items: readonly MenuItem[]; onDone: () => void; label: string }) {
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    const all = [...(e.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role^=menuitem]")];
    all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length]?.focus();
  };
  return (
    <div role="menu" aria-label={label} class="menu-list" onKeyDown={move}>
      {items.map((item, i) => (
        <button
          key={i}
          type="button"
          role={item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.checked}
          class={`menu-item${item.danger ? " tone-bad" : ""}`}
          onClick={() => {
            onDone();
            item.run();
          }}
        >
          <span class="menu-mark">{item.checked ? <Icon name="check" size={14} /> : item.icon && <Icon name={item.icon} size={14} />}</span>
          <span class="grow clip">{item.label}</span>
          {item.hint && <span class="faint">{item.hint}</span>}
        </button>
      ))}
    </div>
  );
}

/** A button with a popover under it: a list of items, or anything else as children (given `close`). */
export function Menu(p: {
  label: string;
  items?: readonly MenuItem[];
  icon?: IconName;
  button?: ComponentChildren;
  kind?: "plain" | "quiet";
  small?: boolean;
  caret?: boolean;
  children?: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = () => popover.current?.hidePopover();
  // At once, so that the next key is the menu's: someone quick is not taken back to its first line.
  const show = () => {
    flushSync(() => setOpen(true));
    const over = popover.current!;
    over.showPopover();
    placeBeside(over, anchor.current!);
    over.querySelector<HTMLElement>("[aria-checked=true], input, button, a")?.focus();
  };
  useEffect(() => {
    if (!open || !popover.current || !anchor.current) return undefined;
    const [over, beside] = [popover.current, anchor.current];
    // What it holds may come later and be larger.
    const observer = new ResizeObserver(() => placeBeside(over, beside));
    observer.observe(over);
    return () => observer.disconnect();
  }, [open]);
  return (
    <div class="menu" ref={anchor}>
      <Button
        kind={p.kind ?? "quiet"}
        small={p.small}
        icon={p.icon}
        aria-label={p.button ? undefined : p.label}
        title={p.button ? undefined : p.label}
        aria-haspopup={p.items ? "menu" : "dialog"}
        aria-expanded={open}
        aria-controls={id}
        popovertarget={id}
        onClick={(e) => {
          e.preventDefault(); // what the browser would do by itself; that the button is the popover's keeps a press on it from closing it first
          if (open) close();
          else show();
        }}
      >
        {p.button && (
          <span class="row menu-button">
            <span class="clip">{p.button}</span>
            {p.caret !== false && <Icon name="chevron" size={12} />}
          </span>
        )}
      </Button>
      <div
        id={id}
        ref={popover}
        popover="auto"
        class="popover"
        role={p.items ? undefined : "dialog"}
        aria-label={p.items ? undefined : p.label}
        onToggle={(e) => (e as unknown as ToggleEvent).newState === "closed" && setOpen(false)}
      >
        {open && (p.items ? <MenuList items={p.items} onDone={close} label={p.label} /> : p.children?.(close))}
      </div>
    </div>
  );
}
