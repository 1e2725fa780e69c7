import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useProjects, useSession } from "../../app/session";
import { Ago, Badge, Button, CopyButton, Field, Loaded, Menu } from "../../kit";
import { get, post, put } from "../../lib/api";
import type { Project, ProjectKey } from "../../lib/types";
import { LeftOut } from "./LeftOut";
import { runChange } from "./use-change";

export function Projects() {
  const projects = useProjects();
  const admin = useSession().data?.user?.role === "admin";
  return (
    <>
      <p class="muted">Data belongs to a project. A key lets an application send errors, traces and logs to it; it cannot read.</p>
      <Loaded result={projects}>
        {(list) => (
          <div class="stack">
            {list.map((p) => (
              <ProjectCard key={p.id} project={p} admin={admin} />
            ))}
          </div>
        )}
      </Loaded>
      {admin && <NewProject />}
    </>
  );
}

function ProjectCard({ project, admin }: { project: Project; admin: boolean }) {
  const keys = useQuery({
    queryKey: ["keys", project.id],
    queryFn: async ({ signal }) => (await get<{ keys: ProjectKey[] }>(`projects/${project.id}/keys`, {}, signal)).keys,
  });
  const [renaming, setRenaming] = useState(false);
  const [name, setName] = useState(project.name);
  const rename = async (e: Event) => {
    e.preventDefault();
    if (await runChange(() => put(`projects/${project.id}`, { name }), "Renamed.", ["projects"])) setRenaming(false);
  };
  return (
    <section class="card settings-card" aria-label={project.name || project.slug}>
      <header class="row">
        {renaming ? (
          <form class="row grow" onSubmit={(e) => void rename(e)}>
            <Field label="Name" value={name} autofocus onInput={(e) => setName(e.currentTarget.value)} />
            <Button type="submit" kind="primary">
              Rename
            </Button>
            <Button kind="quiet" onClick={() => setRenaming(false)}>
              Cancel
            </Button>
          </form>
        ) : (
          <h2 class="grow clip">
            {project.name || project.slug} <span class="faint settings-id">{project.slug} · number {project.id}</span>
          </h2>
        )}
        {admin && !renaming && (
          <Menu
            label={`Change ${project.slug}`}
            icon="more"
            items={[
              { label: "Rename", run: () => setRenaming(true) },
              { label: "Make another key", icon: "plus", run: () => void runChange(() => post(`projects/${project.id}/keys`), "A new key was made.", ["keys"]) },
            ]}
          />
        )}
      </header>
      <Loaded result={keys}>
        {(list) => (
          <ul class="plain-list">
            {list.map((k) => (
              <KeyRow key={k.public_key} project={project} dsnKey={k} admin={admin} />
            ))}
            {list.length === 0 && <li class="faint">No key yet: nothing can be sent with a DSN.</li>}
          </ul>
        )}
      </Loaded>
      <LeftOut project={project.id} />
    </section>
  );
}

function KeyRow({ project, dsnKey: k, admin }: { project: Project; dsnKey: ProjectKey; admin: boolean }) {
  const path = `projects/${project.id}/keys/${k.public_key}`;
  const enable = (enabled: boolean) =>
    runChange(() => put(path, { enabled }), enabled ? "The key takes data again." : "The key takes no more data.", ["keys"], () =>
      void runChange(() => put(path, { enabled: !enabled }), "Taken back.", ["keys"]),
    );
  return (
    <li class="row row-wrap">
      <code class={k.enabled ? "grow breakable" : "grow breakable faint"}>{k.dsn}</code>
      {!k.enabled && <Badge>off</Badge>}
      <span class="faint">
        <Ago time={k.created} suffix />
      </span>
      <CopyButton text={k.dsn} label="Copy the DSN" />
      {admin && (
        <Button small kind="quiet" onClick={() => void enable(!k.enabled)}>
          {k.enabled ? "Switch off" : "Switch on"}
        </Button>
      )}
    </li>
  );
}

function NewProject() {
  const [slug, setSlug] = useState("");
  const [name, setName] = useState("");
  const make = async (e: Event) => {
    e.preventDefault();
    const body = name ? { slug, name } : { slug };
    if (await runChange(() => post("projects", body), `${slug} was made.`, ["projects"])) {
      setSlug("");
      setName("");
    }
  };
  return (
    <form class="settings-form" onSubmit={(e) => void make(e)}>
      <h2>New project</h2>
      <Field label="Short name" value={slug} required pattern="[a-z0-9][a-z0-9\-]*" placeholder="shop" hint="Lower case letters, digits, hyphens. Issues are named after it." onInput={(e) => setSlug(e.currentTarget.value)} />
      <Field label="Name" value={name} placeholder="The shop" onInput={(e) => setName(e.currentTarget.value)} />
      <Button type="submit" kind="primary">
        Make the project
      </Button>
    </form>
  );
}
