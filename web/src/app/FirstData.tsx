// Where a list is empty: if the server has never seen the signal, the snippets that bring it, live until the first
// event arrives; otherwise plainly that this range or filter holds nothing.
import { useQuery } from "@tanstack/react-query";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../kit/Button";
import { CodeBlock } from "../kit/CodeBlock";
import { EmptyState, Skeleton } from "../kit/Notice";
import { Tabs } from "../kit/Tabs";
import { toast } from "../kit/Toasts";
import { get, post } from "../lib/api";
import { basePath } from "../lib/base";
import { queryClient, refreshNow } from "../lib/query";
import { type Snippet, snippets } from "../lib/snippets";
import type { CreatedToken, ProjectKey } from "../lib/types";
import { useParam } from "../lib/url";
import { useProjects, useSession } from "./session";

export type Signal = "errors" | "logs" | "spans" | "metrics" | "any";
const POLL_MS = 3000;
const NOUN: Record<Signal, string> = { errors: "error", logs: "log line", spans: "span", metrics: "sample", any: "event" };

async function anyOf(signal: Signal, project: string, abort: AbortSignal): Promise<boolean> {
  if (signal === "any") return (await Promise.all((["errors", "logs", "spans"] as const).map((s) => anyOf(s, project, abort)))).some(Boolean);
  if (signal === "metrics") return (await get<{ data: string[] }>("/api/v1/label/job/values", {}, abort)).data.length > 0;
  return (await get<{ rows: unknown[] }>(signal, { limit: 1, project }, abort)).rows.length > 0;
}

export function FirstData(p: { signal: Signal; title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  const project = useParam("project");
  const [waited, setWaited] = useState(false);
  const any = useQuery({
    queryKey: ["any", p.signal, project],
    queryFn: ({ signal }) => anyOf(p.signal, project, signal),
    refetchInterval: (query) => (query.state.data ? false : POLL_MS),
  });
  useEffect(() => {
    if (any.data === false) setWaited(true);
    if (any.data && waited) {
      toast(`The first ${NOUN[p.signal]} arrived.`);
      refreshNow();
      void queryClient.invalidateQueries({ predicate: (q) => q.queryKey[0] !== "any" });
    }
  }, [any.data, waited]);
  if (any.data === undefined) return any.error ? null : <Skeleton lines={4} />;
  if (any.data) {
    return (
      <EmptyState icon="search" title={p.title} action={p.action}>
        {p.children}
      </EmptyState>
    );
  }
  return <Onboarding signal={p.signal} />;
}

/** The snippets, with the project's key and this server's address. Also a page of the settings. */
export function Onboarding({ signal }: { signal?: Signal }) {
  const chosen = useParam("project");
  const projects = useProjects().data ?? [];
  const project = projects.find((one) => String(one.id) === chosen) ?? projects[0];
  const admin = useSession().data?.user?.role === "admin";
  const [token, setToken] = useState<string | null>(null);
  const keys = useQuery({
    queryKey: ["keys", project?.id],
    queryFn: async ({ signal: abort }) => (await get<{ keys: ProjectKey[] }>(`projects/${project!.id}/keys`, {}, abort)).keys,
    enabled: project !== undefined,
  });
  const dsn = keys.data?.find((k) => k.enabled)?.dsn ?? `${location.protocol}//KEY@${location.host}/${project?.id ?? 1}`;
  const all = snippets({ origin: location.origin + basePath, dsn, token });
  const fitting = signal && signal !== "any" ? [...all].sort((a, b) => Number(b.brings.includes(signal)) - Number(a.brings.includes(signal))) : all;
  const [tab, setTab] = useState<string | null>(null);
  const shown = fitting.find((s) => s.id === tab) ?? fitting[0]!;
  const makeToken = async () => {
    try {
      const made = await post<CreatedToken>("tokens", { name: `${shown.title} sender`, role: "ingest", ...(project ? { project: project.id } : {}) });
      setToken(made.secret);
    } catch (e) {
      toast((e as Error).message, { bad: true });
    }
  };
  return (
    <section class="onboarding" aria-label="Send data here">
      {signal && (
        <header>
          <h2>Send the first {NOUN[signal]}</h2>
          <p class="waiting" role="status">
            <i aria-hidden="true" /> Waiting for it: this page shows it as soon as it arrives.
          </p>
        </header>
      )}
      <Tabs label="Where from" tabs={fitting.map((s) => ({ id: s.id, label: s.title }))} current={shown.id} onChange={setTab} />
      <SnippetSteps snippet={shown} />
      {shown.needsToken && !token && admin && (
        <div class="row row-wrap">
          <Button icon="key" onClick={() => void makeToken()}>
            Make a token that only sends
          </Button>
          <span class="muted">It is put into the lines above and shown only now.</span>
        </div>
      )}
      {shown.needsToken && token && <p class="muted">This token is not shown again: copy the lines now.</p>}
    </section>
  );
}

function SnippetSteps({ snippet }: { snippet: Snippet }) {
  return (
    <div class="stack" role="tabpanel" aria-label={snippet.title}>
      {snippet.steps.map((s) => (
        <div key={s.label} class="stack-tight">
          <p class="muted">{s.label}</p>
          <CodeBlock text={s.text} label={s.label} />
        </div>
      ))}
      {snippet.note && <p class="faint">{snippet.note}</p>}
    </div>
  );
}
