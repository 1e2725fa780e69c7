// The event as it is kept: what the client sent, after masking, to read and to copy.
import { useState } from "preact/hooks";
import { CodeBlock } from "../../kit";
import { visible } from "../../lib/event";
import type { Row } from "../../lib/types";

export default function RawEvent({ row }: { row: Row }) {
  const [open, setOpen] = useState(false);
  if (row.payload === undefined || row.payload === null) return null;
  return (
    <section class="issue-section" aria-label="Raw JSON">
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <h2 class="grouping-title">Raw JSON</h2> <span class="faint">the event as it is kept</span>
        </summary>
        {open && <CodeBlock text={visible(JSON.stringify(row.payload, null, 2))} label="raw JSON" />}
      </details>
    </section>
  );
}
