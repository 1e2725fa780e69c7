import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { signOut, useSession } from "../../app/session";
import { Ago, Badge, Button, Field, Loaded } from "../../kit";
import { del, get, post } from "../../lib/api";
import type { SessionRow } from "../../lib/types";
import { SHORTEST_PASSWORD } from "../setup/limits";
import { runChange } from "./use-change";

export function Account() {
  const user = useSession().data?.user;
  return (
    <>
      <p class="muted">
        {user?.name && <span class="strong">{user.name}</span>} {user?.email} <Badge>{user?.role}</Badge>
      </p>
      <Sessions />
      <Password />
    </>
  );
}

function Sessions() {
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: async ({ signal }) => (await get<{ sessions: SessionRow[] }>("auth/sessions", {}, signal)).sessions,
  });
  return (
    <section class="stack" aria-label="Sessions">
      <header class="row">
        <h2 class="grow">Where you are signed in</h2>
        <Button small kind="quiet" onClick={() => void signOut()}>
          Sign out here
        </Button>
        <Button small onClick={() => void signOut(true)}>
          Sign out everywhere
        </Button>
      </header>
      <Loaded result={sessions}>
        {(list) => (
          <ul class="plain-list">
            {list.map((s) => (
              <li key={s.id} class="row row-wrap">
                <span class="grow clip" title={s.user_agent}>
                  {browserName(s.user_agent)} <span class="faint">{s.address}</span>
                </span>
                {s.current && <Badge tone="accent">this browser</Badge>}
                <span class="faint">
                  seen <Ago time={s.last_seen} suffix />
                </span>
                {!s.current && (
                  <Button small kind="quiet" onClick={() => void runChange(() => del(`auth/sessions/${s.id}`), "Signed out there.", ["sessions"])}>
                    Sign out
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

/** "Firefox on Linux" out of a browser's long name of itself; anything else as it is. */
export function browserName(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari|curl)\//.exec(agent)?.[1] ?? (agent.includes("Safari") ? "Safari" : null);
  if (!browser) return agent || "Unknown program";
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1];
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return system ? `${name} on ${system.replace("Mac OS X", "macOS")}` : name;
}

function Password() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = async (e: Event) => {
    e.preventDefault();
    const done = await runChange(() => post("auth/password", { current, new: next }), "Password changed. Your other sessions ended.", ["sessions"]);
    if (done) {
      setCurrent("");
      setNext("");
    }
  };
  return (
    <form class="settings-form" onSubmit={(e) => void change(e)}>
      <h2>Change the password</h2>
      <Field label="Present password" type="password" autocomplete="current-password" required value={current} onInput={(e) => setCurrent(e.currentTarget.value)} />
      <Field
        label="New password"
        type="password"
        autocomplete="new-password"
        required
        minLength={SHORTEST_PASSWORD}
        value={next}
        hint={`At least ${SHORTEST_PASSWORD} characters. Other sessions end.`}
        onInput={(e) => setNext(e.currentTarget.value)}
      />
      <Button type="submit" kind="primary">
        Change it
      </Button>
    </form>
  );
}
