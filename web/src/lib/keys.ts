// The keyboard layer. A binding is one key ("j", "?", "Shift+ArrowLeft", "Mod+k") or two in a row ("g i"). Keys typed
// into a field are left alone, except those with Mod. The binding added last wins; `?` lists what is bound.
import { useEffect, useRef } from "preact/hooks";

export interface Binding {
  keys: string;
  label: string;
  group?: string;
  run(event: KeyboardEvent): void;
}
const SEQUENCE_MS = 1200;

/** "Mod" is ⌘ or Ctrl; Shift is named only where it does not make another character. */
export function keyName(e: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const named = e.key.length > 1;
  const key = e.key === " " ? "Space" : named || e.shiftKey ? e.key : e.key.toLowerCase();
  return `${e.ctrlKey || e.metaKey ? "Mod+" : ""}${e.altKey ? "Alt+" : ""}${named && e.shiftKey ? "Shift+" : ""}${key}`;
}

export class KeyMap {
  private bindings: Binding[] = [];
  private pending: { key: string; at: number } | null = null;

  add(added: readonly Binding[]): () => void {
    this.bindings = [...this.bindings, ...added];
    return () => {
      this.bindings = this.bindings.filter((b) => !added.includes(b));
    };
  }
  list(): readonly Binding[] {
    const seen = new Set<string>();
    return [...this.bindings].reverse().filter((b) => !seen.has(b.keys) && seen.add(b.keys)).reverse();
  }
  /** The binding this key completes, if any; remembers the first key of a sequence. */
  match(key: string, at: number): Binding | null {
    const first = this.pending && at - this.pending.at <= SEQUENCE_MS ? this.pending.key : null;
    this.pending = null;
    const find = (keys: string) => this.bindings.findLast((b) => b.keys === keys) ?? null;
    const whole = (first && find(`${first} ${key}`)) || find(key);
    if (!whole && this.bindings.some((b) => b.keys.startsWith(`${key} `))) this.pending = { key, at };
    return whole;
  }
}

export const keyMap = new KeyMap();

function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

/** Enter and Space on a button or a link are the element's own. */
const CONTROLS = "a, button, summary, input, [role^=menuitem], [role=tab], [role=slider], [role=option]";
function ownKey(target: EventTarget | null, name: string): boolean {
  return (name === "Enter" || name === "Space") && target instanceof Element && target.closest(CONTROLS) !== null;
}

export function listenForKeys(): void {
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.isComposing) return;
    const name = keyName(e);
    if (inField(e.target) && !name.startsWith("Mod+")) return;
    if (ownKey(e.target, name)) return;
    // An open modal dialog has the keyboard to itself.
    if (document.querySelector("dialog[open]:modal") && !name.startsWith("Mod+")) return;
    const binding = keyMap.match(name, e.timeStamp);
    if (!binding) return;
    e.preventDefault();
    binding.run(e);
  });
}

/** Binds keys while the component is there; handlers may change at every render. */
export function useKeys(bindings: readonly Binding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  const shape = bindings.map((b) => `${b.keys}\n${b.label}`).join("\n\n");
  useEffect(
    () =>
      keyMap.add(
        latest.current.map((b) => ({
          ...b,
          run: (e) => latest.current.find((now) => now.keys === b.keys)?.run(e),
        })),
      ),
    [shape],
  );
}

const GLYPHS: Record<string, string> = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "↵", Escape: "Esc",
};
export const isMac = () => /Mac|iP(hone|ad)/.test(navigator.platform);
/** "Mod+k" → ["⌘K"] or ["Ctrl K"]; "g i" → ["g", "i"]. */
export const keyCaps = (keys: string, mac = isMac()): string[] =>
  keys.split(" ").map((key) =>
    key
      .split("+")
      .map((part) => (part === "Mod" ? (mac ? "⌘" : "Ctrl ") : part === "Shift" ? "⇧" : (GLYPHS[part] ?? part)))
      .join(""),
  );
