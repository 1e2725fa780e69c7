// The fields of a row, a span or a target: names and values, each value with its menu, ids and addresses as links.
import "./fields.css";
import { safeLink } from "../lib/format";
import { Icon } from "../kit/Icon";
import type { MenuItem } from "../kit/Overlay";
import { Value } from "../kit/ValueMenu";
import { Link } from "./Link";

const TRACE_ID = /^[0-9a-f]{32}$/;

/** Where an id leads to inside this UI, or null. */
export function idLink(name: string, value: string): string | null {
  if (name === "trace_id" && TRACE_ID.test(value)) return `/traces/${value}`;
  if (name === "request_id" || name === "user_id") return `/logs?where=${encodeURIComponent(`${name}=${value}`)}`;
  return null;
}

export function FieldTable(p: { fields: readonly (readonly [string, string])[]; label: string; more?: (name: string, value: string) => readonly MenuItem[] }) {
  return (
    <dl class="fields" aria-label={p.label}>
      {p.fields.map(([name, value]) => {
        const inside = idLink(name, value);
        const outside = safeLink(value);
        return (
          <div key={name} class="fields-row">
            <dt class="clip" title={name}>
              {name}
            </dt>
            <dd class="breakable mono">
              <Value field={name} value={value} more={p.more?.(name, value)} />
              {inside && (
                <Link to={inside} keep={["range", "from", "to", "project"]} class="fields-link" aria-label={`Open ${name} ${value}`}>
                  <Icon name="right" size={14} />
                </Link>
              )}
              {outside && (
                <a class="fields-link" href={outside} target="_blank" rel="noreferrer noopener" aria-label={`Open ${outside} in a new window`}>
                  <Icon name="external" size={13} />
                </a>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
