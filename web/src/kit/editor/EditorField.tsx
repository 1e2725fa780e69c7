// A query: a plain field until the editor is there, which is fetched when someone goes to it or the page is quiet. Enter
// runs it, and so does leaving it.
import "./editor.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { whenQuiet } from "../../lib/query";
import type { Editor, MountEditor } from "./core";

export interface EditorFieldProps {
  label: string;
  value: string;
  /** Fetches the language's editor. */
  load: () => Promise<{ mountEditor: MountEditor }>;
  error: Error | null;
  /** Where in the text the error is, if it says so. */
  place: { at: number; words: string } | null;
  onRun: (text: string) => void;
  onFocus?: () => void;
  /** Given the way to put the focus here. */
  field?: { current: { focus(): void } | null };
}
export function EditorField(p: EditorFieldProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const text = useRef(p.value);
  const latest = useRef(p);
  latest.current = p;
  const plain = useRef<HTMLInputElement>(null);
  const [wanted, setWanted] = useState(false);
  const [ready, setReady] = useState(false);
  useEffect(() => whenQuiet(() => setWanted(true)), []);
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    void p.load().then(({ mountEditor }) => {
      if (gone || !host.current) return;
      editor.current = mountEditor(host.current, text.current, {
        change: (t) => (text.current = t),
        run: () => latest.current.onRun(text.current),
        focus: () => latest.current.onFocus?.(),
      });
      // Whoever is writing writes on where they are.
      const writing = plain.current !== null && document.activeElement === plain.current;
      host.current.hidden = false;
      if (writing && text.current !== latest.current.value) editor.current.takeOver(plain.current!.selectionEnd ?? text.current.length);
      else if (writing) editor.current.focus();
      setReady(true);
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, [wanted]);
  useEffect(() => {
    if (p.field) p.field.current = { focus: () => (editor.current ?? plain.current)?.focus() };
  }, []);
  useEffect(() => {
    text.current = p.value;
    editor.current?.set(p.value);
  }, [p.value]);
  useEffect(() => editor.current?.mark(p.place), [p.place?.at, p.place?.words, ready]);
  const leave = (e: FocusEvent) => {
    if ((e.currentTarget as HTMLElement).contains(e.relatedTarget as Node | null)) return;
    if (text.current !== latest.current.value) latest.current.onRun(text.current);
  };
  return (
    <div class="grow">
      <div class={p.error ? "query-editor query-wrong" : "query-editor"} onFocusOut={leave}>
        <div ref={host} hidden={!ready} />
        {!ready && (
          <input
            ref={plain}
            class="query-plain mono"
            aria-label={p.label}
            defaultValue={p.value}
            spellcheck={false}
            onInput={(e) => (text.current = e.currentTarget.value)}
            onFocus={() => {
              setWanted(true);
              p.onFocus?.();
            }}
            onKeyDown={(e) => e.key === "Enter" && p.onRun(text.current)}
          />
        )}
      </div>
      {p.error && (
        <p class="tone-bad query-error breakable" role="alert">
          {p.place ? `At character ${p.place.at + 1}: ${p.place.words}` : p.error.message}
        </p>
      )}
    </div>
  );
}
