import type { ComponentChildren } from "preact";

export interface Tab {
  id: string;
  label: ComponentChildren;
  count?: string;
}

/** The row of tabs; what belongs to one is the caller's, in an element with role `tabpanel` and id `panel-ID`. */
export function Tabs(p: { label: string; tabs: readonly Tab[]; current: string; onChange: (id: string) => void }) {
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    const at = p.tabs.findIndex((t) => t.id === p.current);
    const next = p.tabs[(at + step + p.tabs.length) % p.tabs.length]!;
    p.onChange(next.id);
    (e.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${CSS.escape(next.id)}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={p.label} onKeyDown={move}>
      {p.tabs.map((t) => (
        <button
          key={t.id}
          type="button"
          role="tab"
          data-tab={t.id}
          aria-selected={t.id === p.current}
          tabIndex={t.id === p.current ? 0 : -1}
          class="tab"
          onClick={() => p.onChange(t.id)}
        >
          {t.label}
          {t.count && <span class="tab-count num">{t.count}</span>}
        </button>
      ))}
    </div>
  );
}

/** One of few: buttons joined into one control. */
export function Segmented(p: { label: string; options: readonly (readonly [string, ComponentChildren])[]; value: string; onChange: (v: string) => void }) {
  return (
    <div class="segmented" role="group" aria-label={p.label}>
      {p.options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={value === p.value} onClick={() => p.onChange(value)}>
          {text}
        </button>
      ))}
    </div>
  );
}
