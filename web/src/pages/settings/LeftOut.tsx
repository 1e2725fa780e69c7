// How much of what was sent to a project was not kept in the last day, the most of it first; the whole is under Usage.
import { useQuery } from "@tanstack/react-query";
import { Link } from "../../app/Link";
import { get } from "../../lib/api";
import { count } from "../../lib/format";
import { categoryName, reasonName, type UsageKind } from "../../lib/usage";

interface Outcome {
  source: UsageKind;
  category: string;
  reason: string;
  quantity: number;
}
const SHOWN = 6;

export function LeftOut({ project }: { project: number }) {
  const outcomes = useQuery({
    queryKey: ["outcomes", project],
    queryFn: async ({ signal }) => (await get<{ outcomes: Outcome[] }>(`projects/${project}/outcomes`, {}, signal)).outcomes,
  });
  const list = outcomes.data ?? [];
  if (list.length === 0) return null;
  return (
    <details>
      <summary class="muted">{count(list.reduce((sum, o) => sum + o.quantity, 0))} not kept in the last 24 hours</summary>
      <ul class="plain-list">
        {list.slice(0, SHOWN).map((o) => (
          <li key={`${o.source} ${o.category} ${o.reason}`} class="row">
            <span class="grow clip">
              {categoryName(o.category)} <span class="faint">{reasonName(o.source, o.reason)}</span>
            </span>
            <span class="num">{count(o.quantity)}</span>
          </li>
        ))}
      </ul>
      <Link to={`/settings/usage?project=${project}`}>All of it</Link>
    </details>
  );
}
