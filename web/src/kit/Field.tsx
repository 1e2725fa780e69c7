import type { ComponentChildren, TargetedEvent } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onInput: (e: TargetedEvent<HTMLInputElement, InputEvent>) => void;
  type?: "text" | "password" | "email" | "number";
  name?: string;
  placeholder?: string;
  required?: boolean;
  autocomplete?: string;
  autofocus?: boolean;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  hint?: ComponentChildren;
  error?: string | null;
}
/** A labelled input with a hint under it; an error replaces the hint and is heard. */
export function Field({ label, hint, error, type = "text", ...rest }: Props) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} class="input" aria-invalid={error ? true : undefined} aria-describedby={note ? `${id}-n` : undefined} {...({ type, ...rest } as object)} />
      {note && (
        <p id={`${id}-n`} class={error ? "tone-bad" : "faint"} role={error ? "alert" : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}

/** Text of several lines that a machine reads: no help with spelling, every character as wide as the others. */
export function TextArea(p: { label: string; value: string; rows: number; placeholder?: string; hint?: ComponentChildren; error?: string | null; readonly?: boolean; onInput: (text: string) => void }) {
  const id = useId();
  const note = p.error ?? p.hint;
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      <textarea
        id={id}
        class="input mono"
        rows={p.rows}
        value={p.value}
        placeholder={p.placeholder}
        readOnly={p.readonly}
        spellcheck={false}
        aria-invalid={p.error ? true : undefined}
        aria-describedby={note ? `${id}-n` : undefined}
        onInput={(e) => p.onInput(e.currentTarget.value)}
      />
      {note && (
        <p id={`${id}-n`} class={p.error ? "tone-bad" : "faint"} role={p.error ? "alert" : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Select(p: { label: string; value: string; options: readonly (readonly [string, string])[]; onChange: (v: string) => void; hideLabel?: boolean }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={p.hideLabel ? "hear-only" : undefined}>
        {p.label}
      </label>
      <select id={id} class="input" value={p.value} onChange={(e) => p.onChange(e.currentTarget.value)}>
        {p.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
