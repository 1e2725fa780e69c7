// Words under the time axis: as much of a time as the distance of the ticks needs, and the day where one begins.
import { formatDate, formatTime, type Zone } from "../../lib/time";

/** Labels for ticks (Unix seconds) that lie `step` seconds apart. */
export function timeTicks(ticks: readonly number[], step: number, zone: Zone): string[] {
  let day = "";
  return ticks.map((t) => {
    const ms = t * 1000;
    const date = formatDate(ms, zone).slice(5);
    const newDay = day !== "" && date !== day;
    day = date;
    if (step >= 86400) return date;
    const time = formatTime(ms, zone, step < 1);
    const clock = step < 1 ? time.slice(3) : step < 60 ? time : time.slice(0, 5);
    return newDay ? `${date}\n${clock}` : clock;
  });
}
