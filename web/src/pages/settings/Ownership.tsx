// Whom new issues of a project are assigned to: rules as text, and the repository's own file of code owners.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "preact/hooks";
import { useProjects, useSession } from "../../app/session";
import { Button, Loaded, Select, TextArea } from "../../kit";
import { get, put } from "../../lib/api";
import type { OwnershipRules, Project } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { runChange } from "./use-change";

export function Ownership() {
  const projects = useProjects();
  const wanted = useParam("project");
  return (
    <>
      <p class="muted">A new issue is assigned to the first owner in the last line that matches its first event. Issues that there are stay as they are.</p>
      <Loaded result={projects}>
        {(list) => {
          const project = list.find((p) => String(p.id) === wanted) ?? list[0];
          return (
            <>
              {list.length > 1 && (
                <Select label="Project" value={String(project?.id)} options={list.map((p) => [String(p.id), p.name || p.slug] as const)} onChange={(id) => setUrl({ project: id })} />
              )}
              {project && <OwnershipOf key={project.id} project={project} />}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

const TOUCHED = ["ownership"];

function OwnershipOf({ project }: { project: Project }) {
  const kept = useQuery({
    queryKey: ["ownership", project.id],
    queryFn: async ({ signal }) => (await get<{ ownership: OwnershipRules }>(`projects/${project.id}/ownership`, {}, signal)).ownership,
  });
  return <Loaded result={kept}>{(rules) => <OwnershipForm project={project} kept={rules} />}</Loaded>;
}

function OwnershipForm({ project, kept }: { project: Project; kept: OwnershipRules }) {
  const admin = useSession().data?.user?.role === "admin";
  const [texts, setTexts] = useState(kept);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  // What is kept has changed: saved here, or taken back.
  useEffect(() => setTexts(kept), [kept]);
  const changed = texts.rules !== kept.rules || texts.codeowners !== kept.codeowners;
  const path = `projects/${project.id}/ownership`;
  const write = (next: Partial<OwnershipRules>) => {
    setTexts({ ...texts, ...next });
    setProblem("");
  };
  const save = async (e: Event) => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await put(path, texts); // what is wrong stands beside the field
      const undo = () => void runChange(() => put(path, kept), "The owners are as before.", TOUCHED);
      await runChange(() => Promise.resolve(), "The owners hold for new issues.", TOUCHED, undo);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const of = (list: string) => (problem.startsWith(`${list},`) ? problem : null);
  return (
    <form class="stack grouping-form" aria-busy={busy} onSubmit={(e) => void save(e)}>
      <TextArea
        label="Ownership rules"
        rows={6}
        value={texts.rules}
        readonly={!admin}
        placeholder={"path:**/shop/cart/** cart@example.com\nmodule:shop.pay.* @payments\nurl:*/checkout* @web\ntags.region:eu* @europe"}
        hint="path:, module:, url: or tags.NAME: with a pattern, then the owners. # begins a comment."
        error={of("rules")}
        onInput={(rules) => write({ rules })}
      />
      <TextArea
        label="CODEOWNERS"
        rows={8}
        value={texts.codeowners}
        readonly={!admin}
        placeholder={"*        @everybody\n/shop/   @shop"}
        hint="The repository's file, as it is. Ownership rules come after it."
        error={of("codeowners")}
        onInput={(codeowners) => write({ codeowners })}
      />
      {problem && !of("rules") && !of("codeowners") && (
        <p class="tone-bad" role="alert">
          {problem}
        </p>
      )}
      {admin ? (
        <div class="row">
          <Button type="submit" kind="primary" disabled={!changed}>
            Save
          </Button>
        </div>
      ) : (
        <p class="faint">An administrator can change these.</p>
      )}
    </form>
  );
}
