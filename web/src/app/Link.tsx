// Links inside the UI: they keep range, project and filters (`bare` ones do not) and fetch the page's code on intent.
import type { AnchorHTMLAttributes, ComponentChildren } from "preact";
import { useSearch } from "wouter";
import { Link as RouterLink } from "wouter";
import { basePath, herePath } from "../lib/base";
import { pageLink, patchSearch, type Patch, setUrl } from "../lib/url";
import { prefetch } from "./routes";

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: string;
  /** Which parameters go along; all global ones by default. */
  keep?: readonly string[];
}
export function Link({ to, keep, ...rest }: Props) {
  const search = useSearch();
  const warm = () => prefetch(to.split("?")[0]!);
  // wouter types its link for React; the properties are the same.
  const Anchor = RouterLink as unknown as (p: Record<string, unknown>) => preact.JSX.Element;
  return <Anchor href={pageLink(to, search, keep)} onPointerEnter={warm} onFocus={warm} {...rest} />;
}

/** What opens something on this page as a link: a plain click changes the address in place, any other click (a new tab,
    a new window) leads to the same view. Light, for rows of long lists. */
export function HereLink({ patch, replace = false, ...rest }: { patch: Patch; replace?: boolean; class?: string; title?: string; tabIndex?: number; children: ComponentChildren }) {
  return (
    <a
      {...rest}
      href={`${basePath}${herePath()}${patchSearch(location.search, patch)}`}
      onClick={(e) => {
        if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        setUrl(patch, { replace });
      }}
    />
  );
}
