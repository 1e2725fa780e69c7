// A query field: CodeMirror with a language, fetched when a page that has one is opened. It lives in a shadow root, where
// its styles are constructed sheets, so that the page's content security policy needs no exception for them.
import { closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";

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
  ".cm-wrong": { textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
});
const colors = HighlightStyle.define([
  { tag: [tags.function(tags.variableName), tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--info)" },
  { tag: [tags.string], color: "var(--good)" },
  { tag: [tags.number], color: "var(--warn)" },
  { tag: [tags.labelName], color: "var(--accent-text)" },
  { tag: [tags.comment], color: "var(--text-3)" },
  { tag: [tags.invalid], color: "var(--bad)" },
]);

/** The place of an error, underlined; its words stand below the field. */
const setWrong = StateEffect.define<{ from: number; to: number; words: string } | null>();
const wrong = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    let next = marks.map(change.changes);
    for (const effect of change.effects) {
      if (!effect.is(setWrong)) continue;
      const e = effect.value;
      next = e && e.to > e.from ? Decoration.set(Decoration.mark({ class: "cm-wrong", attributes: { title: e.words } }).range(e.from, e.to)) : Decoration.none;
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export interface Editor {
  set(text: string): void;
  /** Marks the place an error was found at; null clears. */
  mark(error: { at: number; words: string } | null): void;
  /** Puts the cursor there. */
  focus(): void;
  /** Goes on where someone is writing, at a position of the text, and offers what may follow. */
  takeOver(at: number): void;
  destroy(): void;
}
export interface EditorEvents {
  change(text: string): void;
  run(): void;
  focus(): void;
}
export interface EditorWords {
  label: string;
  placeholder: string;
}
/** What a language's module exports: mounts its editor. */
export type MountEditor = (host: HTMLElement, text: string, on: EditorEvents) => Editor;

export function mountCore(host: HTMLElement, text: string, language: Extension, words: EditorWords, on: EditorEvents): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
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
        // Completion has Enter while its list is open; Tab stays with the page, so that the field is no trap.
        Prec.highest(keymap.of(completionKeymap)),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
        language,
        wrong,
        syntaxHighlighting(colors),
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": words.label }),
        placeholder(words.placeholder),
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
      view.dispatch({ effects: setWrong.of(error ? { from, to: Math.min(length, from + 1), words: error.words } : null) });
    },
    focus: () => view.focus(),
    takeOver(at) {
      view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) } });
      view.focus();
      startCompletion(view);
    },
    destroy() {
      host.removeEventListener("keydown", keep);
      view.destroy();
    },
  };
}
