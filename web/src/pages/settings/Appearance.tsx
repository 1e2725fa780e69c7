import { Segmented } from "../../kit";
import { type Prefs, prefs, setPrefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";

/** Kept in this browser, for whoever uses it. */
export function Appearance() {
  const p = useStore(prefs);
  return (
    <dl class="choices">
      <Choice name="Theme" note="Follows the system unless you choose.">
        <Segmented label="Theme" value={p.theme} options={[["system", "System"], ["light", "Light"], ["dark", "Dark"]]} onChange={(v) => setPrefs({ theme: v as Prefs["theme"] })} />
      </Choice>
      <Choice name="Density" note="Compact shows about a quarter more rows.">
        <Segmented label="Density" value={p.density} options={[["comfortable", "Comfortable"], ["compact", "Compact"]]} onChange={(v) => setPrefs({ density: v as Prefs["density"] })} />
      </Choice>
      <Choice name="Times" note="In this machine's zone, or in UTC as the API gives them.">
        <Segmented label="Time zone" value={p.zone} options={[["local", "Local"], ["utc", "UTC"]]} onChange={(v) => setPrefs({ zone: v as Prefs["zone"] })} />
      </Choice>
      <Choice name="Refresh" note="How often a range that ends now is asked again.">
        <Segmented
          label="Refresh"
          value={String(p.refresh)}
          options={[["0", "Off"], ["10", "10 s"], ["30", "30 s"], ["60", "1 min"]]}
          onChange={(v) => setPrefs({ refresh: Number(v) })}
        />
      </Choice>
    </dl>
  );
}

function Choice({ name, note, children }: { name: string; note: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>
        <span class="strong">{name}</span>
        <p class="faint">{note}</p>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
