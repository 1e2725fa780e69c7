import { CopyButton } from "./Button";

/** Text to read and to copy, as it is. */
export function CodeBlock({ text, label = "Code", copy = true }: { text: string; label?: string; copy?: boolean }) {
  return (
    <div class="code">
      {copy && (
        <div class="code-copy">
          <CopyButton text={text} label={`Copy ${label}`} />
        </div>
      )}
      <pre tabIndex={0} aria-label={label} role="region">
        <code>{text}</code>
      </pre>
    </div>
  );
}
