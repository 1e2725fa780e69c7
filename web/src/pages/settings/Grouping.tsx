// A project's own rules of what is one issue: written as text, tried on the newest events before they hold.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "preact/hooks";
import { useProjects, useSession } from "../../app/session";
import { Link } from "../../app/Link";
import { Button, Loaded, Select, TextArea } from "../../kit";
import { get, post, put } from "../../lib/api";
import { count, plural } from "../../lib/format";
import type { GroupingMove, GroupingRules, Project } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { runChange } from "./use-change";

interface Preview {
  events: number;
  unchanged: number;
  moves: GroupingMove[];
}

export function Grouping() {
  const projects = useProjects();
  const wanted = useParam("project");
  return (
    <>
      <p class="muted">Events with the same exceptions and the same stack in the application are one issue. Rules say where that is wrong.</p>
      <Loaded result={projects}>
        {(list) => {
          const project = list.find((p) => String(p.id) === wanted) ?? list[0];
          return (
            <>
              {list.length > 1 && (
                <Select label="Project" value={String(project?.id)} options={list.map((p) => [String(p.id), p.name || p.slug] as const)} onChange={(id) => setUrl({ project: id })} />
              )}
              {project && <Rules key={project.id} project={project} />}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

const TOUCHED = ["grouping", "issue-grouping"];

function Rules({ project }: { project: Project }) {
  const kept = useQuery({
    queryKey: ["grouping", project.id],
    queryFn: async ({ signal }) => (await get<{ grouping: GroupingRules }>(`projects/${project.id}/grouping`, {}, signal)).grouping,
  });
  return <Loaded result={kept}>{(rules) => <RulesForm project={project} kept={rules} />}</Loaded>;
}

function RulesForm({ project, kept }: { project: Project; kept: GroupingRules }) {
  const admin = useSession().data?.user?.role === "admin";
  const [rules, setRules] = useState(kept);
  const [preview, setPreview] = useState<{ of: GroupingRules; found: Preview } | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  // What is kept has changed: saved here, or taken back.
  useEffect(() => setRules(kept), [kept]);
  const changed = rules.stack_rules !== kept.stack_rules || rules.fingerprint_rules !== kept.fingerprint_rules;
  const path = `projects/${project.id}/grouping`;
  const write = (next: Partial<GroupingRules>) => {
    setRules({ ...rules, ...next });
    setProblem("");
  };
  const tried = async (run: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    await run().catch((e: unknown) => setProblem((e as Error).message));
    setBusy(false);
  };
  const look = () => tried(async () => setPreview({ of: rules, found: await post<Preview>(`${path}/preview`, rules) }));
  const save = async (e: Event) => {
    e.preventDefault();
    await tried(async () => {
      await put(path, rules); // what is wrong stands beside the field
      const undo = () => void runChange(() => put(path, kept), "The rules are as before.", TOUCHED);
      await runChange(() => Promise.resolve(), "The rules hold from the next event on.", TOUCHED, undo);
    });
  };
  const of = (list: string) => (problem.startsWith(list) ? problem : null);
  return (
    <form class="stack grouping-form" aria-busy={busy} onSubmit={(e) => void save(e)}>
      <TextArea
        label="Stack rules"
        rows={6}
        value={rules.stack_rules}
        readonly={!admin}
        placeholder={"path:**/shop/lib/** -app\nfunction:retry* -group"}
        hint="Which frames are the application's own (+app, -app) and which count (+group, -group). A rule a line, # begins a comment."
        error={of("stack_rules")}
        onInput={(text) => write({ stack_rules: text })}
      />
      <TextArea
        label="Fingerprint rules"
        rows={6}
        value={rules.fingerprint_rules}
        readonly={!admin}
        placeholder={'error.type:Pool* -> pool title="No connection free"\nlogger:billing -> {{ default }} {{ tags.region }}'}
        hint="Which events belong together, whatever their stacks. The first rule that matches decides."
        error={of("fingerprint_rules")}
        onInput={(text) => write({ fingerprint_rules: text })}
      />
      {problem && !of("stack_rules") && !of("fingerprint_rules") && (
        <p class="tone-bad" role="alert">
          {problem}
        </p>
      )}
      {admin ? (
        <div class="row">
          <Button onClick={() => void look()}>
            Preview
          </Button>
          <Button type="submit" kind="primary" disabled={!changed}>
            Save
          </Button>
          <span class="faint">Preview shows where the newest events would go. It changes nothing.</span>
        </div>
      ) : (
        <p class="faint">An administrator can change these.</p>
      )}
      {preview?.of === rules && <Moves preview={preview.found} />}
    </form>
  );
}

function Moves({ preview }: { preview: Preview }) {
  const moved = preview.events - preview.unchanged;
  if (moved === 0)
    return (
      <p role="status">
        {preview.events === 0 ? "There are no events to try the rules on." : `All of the newest ${plural(preview.events, "event")} would stay where they are.`}
      </p>
    );
  return (
    <section aria-label="Preview" class="stack">
      <p role="status">
        <span class="strong">{plural(moved, "event")}</span> of the newest {count(preview.events)} would go elsewhere.
      </p>
      <table class="plain-table grouping-moves">
        <thead>
          <tr>
            <th scope="col">Events</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
          </tr>
        </thead>
        <tbody>
          {preview.moves.map((m, i) => (
            <tr key={i}>
              <td class="num">{count(m.events)}</td>
              <td>
                <Link to={`/issues/${m.from.id}?event=${m.event_id}`}>{m.from.short_id}</Link> <span class="muted breakable">{m.from.title}</span>
              </td>
              <td>
                {m.to ? <Link to={`/issues/${m.to.id}`}>{m.to.short_id}</Link> : <span class="strong">New issue {m.new_issue}</span>}{" "}
                <span class="muted breakable">{m.to ? m.to.title : m.title}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
