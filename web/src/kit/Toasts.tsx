// Short messages at the lower edge. A change that can be taken back offers Undo here instead of asking beforehand.
import { store, useStore } from "../lib/store";
import { Button, IconButton } from "./Button";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  undo?: (() => void) | undefined;
}
const SHOWN_MS = 7000;
const toasts = store<readonly Toast[]>([]);
let nextId = 1;

const drop = (id: number) => toasts.set(toasts.get().filter((t) => t.id !== id));

export function toast(text: string, options: { undo?: () => void; bad?: boolean } = {}): void {
  const id = nextId++;
  toasts.set([...toasts.get().slice(-3), { id, text, bad: options.bad ?? false, undo: options.undo }]);
  setTimeout(() => drop(id), SHOWN_MS);
}
/** Runs the newest toast's Undo; false when there is none. */
export function undoLast(): boolean {
  const last = toasts.get().findLast((t) => t.undo);
  if (!last) return false;
  drop(last.id);
  last.undo!();
  return true;
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(toasts).map((t) => (
        <div key={t.id} class={`toast${t.bad ? " toast-bad" : ""}`}>
          <span class="grow breakable">{t.text}</span>
          {t.undo && (
            <Button
              small
              kind="quiet"
              onClick={() => {
                drop(t.id);
                t.undo!();
              }}
            >
              Undo
            </Button>
          )}
          <IconButton small icon="close" label="Dismiss" onClick={() => drop(t.id)} />
        </div>
      ))}
    </div>
  );
}
