import { useRef } from "preact/hooks";
import { EditorField } from "../../kit/editor/EditorField";
import { useKeys } from "../../lib/keys";
import { readPosition } from "../../lib/promql";

interface Props {
  letter: string;
  value: string;
  error: Error | null;
  onRun: (text: string) => void;
  onFocus: () => void;
}
export function QueryField(p: Props) {
  const field = useRef<{ focus(): void } | null>(null);
  useKeys(p.letter === "A" ? [{ keys: "/", label: "Write a query", group: "Metrics", run: () => field.current?.focus() }] : []);
  return (
    <div class="query-field">
      <span class="query-letter" aria-hidden="true">
        {p.letter}
      </span>
      <EditorField
        label={`Query ${p.letter}`}
        value={p.value}
        load={() => import("./editor")}
        error={p.error}
        place={p.error ? readPosition(p.error.message, p.value) : null}
        onRun={p.onRun}
        onFocus={p.onFocus}
        field={field}
      />
    </div>
  );
}
