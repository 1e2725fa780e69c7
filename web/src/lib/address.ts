// Addresses: where the UI lives (at the root of its host, or under a prefix the server tells the page: an external URL
// with a path), and where its API does. Paths elsewhere in this code are without the prefix. Pure: what runs before
// everything else needs it.

const told = document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? "";

/** "" or "/telltale": no slash at its end. */
export const basePath = normalBase(told);

export function normalBase(text: string): string {
  const bare = text.replace(/\/+$/, "");
  return bare.startsWith("/") && !bare.startsWith("//") ? bare : "";
}

/** A path of the browser as a path of the UI. */
export function withoutBase(path: string, base = basePath): string {
  if (base === "" || !(path === base || path.startsWith(`${base}/`))) return path;
  return path.slice(base.length) || "/";
}
/** The path of the UI that is open. */
export const herePath = () => withoutBase(location.pathname);

export type QueryValue = string | number | boolean | null | undefined | readonly string[];
export type Query = Record<string, QueryValue>;
const BASE = "/api/telltale/v1/";

/** A path of our own API ("logs") or, with a leading slash, of another one ("/api/v1/query"). */
export function apiUrl(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) params.append(name, one);
  }
  const text = params.toString();
  return basePath + (path.startsWith("/") ? path : BASE + path) + (text ? `?${text}` : "");
}
