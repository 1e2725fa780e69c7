// The one filter bar: chips for filters, a field for more. `level=error` becomes a chip at Enter, other words search
// text. Suggestions name fields, then a field's values. Everything is in the address (`where`, `q`).
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { get } from "../lib/api";
import { addFilter, type Filter, filterText, parseTyped, readFilters } from "../lib/filters";
import { useKeys } from "../lib/keys";
import { patternOfValue } from "../lib/patterns";
import { useRange } from "../lib/query";
import type { Facet, Table } from "../lib/types";
import { setUrl, useFilters, useParam } from "../lib/url";
import { Icon } from "./Icon";

const FLIP: Partial<Record<Filter["op"], Filter["op"]>> = { "=": "!=", "!=": "=", "~": "!~", "!~": "~" };

export function FilterBar({ table = "logs", placeholder = "Search or filter: level=error" }: { table?: Table; placeholder?: string }) {
  const { filters, remove, set } = useFilters();
  const q = useParam("q");
  const [text, setText] = useState(q);
  const [active, setActive] = useState(-1);
  const [focused, setFocused] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  useEffect(() => setText(q), [q]);
  useKeys([{ keys: "/", label: "Search and filter", group: "View", run: () => input.current?.focus() }]);

  const suggestions = useSuggestions(table, text, focused);
  const commit = (typed: string) => {
    const { filters: added, rest } = parseTyped(typed);
    const now = readFilters(new URLSearchParams(location.search));
    setUrl({ where: added.reduce(addFilter, now).map(filterText), q: rest });
    setText(rest);
    setActive(-1);
  };
  const take = (suggestion: string) => {
    const before = text.replace(/\S*$/, "");
    if (suggestion.endsWith("=")) setText(before + suggestion);
    else commit(before + suggestion);
    input.current?.focus();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const open = focused && suggestions.length > 0;
    if (e.key === "Enter") {
      if (open && active >= 0) take(suggestions[active]!.insert);
      else commit(text);
    } else if (e.key === "ArrowDown" && open) setActive((active + 1) % suggestions.length);
    else if (e.key === "ArrowUp" && open) setActive((active - 1 + suggestions.length) % suggestions.length);
    else if (e.key === "Escape") input.current?.blur();
    else if (e.key === "Backspace" && text === "" && filters.length > 0) remove(filters.at(-1)!);
    else return;
    e.preventDefault();
  };
  const showList = focused && suggestions.length > 0;
  return (
    <div class="filterbar" role="search">
      <Icon name="search" size={14} />
      {filters.map((f) => (
        <Chip key={filterText(f)} filter={f} onFlip={(flipped) => set(filters.map((old) => (old === f ? flipped : old)))} onRemove={() => remove(f)} />
      ))}
      <input
        ref={input}
        class="filter-input"
        value={text}
        placeholder={filters.length ? "and…" : placeholder}
        aria-label="Search and filter"
        role="combobox"
        aria-expanded={showList}
        aria-controls={listId}
        aria-activedescendant={showList && active >= 0 ? `${listId}-${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setActive(-1);
        }}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          if (text !== q) commit(text);
        }}
        onKeyDown={onKeyDown}
      />
      {(filters.length > 0 || q) && (
        <button type="button" class="chip-x" aria-label="Clear all filters" title="Clear all filters" onClick={() => setUrl({ where: null, q: null })}>
          <Icon name="close" size={14} />
        </button>
      )}
      <ul id={listId} class="suggestions" role="listbox" aria-label="Suggestions" hidden={!showList}>
        {suggestions.map((s, i) => (
          <li
            key={s.insert}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === active}
            class={i === active ? "suggestion active" : "suggestion"}
            onPointerDown={(e) => {
              e.preventDefault();
              take(s.insert);
            }}
          >
            <span class="clip grow">{s.label}</span>
            <span class="faint num">{s.note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Chip({ filter: f, onFlip, onRemove }: { filter: Filter; onFlip: (f: Filter) => void; onRemove: () => void }) {
  const flipped = FLIP[f.op];
  const sign = { "!=": "≠", "!~": "≁", ">=": "≥", "<=": "≤" }[f.op as string] ?? f.op;
  return (
    <span class={f.op.startsWith("!") ? "chip chip-not" : "chip"}>
      <span class="muted">{f.field}</span>
      <button type="button" class="chip-op" disabled={!flipped} title="Turn around" aria-label={`Turn ${filterText(f)} around`} onClick={() => flipped && onFlip({ ...f, op: flipped })}>
        {sign}
      </button>
      <span class="clip chip-text" title={f.value}>
        {(f.field === "message" && patternOfValue(f.value)) || f.value}
      </span>
      <button type="button" class="chip-x" aria-label={`Remove ${filterText(f)}`} onClick={onRemove}>
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}

interface Suggestion {
  label: string;
  insert: string;
  note: string;
}
/** Names of fields for the word being typed; after `field=`, that field's most frequent values. */
function useSuggestions(table: Table, text: string, on: boolean): Suggestion[] {
  const { params } = useRange();
  const word = /\S*$/.exec(text)![0];
  const typed = /^([A-Za-z_][\w.\-/@]*)(=|!=)(.*)$/.exec(word);
  const fields = useQuery({
    queryKey: ["fields", table, params.start.slice(0, 16)],
    queryFn: ({ signal }) => get<{ fields: { name: string; rows: number }[] }>("fields", { table, ...params }, signal),
    enabled: on,
    staleTime: 60_000,
  });
  const values = useQuery({
    queryKey: ["facet-values", table, typed?.[1], params.start.slice(0, 16)],
    queryFn: ({ signal }) => get<{ facets: Facet[] }>(`${table}/facets`, { fields: typed![1], limit: 50, ...params }, signal),
    enabled: on && typed !== null,
    staleTime: 60_000,
  });
  if (!on) return [];
  if (typed) {
    const [, field, op, start] = typed;
    const all = values.data?.facets.find((f) => f.field === field)?.values ?? [];
    return all
      .filter((v) => v.value.toLowerCase().includes(start!.toLowerCase()) && v.value !== start)
      .slice(0, 8)
      .map((v) => ({ label: v.value, insert: `${field}${op}${/[\s"]/.test(v.value) ? JSON.stringify(v.value) : v.value}`, note: String(v.count) }));
  }
  return (fields.data?.fields ?? [])
    .filter((f) => f.name.toLowerCase().includes(word.toLowerCase()))
    .slice(0, 8)
    .map((f) => ({ label: f.name, insert: `${f.name}=`, note: "" }));
}
