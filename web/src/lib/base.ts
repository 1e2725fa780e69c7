// Where the UI lives: at the root of its host, or under a prefix the server tells the page (an external URL with a
// path). Paths elsewhere in this code are without it; they gain and lose it here.
import { navigate as go } from "wouter/use-browser-location";

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

/** Goes to a path of the UI. */
export const navigate = (path: string, how: { replace?: boolean } = {}) => go(basePath + path, { replace: how.replace ?? false });
