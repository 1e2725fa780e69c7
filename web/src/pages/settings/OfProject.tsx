// A part of the settings that belongs to one project: which one is in the address.
import type { ComponentChildren } from "preact";
import { useProjects } from "../../app/session";
import { Loaded, Select } from "../../kit";
import type { Project } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";

export function OfProject({ children }: { children: (project: Project) => ComponentChildren }) {
  const projects = useProjects();
  const wanted = useParam("project");
  return (
    <Loaded result={projects}>
      {(list) => {
        const project = list.find((p) => String(p.id) === wanted) ?? list[0];
        return (
          <>
            {list.length > 1 && (
              <Select label="Project" value={String(project?.id)} options={list.map((p) => [String(p.id), p.name || p.slug] as const)} onChange={(id) => setUrl({ project: id })} />
            )}
            {project && children(project)}
          </>
        );
      }}
    </Loaded>
  );
}
