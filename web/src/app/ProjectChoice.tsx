// Which project something new belongs to: asked only where there is a choice.
import { useState } from "preact/hooks";
import { Select } from "../kit";
import { useParam } from "../lib/url";
import { useProjects } from "./session";

export interface ProjectChoiceState {
  value: string;
  set: (id: string) => void;
  options: readonly (readonly [string, string])[];
  /** For the request. */
  body: { project?: number };
}
export function useProjectChoice(): ProjectChoiceState {
  const projects = useProjects().data ?? [];
  const here = useParam("project");
  const [chosen, set] = useState("");
  const value = chosen || here || String(projects[0]?.id ?? "");
  return { value, set, options: projects.map((p) => [String(p.id), p.name || p.slug] as const), body: value ? { project: Number(value) } : {} };
}
export function ProjectChoice({ choice }: { choice: ProjectChoiceState }) {
  if (choice.options.length < 2) return null;
  return <Select label="Project" value={choice.value} options={choice.options} onChange={choice.set} />;
}
