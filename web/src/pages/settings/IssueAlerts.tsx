// Of which issues a project's people hear, and how: a list of rules.
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy } from "preact/compat";
import { useState } from "preact/hooks";
import { useProjects, useSession } from "../../app/session";
import { Badge, Button, Loaded, Select } from "../../kit";
import { del, get, put } from "../../lib/api";
import { EMPTY_RULE, freeName, howOf, type IssueAlertRule, saidOf } from "../../lib/issue-alerts";
import type { Project } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { runChange } from "./use-change";

const IssueAlertForm = lazy(() => import("./IssueAlertForm"));
const TOUCHED = ["issue-alerts"];
interface Kept {
  rules: IssueAlertRule[];
  is_default: boolean;
}

export function IssueAlerts() {
  const projects = useProjects();
  const wanted = useParam("project");
  return (
    <>
      <p class="muted">Whom Telltale tells of issues, beside showing them. Receivers (Slack, mail, webhooks) stand in the server's settings.</p>
      <Loaded result={projects}>
        {(list) => {
          const project = list.find((p) => String(p.id) === wanted) ?? list[0];
          return (
            <>
              {list.length > 1 && <Select label="Project" value={String(project?.id)} options={list.map((p) => [String(p.id), p.name || p.slug] as const)} onChange={(id) => setUrl({ project: id })} />}
              {project && <RulesOf key={project.id} project={project} />}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function RulesOf({ project }: { project: Project }) {
  const path = `projects/${project.id}/issue-alerts`;
  const kept = useQuery({ queryKey: ["issue-alerts", project.id], queryFn: async ({ signal }) => (await get<{ issue_alerts: Kept }>(path, {}, signal)).issue_alerts });
  return <Loaded result={kept}>{(own) => <Rules path={path} kept={own} />}</Loaded>;
}

function Rules({ path, kept }: { path: string; kept: Kept }) {
  const may = useSession().data?.user?.role !== "viewer";
  // The rule that is changed, by its place; one past the last: a new one.
  const [open, setOpen] = useState<number | null>(null);
  const { rules } = kept;
  const undo = () => void runChange(() => (kept.is_default ? del(path) : put(path, { rules })), "The rules are as before.", TOUCHED);
  const replace = (next: readonly IssueAlertRule[], said: string) => runChange(() => put(path, { rules: next }), said, TOUCHED, undo);
  const changed = (at: number, rule: IssueAlertRule) => rules.map((r, i) => (i === at ? rule : r));
  const save = async (rule: IssueAlertRule) => {
    // What is wrong stands in the form.
    await put(path, { rules: open! < rules.length ? changed(open!, rule) : [...rules, rule] });
    await runChange(() => Promise.resolve(), `${rule.name} holds from now on.`, TOUCHED, undo);
    setOpen(null);
  };
  return (
    <>
      {rules.length === 0 && <p class="muted">There is no rule: nobody is told of issues of this project.</p>}
      {rules.length > 0 && (
        <ul class="plain-list" aria-label="Issue alerts">
          {rules.map((r, i) => (
            <li key={r.name} class="log-metric">
              <div class="row row-wrap">
                <span class="strong">{r.name}</span>
                {r.paused && <Badge tone="neutral">paused</Badge>}
                {kept.is_default && <Badge tone="neutral" title="The rule of a project that has none of its own">default</Badge>}
                <span class="grow" />
                {may && (
                  <>
                    <Button small kind="quiet" aria-label={`Change ${r.name}`} onClick={() => setOpen(i)}>
                      Change
                    </Button>
                    <Button small kind="quiet" aria-label={`${r.paused ? "Go on with" : "Pause"} ${r.name}`} onClick={() => void replace(changed(i, { ...r, paused: !r.paused }), r.paused ? `${r.name} tells again.` : `${r.name} is paused.`)}>
                      {r.paused ? "Go on" : "Pause"}
                    </Button>
                    <Button small kind="quiet" aria-label={`Remove ${r.name}`} onClick={() => void replace(rules.filter((_, k) => k !== i), `Removed ${r.name}.`)}>
                      Remove
                    </Button>
                  </>
                )}
              </div>
              <p class="breakable">
                {saidOf(r)}
                {r.query && (
                  <>
                    {" "}
                    that match <code class="mono">{r.query}</code>
                  </>
                )}
              </p>
              <p class="faint">{howOf(r)}</p>
            </li>
          ))}
        </ul>
      )}
      {may && (
        <div class="row">
          <Button kind="primary" onClick={() => setOpen(rules.length)}>
            Add a rule
          </Button>
        </div>
      )}
      <Suspense fallback={null}>
        {open !== null && <IssueAlertForm rule={rules[open] ?? { ...EMPTY_RULE, name: freeName(rules, "Issues") }} isNew={open >= rules.length} onSave={save} onClose={() => setOpen(null)} />}
      </Suspense>
    </>
  );
}
