import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Ago, Badge, Button, Dialog, Field, Loaded, Menu, Select } from "../../kit";
import { del, get, post, put } from "../../lib/api";
import type { Role, User } from "../../lib/types";
import { SHORTEST_PASSWORD } from "../setup/limits";
import { runChange } from "./use-change";

const ROLES: [Role, string][] = [
  ["viewer", "viewer: reads"],
  ["editor", "editor: reads, changes issues"],
  ["admin", "admin: everything"],
];

export function Users() {
  const users = useQuery({
    queryKey: ["users"],
    queryFn: async ({ signal }) => (await get<{ users: User[] }>("users", {}, signal)).users,
  });
  const [removing, setRemoving] = useState<User | null>(null);
  return (
    <>
      <p class="muted">People who sign in. Whoever is switched off is signed out at once.</p>
      <Loaded result={users}>
        {(list) => (
          <ul class="plain-list">
            {list.map((u) => (
              <UserRow key={u.id} user={u} onRemove={() => setRemoving(u)} />
            ))}
          </ul>
        )}
      </Loaded>
      <NewUser />
      <Dialog title={`Remove ${removing?.name || removing?.email || ""}?`} open={removing !== null} onClose={() => setRemoving(null)}>
        <p>The account and its sessions are removed. This cannot be taken back; switching the account off can.</p>
        <div class="dialog-actions">
          <Button onClick={() => setRemoving(null)}>Keep the account</Button>
          <Button
            kind="danger"
            onClick={() => {
              const user = removing!;
              setRemoving(null);
              void runChange(() => del(`users/${user.id}`), `${user.email} was removed.`, ["users"]);
            }}
          >
            Remove
          </Button>
        </div>
      </Dialog>
    </>
  );
}

function UserRow({ user: u, onRemove }: { user: User; onRemove: () => void }) {
  const me = useSession().data?.user?.id === u.id;
  const change = (body: Partial<Pick<User, "role" | "disabled">>, done: string) => {
    const before = body.role ? { role: u.role } : { disabled: u.disabled };
    void runChange(() => put(`users/${u.id}`, body), done, ["users"], () => void runChange(() => put(`users/${u.id}`, before), "Taken back.", ["users"]));
  };
  return (
    <li class="row row-wrap">
      <span class="grow clip">
        <span class="strong">{u.name || u.email}</span> <span class="faint">{u.name && u.email}</span>
      </span>
      {me && <Badge tone="accent">you</Badge>}
      {u.disabled && <Badge>off</Badge>}
      <Badge tone={u.role === "admin" ? "warn" : "neutral"}>{u.role}</Badge>
      <span class="faint">signed in {u.last_login ? <Ago time={u.last_login} suffix /> : "never"}</span>
      {!me && (
        <Menu
          label={`Change ${u.email}`}
          icon="more"
          items={[
            ...ROLES.map(([role]) => ({ label: `Role: ${role}`, checked: role === u.role, run: () => change({ role }, `${u.email} is ${role} now.`) })),
            u.disabled
              ? { label: "Switch on", run: () => change({ disabled: false }, `${u.email} may sign in again.`) }
              : { label: "Switch off", run: () => change({ disabled: true }, `${u.email} may not sign in.`) },
            { label: "Remove", danger: true, run: onRemove },
          ]}
        />
      )}
    </li>
  );
}

function NewUser() {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<string>("viewer");
  const [password, setPassword] = useState("");
  const make = async (e: Event) => {
    e.preventDefault();
    if (await runChange(() => post("users", { email, name, role, password }), `${email} may sign in.`, ["users"])) {
      setEmail("");
      setName("");
      setPassword("");
    }
  };
  return (
    <form class="settings-form" onSubmit={(e) => void make(e)}>
      <h2>New user</h2>
      <Field label="E-mail" type="email" value={email} required onInput={(e) => setEmail(e.currentTarget.value)} />
      <Field label="Name" value={name} required onInput={(e) => setName(e.currentTarget.value)} />
      <Select label="Role" value={role} options={ROLES} onChange={setRole} />
      <Field
        label="First password"
        type="password"
        autocomplete="new-password"
        required
        minLength={SHORTEST_PASSWORD}
        value={password}
        hint={`At least ${SHORTEST_PASSWORD} characters. Tell it in person; it is changed under Your account.`}
        onInput={(e) => setPassword(e.currentTarget.value)}
      />
      <Button type="submit" kind="primary">
        Make the account
      </Button>
    </form>
  );
}
