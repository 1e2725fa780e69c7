// The style sheet's custom properties as colours for a canvas; whoever draws is told when the theme changes.
import { store } from "../../lib/store";

const known = new Map<string, string>();
/** Counts theme changes; subscribe to draw again. */
export const themeTurn = store(0);
let watching = false;

function watch(): void {
  watching = true;
  new MutationObserver(() => {
    known.clear();
    themeTurn.set(themeTurn.get() + 1);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

/** The colour of "--data-1" now; a plain colour stays itself. */
export function paint(name: string): string {
  if (!name.startsWith("--")) return name;
  if (!watching) watch();
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888888";
    known.set(name, value);
  }
  return value;
}

/** A colour made translucent; custom properties hold #rrggbb. */
export function faded(name: string, alpha: number): string {
  const color = paint(name);
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  return hex ? `rgb(${parseInt(hex[1]!, 16)} ${parseInt(hex[2]!, 16)} ${parseInt(hex[3]!, 16)} / ${alpha})` : color;
}
