// What a project takes: how much each key may send, which events nobody wants, and how many bodies are kept.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Button, Field, IconButton, Loaded, Select, TextArea } from "../../kit";
import { get, put } from "../../lib/api";
import { count } from "../../lib/format";
import type { IntakeSettings, KeyLimit, Project } from "../../lib/types";
import { LIMITED, categoryName } from "../../lib/usage";
import { OfProject } from "./OfProject";
import { runChange } from "./use-change";

interface Kept {
  intake: IntakeSettings;
  bodies_per_minute: number | null;
}
interface KeyLimits {
  key: string;
  limits: KeyLimit[];
}

export function Intake() {
  return (
    <>
      <p class="muted">Limits protect the server from one application, filters keep noise away. Everything that is not taken is counted under Usage.</p>
      <OfProject>{(project) => <IntakeOf key={project.id} project={project} />}</OfProject>
    </>
  );
}

function IntakeOf({ project }: { project: Project }) {
  const admin = useSession().data?.user?.role === "admin";
  const limits = useQuery({
    queryKey: ["limits", project.id],
    queryFn: async ({ signal }) => (await get<{ keys: KeyLimits[] }>(`projects/${project.id}/limits`, {}, signal)).keys,
  });
  const kept = useQuery({ queryKey: ["intake", project.id], queryFn: ({ signal }) => get<Kept>(`projects/${project.id}/intake`, {}, signal) });
  return (
    <>
      <section class="stack" aria-label="Limits of keys">
        <h2>Limits of keys</h2>
        <Loaded result={limits}>
          {(keys) => (
            <>
              {keys.map((k) => (
                <LimitsForm key={k.key} project={project} kept={k} admin={admin} />
              ))}
              {keys.length === 0 && <p class="faint">The project has no key.</p>}
            </>
          )}
        </Loaded>
      </section>
      <Loaded result={kept}>{(k) => <IntakeForm project={project} kept={k} admin={admin} />}</Loaded>
    </>
  );
}

const WINDOWS = [["60", "a minute"], ["3600", "an hour"], ["86400", "a day"]] as const;
const windowsOf = (seconds: number) => (WINDOWS.some(([s]) => s === String(seconds)) ? WINDOWS : [...WINDOWS, [String(seconds), `${seconds} seconds`] as const]);

function LimitsForm({ project, kept, admin }: { project: Project; kept: KeyLimits; admin: boolean }) {
  const [limits, setLimits] = useState(kept.limits);
  const [problem, setProblem] = useState("");
  useEffect(() => setLimits(kept.limits), [kept]);
  const path = `projects/${project.id}/keys/${kept.key}/limits`;
  const change = (i: number, next: Partial<KeyLimit>) => {
    setLimits(limits.map((l, j) => (j === i ? { ...l, ...next } : l)));
    setProblem("");
  };
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      await put(path, { limits });
      await runChange(() => Promise.resolve(), "The limits hold from now on.", ["limits"], () => void runChange(() => put(path, { limits: kept.limits }), "The limits are as before.", ["limits"]));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const changed = JSON.stringify(limits) !== JSON.stringify(kept.limits);
  return (
    <form class="card settings-card limits-form" onSubmit={(e) => void save(e)} aria-label={`Limits of key ${kept.key}`}>
      <div class="row">
        <code class="grow breakable">{kept.key}</code>
        {limits.length === 0 && <span class="faint">no limit</span>}
      </div>
      {limits.map((l, i) => (
        <div key={i} class="row limit-row">
          <Select label="Category" hideLabel value={l.category} options={LIMITED.map((c) => [c, categoryName(c)] as const)} onChange={(category) => change(i, { category })} />
          <Field label="At most" type="number" value={String(l.events)} onInput={(e) => change(i, { events: Math.max(0, Math.floor(Number(e.currentTarget.value) || 0)) })} />
          <Select label="Window" hideLabel value={String(l.window_seconds)} options={windowsOf(l.window_seconds)} onChange={(s) => change(i, { window_seconds: Number(s) })} />
          {admin && <IconButton small icon="close" label={`Remove the limit on ${categoryName(l.category).toLowerCase()}`} onClick={() => setLimits(limits.filter((_, j) => j !== i))} />}
        </div>
      ))}
      {problem && (
        <p class="tone-bad" role="alert">
          {problem}
        </p>
      )}
      {admin && (
        <div class="row">
          <Button small icon="plus" onClick={() => setLimits([...limits, { category: LIMITED.find((c) => !limits.some((l) => l.category === c)) ?? "all", events: 1000, window_seconds: 60 }])}>
            Add a limit
          </Button>
          {changed && (
            <Button small type="submit" kind="primary">
              Save the limits
            </Button>
          )}
        </div>
      )}
    </form>
  );
}

type Filters = NonNullable<IntakeSettings["filters"]>;
type ListName = "releases" | "error_messages" | "expected_types" | "expected_statuses" | "transactions" | "addresses";
type SwitchName = "health_checks" | "browser_extensions" | "localhost" | "legacy_browsers" | "web_crawlers";

const SWITCHES: readonly (readonly [SwitchName, string, string])[] = [
  ["web_crawlers", "Web crawlers", "programs that walk the web"],
  ["browser_extensions", "Browser extensions", "errors they throw into pages"],
  ["legacy_browsers", "Outdated browsers", "which their makers have given up"],
  ["localhost", "The same machine", "localhost and its addresses"],
  ["health_checks", "Health checks", "transactions with their usual names"],
];
const LISTS: readonly (readonly [ListName, string, string, string])[] = [
  ["expected_types", "Expected errors, by class", "NotFound\n*Http404", "Of the exception that was thrown last."],
  ["expected_statuses", "Expected errors, by status", "404\n4*", "Of the answer that the request got."],
  ["error_messages", "Messages", "*connection reset*", "Of the message, the class, or Class: message."],
  ["releases", "Releases", "shop@0.*", ""],
  ["transactions", "Transactions", "GET /internal/*", ""],
  ["addresses", "Addresses", "203.0.113.0/24", "Of users and of who sends: an address or a range."],
];
const MODES = [
  ["all", "Keep every event's body"],
  ["automatic", "Keep a sample while far more errors come than usual"],
  ["fixed", "Keep a sample beyond a number a minute"],
] as const;

function IntakeForm({ project, kept, admin }: { project: Project; kept: Kept; admin: boolean }) {
  const [filters, setFilters] = useState<Filters>(kept.intake.filters ?? {});
  const [texts, setTexts] = useState(textsOf(kept.intake.filters));
  const [bodies, setBodies] = useState(kept.intake.bodies ?? {});
  const [problem, setProblem] = useState("");
  useEffect(() => {
    setFilters(kept.intake.filters ?? {});
    setTexts(textsOf(kept.intake.filters));
    setBodies(kept.intake.bodies ?? {});
  }, [kept]);
  const path = `projects/${project.id}/intake`;
  const next: IntakeSettings = { filters: { ...filters, ...listsOf(texts) }, bodies };
  const changed = JSON.stringify(next) !== JSON.stringify({ filters: { ...kept.intake.filters, ...listsOf(textsOf(kept.intake.filters)) }, bodies: kept.intake.bodies ?? {} });
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      await put(path, next);
      await runChange(() => Promise.resolve(), "This holds from now on.", ["intake"], () => void runChange(() => put(path, kept.intake), "All is as before.", ["intake"]));
      setProblem("");
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const of = (name: string) => (problem.startsWith(`filters.${name}`) ? problem.replace(/^filters\.\w+(\[(\d+)\])?: /, (_, __, line: string | undefined) => (line ? `line ${Number(line) + 1}: ` : "")) : null);
  const placed = LISTS.some(([name]) => of(name));
  return (
    <form class="stack grouping-form" onSubmit={(e) => void save(e)}>
      <h2>Filters</h2>
      <p class="muted">What a filter strikes is answered as if it were taken, counted, and not kept.</p>
      <fieldset class="switches" disabled={!admin}>
        <legend class="hear-only">Well-known noise</legend>
        {SWITCHES.map(([name, title, hint]) => (
          <label key={name} class="row">
            <input type="checkbox" checked={filters[name] ?? false} onChange={(e) => setFilters({ ...filters, [name]: e.currentTarget.checked })} />
            <span>
              {title} <span class="faint">{hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="filter-lists">
        {LISTS.map(([name, title, placeholder, hint]) => (
          <TextArea key={name} label={title} rows={3} value={texts[name]} readonly={!admin} placeholder={placeholder} hint={hint || "One pattern a line: * is any run, ? one character."} error={of(name)} onInput={(text) => setTexts({ ...texts, [name]: text })} />
        ))}
      </div>
      <h2>Bodies of errors</h2>
      <p class="muted">In a flood every error counts: its issue, users, tags and times stay exact. Its body (stack, variables, request) can be kept for a sample only.</p>
      <fieldset class="row row-wrap body-mode" disabled={!admin}>
        <legend class="hear-only">Which bodies are kept</legend>
        <Select label="Which bodies are kept" hideLabel value={bodies.mode ?? "all"} options={MODES} onChange={(mode) => setBodies({ ...bodies, mode: mode as NonNullable<typeof bodies.mode> })} />
        {bodies.mode === "fixed" && <Field label="Bodies a minute" type="number" value={String(bodies.per_minute ?? 0)} onInput={(e) => setBodies({ ...bodies, per_minute: Math.max(0, Math.floor(Number(e.currentTarget.value) || 0)) })} />}
        {bodies.mode === "automatic" && kept.intake.bodies?.mode === "automatic" && kept.bodies_per_minute !== null && <span class="faint">now beyond {count(kept.bodies_per_minute)} a minute</span>}
      </fieldset>
      {problem && !placed && (
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

type Texts = Record<ListName, string>;
const textsOf = (filters: IntakeSettings["filters"]): Texts => Object.fromEntries(LISTS.map(([name]) => [name, (filters?.[name] ?? []).join("\n")])) as Texts;
const listsOf = (texts: Texts): Pick<Filters, ListName> =>
  Object.fromEntries(
    LISTS.map(([name]) => [
      name,
      texts[name]
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    ]),
  );
