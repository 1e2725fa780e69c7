// What a person set on this browser: kept in localStorage, shown on the root element for the style sheet.
import { store } from "./store";
import type { Zone } from "./time";

export interface Prefs {
  theme: "system" | "light" | "dark";
  density: "comfortable" | "compact";
  zone: Zone;
  /** Seconds between refreshes of a relative range; 0: by hand only. */
  refresh: number;
}
const KEY = "telltale.prefs";
const DEFAULTS: Prefs = { theme: "system", density: "comfortable", zone: "local", refresh: 30 };

export function readPrefs(text: string | null): Prefs {
  try {
    const raw = JSON.parse(text ?? "{}") as Partial<Record<keyof Prefs, unknown>>;
    return {
      theme: raw.theme === "light" || raw.theme === "dark" ? raw.theme : "system",
      density: raw.density === "compact" ? "compact" : "comfortable",
      zone: raw.zone === "utc" ? "utc" : "local",
      refresh: [0, 10, 30, 60].includes(raw.refresh as number) ? (raw.refresh as number) : DEFAULTS.refresh,
    };
  } catch {
    return DEFAULTS;
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is switched off: the defaults do
  }
}

export const prefs = store<Prefs>(readPrefs(stored()));

export function setPrefs(patch: Partial<Prefs>): void {
  prefs.set({ ...prefs.get(), ...patch });
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs.get()));
  } catch {
    // Kept for this page only.
  }
}

/** Puts theme and density onto the root element, now and at every change; follows the system's theme. */
export function applyPrefs(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const { theme, density } = prefs.get();
    const root = document.documentElement;
    root.dataset["theme"] = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    root.dataset["density"] = density;
  };
  apply();
  dark.addEventListener("change", apply);
  prefs.subscribe(apply);
}
