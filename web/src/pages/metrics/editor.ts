// The query field: CodeMirror with PromQL, fetched when the page is opened. It lives in a shadow root, where its styles
// are constructed sheets, so that the page's content security policy needs no exception for them.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { type PrometheusClient, PromQLExtension } from "@prometheus-io/codemirror-promql";
import { get } from "../../lib/api";

const names = async (path: string, query: Record<string, string | undefined> = {}) => (await get<{ data: string[] }>(path, query).catch(() => ({ data: [] }))).data;
const selector = (metric?: string) => (metric ? { "match[]": `{__name__=${JSON.stringify(metric)}}` } : {});

/** Completion over our API. The server keeps no metadata of metrics, so names come without help. */
const client: PrometheusClient = {
  labelNames: (metric) => names("/api/v1/labels", selector(metric)),
  labelValues: (label, metric) => names(`/api/v1/label/${encodeURIComponent(label)}/values`, selector(metric)),
  metricNames: () => names("/api/v1/label/__name__/values"),
  metricMetadata: () => Promise.resolve({}),
  series: () => Promise.resolve([]),
  flags: () => Promise.resolve({}),
};

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: "var(--mono)", padding: "6px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 8px" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-scroller": { lineHeight: "1.5", maxHeight: "180px", overflow: "auto" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "none" },
  ".cm-placeholder": { color: "var(--text-3)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line-strong)", borderRadius: "6px", boxShadow: "var(--shadow)", color: "var(--text)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "260px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--selected)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)" },
  ".cm-diagnostic": { padding: "4px 8px" },
});
const colors = HighlightStyle.define([
  { tag: [tags.function(tags.variableName), tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--info)" },
  { tag: [tags.string], color: "var(--good)" },
  { tag: [tags.number], color: "var(--warn)" },
  { tag: [tags.labelName], color: "var(--accent-text)" },
  { tag: [tags.comment], color: "var(--text-3)" },
  { tag: [tags.invalid], color: "var(--bad)" },
]);

export interface Editor {
  set(text: string): void;
  /** Marks the place an error was found at; null clears. */
  mark(error: { at: number; words: string } | null): void;
  focus(): void;
  destroy(): void;
}

export function mountEditor(host: HTMLElement, text: string, on: { change(text: string): void; run(): void; focus(): void }): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
  const promql = new PromQLExtension().activateCompletion(true).activateLinter(false).setComplete({ remote: client });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        ...(nonce ? [EditorView.cspNonce.of(nonce)] : []),
        Prec.high(keymap.of([{ key: "Enter", run: () => (on.run(), true) }, { key: "Mod-Enter", run: () => (on.run(), true) }])),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        // Completion has Enter while its list is open; Tab stays with the page, so that the field is no trap.
        Prec.highest(keymap.of(completionKeymap)),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
        promql.asExtension(),
        syntaxHighlighting(colors),
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "PromQL query" }),
        placeholder("A PromQL expression, or choose a metric"),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) on.change(u.state.doc.toString());
          if (u.focusChanged && u.view.hasFocus) on.focus();
        }),
      ],
    }),
  });
  // Inside a shadow root a key's target is the host: without this, letters typed would be the page's shortcuts.
  const keep = (e: KeyboardEvent) => !e.ctrlKey && !e.metaKey && e.stopPropagation();
  host.addEventListener("keydown", keep);
  return {
    set(next) {
      if (next !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    mark(error) {
      const length = view.state.doc.length;
      const from = error ? Math.min(error.at, Math.max(length - 1, 0)) : 0;
      view.dispatch(setDiagnostics(view.state, error ? [{ from, to: Math.min(length, from + 1), severity: "error", message: error.words }] : []));
    },
    focus: () => view.focus(),
    destroy() {
      host.removeEventListener("keydown", keep);
      view.destroy();
    },
  };
}
