// The time range: quick choices, a field that understands "90m" and two dates, half a range back or forward, refresh.
import { useState } from "preact/hooks";
import { useKeys } from "../lib/keys";
import { prefs, setPrefs } from "../lib/prefs";
import { refreshNow, useRange } from "../lib/query";
import { useStore } from "../lib/store";
import { formatDateTime, parseTypedRange, QUICK_RANGES, rangeLabel, shiftRange, widenRange } from "../lib/time";
import { Button, IconButton } from "./Button";
import { Segmented } from "./Tabs";
import { Menu } from "./Overlay";

export function TimeRange() {
  const { range, setRange, start, end } = useRange();
  const { zone } = useStore(prefs);
  const shift = (by: -1 | 1) => setRange(shiftRange(range, by, Date.now()));
  useKeys([
    { keys: "t ArrowLeft", label: "Half a range back", group: "Time", run: () => shift(-1) },
    { keys: "t ArrowRight", label: "Half a range forward", group: "Time", run: () => shift(1) },
    { keys: "t z", label: "Twice as long", group: "Time", run: () => setRange(widenRange(range, Date.now())) },
    { keys: "t h", label: "Last hour", group: "Time", run: () => setRange({ kind: "relative", text: "1h" }) },
    { keys: "r", label: "Refresh", group: "Time", run: refreshNow },
  ]);
  return (
    <div class="timerange">
      <span class="wide-only">
        <IconButton icon="left" label="Half a range back" onClick={() => shift(-1)} />
      </span>
      <Menu label="Time range" icon="clock" kind="plain" button={<span class="num">{rangeLabel(range, zone)}</span>}>
        {(close) => (
          <RangePanel
            text={`${formatDateTime(start, zone)} to ${formatDateTime(end, zone)}`}
            current={range.kind === "relative" ? range.text : ""}
            onRange={(next) => {
              close();
              setRange(next);
            }}
          />
        )}
      </Menu>
      <span class="wide-only">
        <IconButton icon="right" label="Half a range forward" disabled={range.kind === "relative"} onClick={() => shift(1)} />
      </span>
      <IconButton icon="refresh" label="Refresh" onClick={refreshNow} />
    </div>
  );
}

function RangePanel(p: { text: string; current: string; onRange: (range: NonNullable<ReturnType<typeof parseTypedRange>>) => void }) {
  const { zone, refresh } = useStore(prefs);
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState(false);
  const submit = (e: Event) => {
    e.preventDefault();
    const range = parseTypedRange(typed, zone);
    if (range) p.onRange(range);
    else setWrong(true);
  };
  return (
    <div class="range-panel">
      <form onSubmit={submit} class="stack">
        <label class="field">
          <span>Range</span>
          <input class="input num" value={typed} placeholder="90m, or two dates" aria-invalid={wrong || undefined} onInput={(e) => setTyped(e.currentTarget.value)} />
        </label>
        <p class={wrong ? "tone-bad" : "faint"} role={wrong ? "alert" : undefined}>
          {wrong ? "Write 90m, 6h, 2d, or 2026-01-31 12:00 to 2026-01-31 13:00." : p.text}
        </p>
      </form>
      <div class="range-quick" role="group" aria-label="Quick ranges">
        {QUICK_RANGES.map(([text, label]) => (
          <Button key={text} kind="quiet" small on={text === p.current} onClick={() => p.onRange({ kind: "relative", text })}>
            {label}
          </Button>
        ))}
      </div>
      <div class="row range-foot">
        <Segmented label="Time zone" value={zone} options={[["local", "Local"], ["utc", "UTC"]]} onChange={(v) => setPrefs({ zone: v as "local" | "utc" })} />
        <Segmented
          label="Refresh every"
          value={String(refresh)}
          options={[["0", "Off"], ["10", "10s"], ["30", "30s"], ["60", "1m"]]}
          onChange={(v) => setPrefs({ refresh: Number(v) })}
        />
      </div>
    </div>
  );
}
