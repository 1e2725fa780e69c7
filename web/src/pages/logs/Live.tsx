// Lines as they arrive: what state the tail is in, and the list, which is held while one reads further down.
import { useMemo, useState } from "preact/hooks";
import { Button } from "../../kit";
import { count, plural } from "../../lib/format";
import type { Tail } from "../../lib/tail";
import { LogList } from "./LogList";

const STATES: Record<Tail["state"], string> = {
  open: "Live",
  lost: "Connection lost, trying again",
  ended: "Ended: you are signed out",
  connecting: "Connecting",
};

export function LiveState({ tail }: { tail: Tail }) {
  return (
    <span class="row">
      <i class={`live-dot live-${tail.state}`} aria-hidden="true" />
      {STATES[tail.state]}
      {tail.state === "open" && <span class="faint live-rate">{plural(tail.rate, "line")} a second</span>}
      {tail.dropped > 0 && <span class="tone-warn">{plural(tail.dropped, "line")} left out: more arrived than can be shown</span>}
    </span>
  );
}

export function LiveLines(p: { tail: Tail; away: boolean; onAway: (away: boolean) => void }) {
  const { rows, waiting } = p.tail;
  const top = useMemo(() => ({ key: 0 }), []);
  const [, again] = useState(0);
  return (
    <div class="logs-live">
      {p.away && (
        <Button
          small
          kind="primary"
          class="logs-waiting"
          onClick={() => {
            top.key++;
            p.onAway(false);
            again(top.key);
          }}
        >
          {waiting > 0 ? `${count(waiting)} new, held while you read. Show them` : "Held while you read. Go on"}
        </Button>
      )}
      {rows.length === 0 ? <p class="faint logs-none">Lines appear here as they arrive.</p> : <LogList key={top.key} rows={rows} onAway={p.onAway} />}
    </div>
  );
}
