import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useProjects } from "../../app/session";
import { Ago, Badge, Button, CodeBlock, Dialog, Field, Loaded, Select } from "../../kit";
import { del, get, post } from "../../lib/api";
import type { CreatedToken, Token, TokenRole } from "../../lib/types";
import { runChange } from "./use-change";

const ROLES: [TokenRole, string][] = [
  ["ingest", "ingest: only sends"],
  ["viewer", "viewer: only reads"],
  ["editor", "editor: reads, sends, changes issues"],
  ["admin", "admin: everything"],
];
const LASTING: [string, string][] = [["", "does not expire"], ["30", "30 days"], ["90", "90 days"], ["365", "one year"]];

export function Tokens() {
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: async ({ signal }) => (await get<{ tokens: Token[] }>("tokens", {}, signal)).tokens,
  });
  const projects = useProjects().data ?? [];
  const [revoking, setRevoking] = useState<Token | null>(null);
  const nameOf = (id: number | undefined) => (id === undefined ? "all projects" : (projects.find((p) => p.id === id)?.slug ?? `project ${id}`));
  const revoke = async (t: Token) => {
    setRevoking(null);
    await runChange(() => del(`tokens/${t.id}`), `${t.name} no longer works.`, ["tokens"]);
  };
  return (
    <>
      <p class="muted">For programs: shippers, scripts, data sources. A person signs in instead. A secret is shown once, when it is made.</p>
      <Loaded result={tokens}>
        {(list) => (
          <ul class="plain-list">
            {list.map((t) => (
              <li key={t.id} class="row row-wrap">
                <span class="strong grow clip">{t.name}</span>
                <Badge tone={t.role === "admin" ? "warn" : "neutral"}>{t.role}</Badge>
                <span class="faint clip">{nameOf(t.project)}</span>
                <span class="faint">used {t.last_used ? <Ago time={t.last_used} suffix /> : "never"}</span>
                {t.expires && <span class="faint">until {t.expires.slice(0, 10)}</span>}
                <Button small kind="quiet" onClick={() => setRevoking(t)}>
                  Revoke
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <NewToken />
      <Dialog title={`Revoke ${revoking?.name ?? ""}?`} open={revoking !== null} onClose={() => setRevoking(null)}>
        <p>What uses this token is turned away from now on. This cannot be taken back.</p>
        <div class="dialog-actions">
          <Button onClick={() => setRevoking(null)}>Keep it</Button>
          <Button kind="danger" onClick={() => revoking && void revoke(revoking)}>
            Revoke
          </Button>
        </div>
      </Dialog>
    </>
  );
}

function NewToken() {
  const projects = useProjects().data ?? [];
  const [name, setName] = useState("");
  const [role, setRole] = useState<string>("ingest");
  const [project, setProject] = useState("");
  const [days, setDays] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const make = async (e: Event) => {
    e.preventDefault();
    const expires = days ? new Date(Date.now() + Number(days) * 86400e3).toISOString() : undefined;
    const body = { name, role, ...(project ? { project: Number(project) } : {}), ...(expires ? { expires } : {}) };
    const send = async () => setSecret((await post<CreatedToken>("tokens", body)).secret);
    if (await runChange(send, `${name} was made.`, ["tokens"])) setName("");
  };
  return (
    <form class="settings-form" onSubmit={(e) => void make(e)}>
      <h2>New token</h2>
      <Field label="Name" value={name} required placeholder="promtail on web-1" onInput={(e) => setName(e.currentTarget.value)} />
      <Select label="Role" value={role} options={ROLES} onChange={setRole} />
      <Select label="Project" value={project} options={[["", "All projects"], ...projects.map((p): [string, string] => [String(p.id), p.name || p.slug])]} onChange={setProject} />
      <Select label="Lasts" value={days} options={LASTING} onChange={setDays} />
      <Button type="submit" kind="primary">
        Make the token
      </Button>
      {secret && (
        <div class="stack settings-wide" role="status">
          <p class="strong">Copy it now. It is not shown again.</p>
          <CodeBlock text={secret} label="the token" />
        </div>
      )}
    </form>
  );
}
