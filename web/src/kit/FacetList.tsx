// The most frequent values of some fields, each with its count: a click shows only it, a second click takes that back,
// the minus leaves it out. Values that are filtered on stay in sight.
import type { Facet } from "../lib/types";
import { count } from "../lib/format";
import { type Filter, sameFilter } from "../lib/filters";
import { useFilters } from "../lib/url";
import { IconButton } from "./Button";
import { LevelMark } from "./Badge";

const TITLES: Record<string, string> = {
  level: "Level",
  service: "Service",
  environment: "Environment",
  release: "Release",
  host: "Host",
  transaction: "Transaction",
};

interface Props {
  facets: readonly Facet[];
  label?: string;
  /** Splits what is shown over time by a field; the one it is split by. */
  onGroup?: (field: string) => void;
  grouped?: string;
}
export function FacetList({ facets, label = "Fields", onGroup, grouped }: Props) {
  return (
    <nav class="facets" aria-label={label}>
      {facets.map((facet) => (
        <FacetGroup key={facet.field} facet={facet} onGroup={onGroup} grouped={grouped === facet.field} />
      ))}
    </nav>
  );
}

function FacetGroup({ facet, onGroup, grouped }: { facet: Facet; onGroup: ((field: string) => void) | undefined; grouped: boolean }) {
  const { filters, add, remove } = useFilters();
  const most = Math.max(...facet.values.map((v) => v.count), 1);
  const chosen = filters.filter((f) => f.field === facet.field && f.op === "=" && !facet.values.some((v) => v.value === f.value));
  const values = [...facet.values, ...chosen.map((f) => ({ value: f.value, count: 0 }))];
  if (values.length === 0) return null;
  return (
    <details class="facet" open>
      <summary>
        <span class="clip grow">{TITLES[facet.field] ?? facet.field}</span>
      </summary>
      {onGroup && <IconButton small icon="group" class="facet-group" on={grouped} label={`Group by ${TITLES[facet.field] ?? facet.field}`} onClick={() => onGroup(facet.field)} />}
      <ul>
        {values.map(({ value, count: n }) => {
          const is: Filter = { field: facet.field, op: "=", value };
          const on = filters.some((f) => sameFilter(f, is));
          return (
            <li key={value} class={on ? "facet-row facet-on" : "facet-row"}>
              <button type="button" class="facet-value" aria-pressed={on} title={value} onClick={() => (on ? remove(is) : add(is))}>
                <span class="clip grow">{facet.field === "level" ? <LevelMark level={value} /> : value || <em>empty</em>}</span>
                <span class="num faint">{count(n)}</span>
                <i class="facet-share" aria-hidden="true" style={{ width: `${(n / most) * 100}%` }} />
              </button>
              <IconButton small icon="minus" label={`Leave out ${value}`} onClick={() => add({ ...is, op: "!=" })} />
            </li>
          );
        })}
      </ul>
    </details>
  );
}
