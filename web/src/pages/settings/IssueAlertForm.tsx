// One rule of issue alerts: what is news, of which issues, whom it tells and how often.
import "../../app/make.css";
import { useState } from "preact/hooks";
import { ReceiverChoice } from "../../app/RuleFields";
import { Button, Dialog, Field, Select } from "../../kit";
import { type IssueAlertRule, NEWS } from "../../lib/issue-alerts";

const WINDOWS = [["5m", "5 minutes"], ["15m", "15 minutes"], ["1h", "1 hour"], ["1d", "1 day"]] as const;
const PAUSES = [["0s", "every time"], ["10m", "each 10 minutes"], ["30m", "each 30 minutes"], ["1h", "each hour"], ["1d", "each day"]] as const;
const DIGESTS = [["0s", "at once"], ["15m", "together, each 15 minutes"], ["1h", "together, each hour"], ["1d", "together, each day"]] as const;
type Frequency = { more_than: number; within: string };

/** What can be chosen, and the rule's own value where it is none of that. */
const withOwn = (choices: readonly (readonly [string, string])[], own: string) => (choices.some(([v]) => v === own) ? choices : [...choices, [own, own] as const]);

function FrequencyChoice({ what, value, onChange }: { what: "events" | "users"; value: Frequency | null; onChange: (v: Frequency | null) => void }) {
  const own = value ?? { more_than: what === "events" ? 100 : 20, within: "1h" };
  return (
    <div class="make-wide stack">
      <label class="row">
        <input type="checkbox" checked={value !== null} onChange={() => onChange(value ? null : own)} />
        Issues with many {what} in a short time
      </label>
      {value && (
        <div class="make-pair">
          <Field label={`More than so many ${what}`} type="number" required value={String(value.more_than)} onInput={(e) => onChange({ ...value, more_than: Number(e.currentTarget.value) })} />
          <Select label={`${what === "events" ? "Events" : "Users"} within`} value={value.within} options={withOwn(WINDOWS, value.within)} onChange={(within) => onChange({ ...value, within })} />
        </div>
      )}
    </div>
  );
}

export default function IssueAlertForm({ rule, isNew, onSave, onClose }: { rule: IssueAlertRule; isNew: boolean; onSave: (rule: IssueAlertRule) => Promise<void>; onClose: () => void }) {
  const [own, setOwn] = useState(rule);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<IssueAlertRule>) => {
    setOwn({ ...own, ...part });
    setError(null);
  };
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await onSave({ ...own, name: own.name.trim(), query: own.query.trim() });
    } catch (problem) {
      setError((problem as Error).message.replace(/^rules\[\d+\]\./, ""));
      setBusy(false);
    }
  };
  const nothing = own.on.length === 0 && !own.events && !own.users;
  return (
    <Dialog title={isNew ? "Add a rule" : `Change ${rule.name}`} open wide onClose={onClose}>
      <form class="make" onSubmit={(e) => void save(e)}>
        <Field label="Name" value={own.name} required maxLength={120} onInput={(e) => change({ name: e.currentTarget.value })} />
        <fieldset class="make-wide make-checks">
          <legend>Tell of</legend>
          {NEWS.map(([news, text]) => (
            <label key={news} class="row">
              <input type="checkbox" checked={own.on.includes(news)} onChange={() => change({ on: own.on.includes(news) ? own.on.filter((n) => n !== news) : [...own.on, news] })} />
              {text}
            </label>
          ))}
        </fieldset>
        <FrequencyChoice what="events" value={own.events} onChange={(events) => change({ events })} />
        <FrequencyChoice what="users" value={own.users} onChange={(users) => change({ users })} />
        <div class="make-wide">
          <Field
            label="Only issues that match"
            value={own.query}
            placeholder="level:error environment:production"
            hint="A search, as on Issues. What it asks of events is asked of those of the last hour."
            error={error?.startsWith("query:") ? error : null}
            onInput={(e) => change({ query: e.currentTarget.value })}
          />
        </div>
        <Select label="Send" value={own.digest} options={withOwn(DIGESTS, own.digest)} onChange={(digest) => change({ digest })} />
        <Select label="Tell of the same issue" value={own.at_most_every} options={withOwn(PAUSES, own.at_most_every)} onChange={(at_most_every) => change({ at_most_every })} />
        <ReceiverChoice to={own.receivers} nobody="nobody is told" onChange={(receivers) => change({ receivers })} />
        {error && !error.startsWith("query:") && (
          <p class="tone-bad make-wide breakable" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions make-wide">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy || !own.name.trim() || nothing}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
