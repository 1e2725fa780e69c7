// The address holds all there is to a view: range, project, filters, text, selection, open drawer. Reading is a hook;
// writing takes a patch, so that two parts of a page never overwrite each other's parameters.
import { useMemo } from "preact/hooks";
import { useSearch } from "wouter";
import { herePath, navigate } from "./base";
import { addFilter, filterText, readFilters, removeFilter, type Filter } from "./filters";
import { type Range, rangeParams, readRange, type Span } from "./time";

export type Patch = Record<string, string | readonly string[] | null>;

/** `search` with the patch's parameters set; null or an empty text or list removes one. */
export function patchSearch(search: string, patch: Patch): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(patch)) {
    params.delete(name);
    for (const one of typeof value === "string" ? [value] : (value ?? [])) if (one !== "") params.append(name, one);
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}

/** Changes the address. A step a person can go Back from unless `replace` (typing, moving a cursor). */
export function setUrl(patch: Patch, how: { replace?: boolean } = {}): void {
  const search = patchSearch(location.search, patch);
  if (search !== location.search) navigate(herePath() + search + location.hash, { replace: how.replace ?? false });
}

/** The parameters that go along when one moves to another page: when and where one looks, not what is open there. */
const GLOBAL = ["range", "from", "to", "project", "where"];

/** A link to `path` (which may bring its own parameters) that keeps range, project and filters. */
export function pageLink(path: string, search: string, keep: readonly string[] = GLOBAL): string {
  const [bare = "/", own = ""] = path.split("?");
  const from = new URLSearchParams(search);
  const to = new URLSearchParams(own);
  for (const name of keep) {
    if (to.has(name) || (own.includes("from=") && name === "range")) continue;
    for (const value of from.getAll(name)) to.append(name, value);
  }
  const text = to.toString();
  return text ? `${bare}?${text}` : bare;
}

/** The link to share: what is shown now, in absolute time. */
export function shareLink(href: string, span: Span): string {
  const url = new URL(href);
  url.search = patchSearch(url.search, rangeParams({ kind: "absolute", from: span.start, to: span.end }));
  return url.href;
}

export function useParams(): URLSearchParams {
  const search = useSearch();
  return useMemo(() => new URLSearchParams(search), [search]);
}
export const useParam = (name: string): string => useParams().get(name) ?? "";

export function useRangeParam(): [Range, (range: Range) => void] {
  const params = useParams();
  const range = useMemo(() => readRange(params), [params]);
  return [range, (next) => setUrl(rangeParams(next))];
}

export interface FilterState {
  filters: Filter[];
  add(filter: Filter): void;
  remove(filter: Filter): void;
  set(filters: readonly Filter[]): void;
}
export function useFilters(): FilterState {
  const params = useParams();
  return useMemo(() => {
    const write = (next: readonly Filter[]) => setUrl({ where: next.map(filterText) });
    // The address is read again at the click: it may have changed since the hook ran.
    const current = () => readFilters(new URLSearchParams(location.search));
    return {
      filters: readFilters(params),
      add: (f) => write(addFilter(current(), f)),
      remove: (f) => write(removeFilter(current(), f)),
      set: write,
    };
  }, [params]);
}
