// A text in which something was masked: the mask says by which rule, to a pointer that rests on it and to a tap.
import { useState } from "preact/hooks";
import { explain, type Note, piecesOf } from "../lib/remarks";

export function Redacted({ text, note }: { text: string; note: Note | null | undefined }) {
  const [told, setTold] = useState<string | null>(null);
  if (!note) return <>{text}</>;
  return (
    <>
      {piecesOf(text, note).map((piece, i) => {
        if (!piece.remark) return piece.text;
        const words = explain(piece.remark, note.length);
        return (
          <button key={i} type="button" class="redacted" title={words} aria-label={`${piece.text || "nothing"}. ${words}`} onClick={() => setTold(told === words ? null : words)}>
            {piece.text || "(removed)"}
          </button>
        );
      })}
      {told && (
        <span class="redacted-why" role="status">
          {told}
        </span>
      )}
    </>
  );
}

/** Under a text whose parts have remarks: which rules, and how often. */
export function RedactedParts({ note }: { note: Note | null | undefined }) {
  if (!note) return null;
  const rules = new Map<string, number>();
  for (const remark of note.remarks) {
    const words = explain({ ...remark, begin: null }, null);
    rules.set(words, (rules.get(words) ?? 0) + 1);
  }
  return (
    <p class="faint redacted-parts">
      {[...rules].map(([words, n]) => (n > 1 ? `${words} (${n} times)` : words)).join(" · ")}
    </p>
  );
}
