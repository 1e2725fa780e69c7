// What every dialog of an alert rule asks for in the same way: when it fires, how bad that is, and whom it tells.
import { useQuery } from "@tanstack/react-query";
import { get } from "../lib/api";
import type { Receiver } from "../lib/log-rules";

export const HOLDS = [["0s", "at once"], ["1m", "after 1 minute"], ["5m", "after 5 minutes"], ["15m", "after 15 minutes"], ["1h", "after 1 hour"]] as const;
export const SEVERITIES = [["critical", "Critical"], ["warning", "Warning"], ["info", "Info"]] as const;

/** `nobody` is said where no receiver is set up. */
export function ReceiverChoice({ to, nobody = "the alert is shown on Alerts only", onChange }: { to: readonly string[]; nobody?: string; onChange: (to: string[]) => void }) {
  const receivers = useQuery({ queryKey: ["receivers"], queryFn: async ({ signal }) => (await get<{ receivers: Receiver[] }>("receivers", {}, signal)).receivers, placeholderData: undefined });
  const known = receivers.data ?? [];
  // One that is gone from the settings is shown, so that it can be taken out.
  const gone = to.filter((name) => receivers.data && !known.some((r) => r.name === name));
  return (
    <fieldset class="make-wide make-receivers">
      <legend>Tell</legend>
      {receivers.data?.length === 0 && gone.length === 0 && <p class="faint">No receivers are set up: {nobody}.</p>}
      {[...known, ...gone.map((name) => ({ name, type: "not set up any more" }))].map((r) => (
        <label key={r.name} class="row">
          <input type="checkbox" checked={to.includes(r.name)} onChange={() => onChange(to.includes(r.name) ? to.filter((t) => t !== r.name) : [...to, r.name])} />
          {r.name} <span class="faint">{r.type}</span>
        </label>
      ))}
      {known.length > 0 && to.length === 0 && <p class="faint">With none chosen, all of them.</p>}
    </fieldset>
  );
}
