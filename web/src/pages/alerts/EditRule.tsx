// A rule that was made here, to be changed: its expression as it stands, when it fires, what it says and whom it tells.
import "../../app/make.css";
import { useState } from "preact/hooks";
import { HOLDS, ReceiverChoice, SEVERITIES } from "../../app/RuleFields";
import { Button, Dialog, Field, Select, TextArea } from "../../kit";
import { put } from "../../lib/api";
import { type AlertRule, changedRule, NONE } from "../../lib/log-rules";

/** What can be chosen, and the rule's own value where it is none of that. */
const withOwn = (choices: readonly (readonly [string, string])[], own: string, said: string) => (choices.some(([v]) => v === own) ? choices : [...choices, [own, said] as const]);

export default function EditRule({ rule, onSaved, onClose }: { rule: AlertRule; onSaved: (before: AlertRule) => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState(rule.name);
  const [expr, setExpr] = useState(rule.expr);
  const [holds, setHolds] = useState(NONE.test(rule.for) ? "0s" : rule.for);
  const [severity, setSeverity] = useState(rule.severity ?? "");
  const [summary, setSummary] = useState(rule.annotations["summary"] ?? "");
  const [to, setTo] = useState<readonly string[]>(rule.receivers);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await put(`alert-rules/${rule.id}`, changedRule(rule, { name, expr, for: holds, severity, summary, receivers: to }));
    } catch (problem) {
      setError((problem as Error).message);
      return setBusy(false);
    }
    await onSaved(rule);
    onClose();
  };
  return (
    <Dialog title={`Change ${rule.name}`} open wide onClose={onClose}>
      <form class="make" onSubmit={(e) => void save(e)}>
        <div class="make-wide">
          <TextArea label={rule.language === "logql" ? "Expression, LogQL" : "Expression, PromQL"} rows={4} value={expr} onInput={setExpr} />
        </div>
        <Field label="Name" value={name} required maxLength={120} onInput={(e) => setName(e.currentTarget.value)} />
        <Select label="Fires" value={holds} options={withOwn(HOLDS, holds, `after ${holds}`)} onChange={setHolds} />
        <Select label="Severity" value={severity} options={withOwn(SEVERITIES, severity, severity || "None")} onChange={setSeverity} />
        <div class="make-wide">
          <Field label="What the message says" value={summary} onInput={(e) => setSummary(e.currentTarget.value)} />
        </div>
        <ReceiverChoice to={to} onChange={setTo} />
        {error && (
          <p class="tone-bad make-wide breakable" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions make-wide">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={busy || !name.trim() || !expr.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
