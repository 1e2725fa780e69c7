// Whether the palette is open, and what was visited lately. Pages call `remember` with a title once they know it.
import { store } from "../lib/store";

export const paletteOpen = store(false);
export const openPalette = () => paletteOpen.set(true);

export interface Recent {
  path: string;
  title: string;
  kind: string;
}
const KEY = "telltale.recent";
const MOST = 12;

export function readRecent(text: string | null): Recent[] {
  try {
    const raw: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(raw)) return [];
    return raw.filter((r): r is Recent => typeof r?.path === "string" && r.path.startsWith("/") && typeof r.title === "string").slice(0, MOST);
  } catch {
    return [];
  }
}
export function recentItems(): Recent[] {
  try {
    return readRecent(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}
export function remember(item: Recent): void {
  const next = [item, ...recentItems().filter((r) => r.path !== item.path)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Without storage there are no recent items.
  }
}
