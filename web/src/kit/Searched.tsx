// What a search found, or, where the query cannot be read, a word about that: the search field says the rest.
import type { ComponentChildren } from "preact";
import { problemOf } from "../lib/search";
import { EmptyState } from "./Notice";

export function Searched({ error, children }: { error: Error | null | undefined; children: ComponentChildren }) {
  if (!problemOf(error)) return <>{children}</>;
  return <EmptyState icon="search" title="The search cannot be read." />;
}
