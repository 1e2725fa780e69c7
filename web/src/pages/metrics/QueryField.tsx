import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../../lib/keys";
import { readPosition } from "../../lib/promql";
import type { Editor } from "./editor";

interface Props {
  letter: string;
  value: string;
  error: Error | null;
  onRun: (text: string) => void;
  onFocus: () => void;
}
/** A query: a plain field until the editor is there. Enter runs it, and so does leaving it. */
export function QueryField(p: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const text = useRef(p.value);
  const latest = useRef(p);
  latest.current = p;
  const [ready, setReady] = useState(false);
  useKeys(p.letter === "A" ? [{ keys: "/", label: "Write a query", group: "Metrics", run: () => editor.current?.focus() }] : []);
  const place = p.error ? readPosition(p.error.message, p.value) : null;
  useEffect(() => {
    let gone = false;
    void import("./editor").then(({ mountEditor }) => {
      if (gone || !host.current) return;
      editor.current = mountEditor(host.current, text.current, {
        change: (t) => (text.current = t),
        run: () => latest.current.onRun(text.current),
        focus: () => latest.current.onFocus(),
      });
      setReady(true);
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    text.current = p.value;
    editor.current?.set(p.value);
  }, [p.value]);
  useEffect(() => editor.current?.mark(place), [place?.at, place?.words, ready]);
  const leave = () => text.current !== latest.current.value && latest.current.onRun(text.current);
  return (
    <div class="query-field">
      <span class="query-letter" aria-hidden="true">
        {p.letter}
      </span>
      <div class="grow">
        <div class={p.error ? "query-editor query-wrong" : "query-editor"} onFocusOut={leave}>
          <div ref={host} hidden={!ready} />
          {!ready && (
            <input
              class="query-plain mono"
              aria-label={`Query ${p.letter}`}
              defaultValue={p.value}
              spellcheck={false}
              onInput={(e) => (text.current = e.currentTarget.value)}
              onFocus={p.onFocus}
              onKeyDown={(e) => e.key === "Enter" && p.onRun(text.current)}
            />
          )}
        </div>
        {p.error && (
          <p class="tone-bad query-error breakable" role="alert">
            {place ? `At character ${place.at + 1}: ${place.words}` : p.error.message}
          </p>
        )}
      </div>
    </div>
  );
}
