// Links inside the UI: they keep range, project and filters (`bare` ones do not) and fetch the page's code on intent.
import type { AnchorHTMLAttributes } from "preact";
import { useSearch } from "wouter";
import { Link as RouterLink } from "wouter";
import { pageLink } from "../lib/url";
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
