// The one filter bar: chips for filters, a field for more. `level=error` becomes a chip at Enter, other words search
// text; on pages with a search language the field holds a query of it. Suggestions name fields, then a field's values.
// Everything is in the address (`where`, `q`).
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "../lib/api";
import { addFilter, type Filter, filterText, parseTyped, readFilters } from "../lib/filters";
import { useKeys } from "../lib/keys";
import { patternOfValue } from "../lib/patterns";
import { useRange } from "../lib/query";
import { type Problem, searchProblem } from "../lib/search";
import { quoteValue, writing } from "../lib/search-terms";
import { useStore } from "../lib/store";
import type { Facet, Table } from "../lib/types";
import { setUrl, useFilters, useParam } from "../lib/url";
import { Icon } from "./Icon";

const FLIP: Partial<Record<Filter["op"], Filter["op"]>> = { "=": "!=", "!=": "=", "~": "!~", "!~": "~" };

/** What is searched in a language of its own (lib/search-terms.ts). */
export type Language = "issues" | "traces";
const EXAMPLES: Record<Language, string> = {
  issues: "Search: is:new release:1.2.* stack.function:pay",
  traces: "Search: service:shop duration:>1s status:error",
};

export function FilterBar({ table = "logs", language }: { table?: Table; language?: Language }) {
  const { filters, remove, set } = useFilters();
  const q = useParam("q");
  const [text, setText] = useState(q);
  const [caret, setCaret] = useState(q.length);
  const [active, setActive] = useState(-1);
  const caretTo = useRef<number | null>(null);
  const [focused, setFocused] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  useEffect(() => setText(q), [q]);
  useKeys([{ keys: "/", label: "Search and filter", group: "View", run: () => input.current?.focus() }]);

  const problem = useStore(searchProblem);
  const wrong = language && text === q ? problem : null;

  const rowSuggestions = useSuggestions(table, text, focused && !language);
  const terms = useTerms(language ?? "issues", text, caret, focused && language !== undefined);
  const suggestions = language ? terms : rowSuggestions;
  const commit = (typed: string) => {
    setActive(-1);
    if (language) {
      setUrl({ q: typed.trim() });
      return;
    }
    const { filters: added, rest } = parseTyped(typed);
    const now = readFilters(new URLSearchParams(location.search));
    setUrl({ where: added.reduce(addFilter, now).map(filterText), q: rest });
    setText(rest);
  };
  const put = (next: string, at: number) => {
    setText(next);
    setCaret(at);
    setActive(-1);
    caretTo.current = at;
  };
  // As soon as the field has the text: whoever types on at once must not find the caret moved under their hands.
  useLayoutEffect(() => {
    if (caretTo.current === null) return;
    input.current?.setSelectionRange(caretTo.current, caretTo.current);
    caretTo.current = null;
  });
  const take = (suggestion: string) => {
    if (language) {
      const { at } = writing(text, caret);
      put(text.slice(0, at) + suggestion + text.slice(caret), at + suggestion.length);
      return;
    }
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
        placeholder={filters.length ? "and…" : language ? EXAMPLES[language] : "Search or filter: level=error"}
        aria-label="Search and filter"
        role="combobox"
        aria-expanded={showList}
        aria-controls={listId}
        aria-activedescendant={showList && active >= 0 ? `${listId}-${active}` : undefined}
        aria-invalid={wrong !== null || undefined}
        aria-describedby={wrong ? `${listId}-wrong` : undefined}
        autocomplete="off"
        spellcheck={false}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setCaret(e.currentTarget.selectionStart ?? e.currentTarget.value.length);
          setActive(-1);
        }}
        onSelect={(e) => setCaret(e.currentTarget.selectionStart ?? 0)}
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
      {wrong && !showList && <Wrong id={`${listId}-wrong`} problem={wrong} input={input.current} />}
    </div>
  );
}

/** What is wrong with the query, in the field below the character it is about; a click goes there. */
function Wrong({ id, problem, input }: { id: string; problem: Problem; input: HTMLInputElement | null }) {
  const [left, setLeft] = useState(0);
  const at = [...(input?.value ?? "")].slice(0, problem.at).join("").length;
  useLayoutEffect(() => {
    const pen = input && document.createElement("canvas").getContext("2d");
    if (!input || !pen) return;
    pen.font = getComputedStyle(input).font;
    const x = input.offsetLeft + pen.measureText(input.value.slice(0, at)).width - input.scrollLeft;
    setLeft(Math.max(input.offsetLeft, Math.min(x, input.offsetLeft + input.offsetWidth - 12)));
  }, [at, problem.words, input]);
  const go = () => {
    input?.focus();
    input?.setSelectionRange(at, at + 1);
  };
  return (
    <button type="button" class="filter-wrong" id={id} onClick={go}>
      <i class="filter-wrong-at" style={{ left: `${left}px` }} aria-hidden="true" />
      <span role="alert">
        <span class="num faint">Character {problem.at + 1}</span> {problem.words}
      </span>
    </button>
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
/** Keys of the language for the word at the caret, and what they are; behind a key's colon its most frequent values. */
function useTerms(language: Language, text: string, caret: number, on: boolean): Suggestion[] {
  const { params } = useRange();
  const project = useParam("project");
  const { key, text: typed } = writing(text, caret);
  const found = useQuery({
    queryKey: ["suggest", language, key, key === null ? "" : typed, project, params.start.slice(0, 16)],
    queryFn: ({ signal }) =>
      get<{ keys: { key: string; hint: string }[]; values: { value: string; count?: number }[] }>(
        "suggest",
        { for: language, key: key ?? "", text: key === null ? "" : typed, project, ...params },
        signal,
      ),
    enabled: on,
    staleTime: 60_000,
    placeholderData: (before) => before,
  });
  if (!on || !found.data) return [];
  if (key !== null) {
    return found.data.values
      .filter((v) => v.value !== typed)
      .slice(0, 8)
      .map((v) => ({ label: v.value, insert: `${/^[<>+-]/.test(v.value) ? v.value : quoteValue(v.value)} `, note: v.count ? String(v.count) : "" }));
  }
  const word = typed.toLowerCase();
  const keys = found.data.keys.filter((k) => k.key.toLowerCase().includes(word));
  keys.sort((a, b) => Number(b.key.toLowerCase().startsWith(word)) - Number(a.key.toLowerCase().startsWith(word)));
  return keys.slice(0, 8).map((k) => ({ label: k.key, insert: `${/^[A-Za-z_][\w.\-/@]*$/.test(k.key) ? k.key : `tags[${k.key}]`}:`, note: k.hint }));
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
