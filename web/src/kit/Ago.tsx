import { useNow } from "../lib/query";
import { prefs } from "../lib/prefs";
import { useStore } from "../lib/store";
import { age, formatDateTime } from "../lib/time";

/** How long ago an instant was, as of the last refresh; the instant itself in the title. */
export function Ago({ time, suffix = false }: { time: string; suffix?: boolean }) {
  const now = useNow();
  const { zone } = useStore(prefs);
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return <span class="faint">–</span>;
  const text = age(ms, now);
  return (
    <time class="num" dateTime={time} title={`${formatDateTime(ms, zone)}${zone === "utc" ? " UTC" : ""}`}>
      {text}
      {suffix && text !== "now" ? " ago" : ""}
    </time>
  );
}
