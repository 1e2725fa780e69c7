// What a span carries beside its fields: things that happened while it ran, and spans it has to do with. Both come from
// clients, so every part may be missing or of another kind.
import type { AttrValue, Row } from "./types";

export interface SpanEvent {
  time: string;
  name: string;
  fields: [name: string, value: string][];
}
export interface SpanLink {
  trace: string;
  span: string;
  fields: [name: string, value: string][];
}
export interface SpanParts {
  events: SpanEvent[];
  links: SpanLink[];
}
type Loose = { events?: unknown; links?: unknown; time?: unknown; name?: unknown; trace_id?: unknown; span_id?: unknown; attributes?: unknown };

const list = (v: unknown): Loose[] => (Array.isArray(v) ? v.filter((o): o is Loose => typeof o === "object" && o !== null) : []);
const text = (v: unknown) => (typeof v === "string" ? v : "");
function fields(v: unknown): [string, string][] {
  if (typeof v !== "object" || v === null) return [];
  return Object.entries(v as Record<string, AttrValue>).map(([name, value]) => [name, String(value)]);
}

export function spanParts(row: Row): SpanParts {
  const payload = (typeof row.payload === "object" && row.payload !== null ? row.payload : {}) as Loose;
  return {
    events: list(payload.events).map((e) => ({ time: text(e.time), name: text(e.name) || "(no name)", fields: fields(e.attributes) })),
    links: list(payload.links)
      .map((l) => ({ trace: text(l.trace_id), span: text(l.span_id), fields: fields(l.attributes) }))
      .filter((l) => /^[0-9a-f]{32}$/.test(l.trace)),
  };
}
