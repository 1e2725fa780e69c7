// What can be done with a rule that was made here; those of files are changed in their files.
import { Suspense, lazy } from "preact/compat";
import { useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Button, toast } from "../../kit";
import { del, post, put } from "../../lib/api";
import { type AlertRule, changedRule, NONE, ruleBody } from "../../lib/log-rules";
import { queryClient } from "../../lib/query";
import { setUrl } from "../../lib/url";

const EditRule = lazy(() => import("./EditRule"));

const refresh = () => Promise.all([queryClient.invalidateQueries({ queryKey: ["alert-rules"] }), queryClient.invalidateQueries({ queryKey: ["rules"] })]);
async function change(what: () => Promise<unknown>, said: string, undo: () => Promise<unknown>): Promise<boolean> {
  try {
    await what();
  } catch (e) {
    toast((e as Error).message, { bad: true });
    return false;
  }
  await refresh();
  toast(said, { undo: () => void undo().then(refresh, (e: Error) => toast(e.message, { bad: true })) });
  return true;
}

export function MadeActions({ rule }: { rule: AlertRule }) {
  const role = useSession().data?.user?.role;
  const path = `alert-rules/${rule.id}`;
  const [changing, setChanging] = useState(false);
  const pause = (paused: boolean) => put(path, { paused });
  const remove = async () => {
    if (await change(() => del(path), `Removed ${rule.name}.`, () => post("alert-rules", ruleBody(rule)))) setUrl({ rule: null });
  };
  const saved = async (before: AlertRule) => {
    await refresh();
    toast(`Changed ${before.name}.`, {
      undo: () => void put(path, changedRule(before, { ...before, severity: before.severity ?? "", summary: before.annotations["summary"] ?? "" })).then(refresh, (e: Error) => toast(e.message, { bad: true })),
    });
  };
  return (
    <>
      {role !== "viewer" && (
        <div class="row">
          <Button small onClick={() => setChanging(true)}>
            Change
          </Button>
          <Button small onClick={() => void change(() => pause(!rule.paused), rule.paused ? `${rule.name} watches again.` : `${rule.name} is paused.`, () => pause(rule.paused))}>
            {rule.paused ? "Go on" : "Pause"}
          </Button>
          <Button small kind="danger" onClick={() => void remove()}>
            Remove the rule
          </Button>
        </div>
      )}
      <Suspense fallback={null}>{changing && <EditRule rule={rule} onSaved={saved} onClose={() => setChanging(false)} />}</Suspense>
      <p class="faint">
        Made by {rule.created_by}
        {!NONE.test(rule.interval) && `, evaluated each ${rule.interval}`}
        {NONE.test(rule.for) ? ", fires at once" : `, fires after ${rule.for}`}. {rule.receivers.length > 0 ? `Tells ${rule.receivers.join(", ")}.` : "Tells all receivers."}
      </p>
    </>
  );
}
