// What of a project's data was not kept in the last day, and why: most of it is what SDKs leave out by their own settings.
import { useQuery } from "@tanstack/react-query";
import { get } from "../../lib/api";
import { count } from "../../lib/format";

interface Outcome {
  source: string;
  category: string;
  reason: string;
  quantity: number;
}
const SHOWN = 6;
const words = (name: string) => name.replaceAll("_", " ");

export function LeftOut({ project }: { project: number }) {
  const outcomes = useQuery({
    queryKey: ["outcomes", project],
    queryFn: async ({ signal }) => (await get<{ outcomes: Outcome[] }>(`projects/${project}/outcomes`, {}, signal)).outcomes,
  });
  const list = outcomes.data ?? [];
  if (list.length === 0) return null;
  return (
    <details>
      <summary class="muted">{count(list.reduce((sum, o) => sum + o.quantity, 0))} left out by clients in the last 24 hours</summary>
      <ul class="plain-list">
        {list.slice(0, SHOWN).map((o) => (
          <li key={`${o.source} ${o.category} ${o.reason}`} class="row">
            <span class="grow clip">
              {words(o.category)} <span class="faint">{words(o.reason)}</span>
            </span>
            <span class="num">{count(o.quantity)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
