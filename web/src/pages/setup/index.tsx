// First-run set-up: the printed link carries a one-time token after `#`, which no server log ever sees. Whoever holds
// it makes the first administrator.
import { useState } from "preact/hooks";
import { advice, request } from "../../lib/api";
import { BareForm } from "../../app/BareForm";
import { Link } from "../../app/Link";
import { signedIn, useSession } from "../../app/session";
import { Button, Field } from "../../kit";
import { SHORTEST_PASSWORD } from "./limits";



export default function Setup() {
  const [token, setToken] = useState(() => location.hash.slice(1));
  const [fromLink] = useState(token !== "");
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const short = password.length > 0 && password.length < SHORTEST_PASSWORD;

  const session = useSession().data;
  const done = session !== undefined && !session.setup_needed;

  const submit = async (e: Event) => {
    e.preventDefault();
    if (short) return;
    setBusy(true);
    setError(null);
    try {
      await request("auth/setup", { method: "POST", body: { setup_token: token.trim(), email, name, password }, quiet401: true });
      history.replaceState(null, "", location.pathname); // the token is spent: out of the address and of Back
      signedIn("/");
    } catch (problem) {
      setError(`${(problem as Error).message} ${advice(problem)}`);
    } finally {
      setBusy(false);
    }
  };
  if (done) {
    return (
      <BareForm title="This server is set up" onSubmit={(e) => e.preventDefault()} lead="Its set-up link has been used. Further accounts are made by an administrator.">
        <Link to="/sign-in" class="btn btn-primary">
          Sign in
        </Link>
      </BareForm>
    );
  }
  return (
    <BareForm title="Set up Telltale" lead="Make the first account. It administers this server and can invite others." onSubmit={submit}>
      {!fromLink && (
        <Field label="Set-up token" required value={token} hint="The part after # of the link that the server printed." onInput={(e) => setToken(e.currentTarget.value)} />
      )}
      <Field label="Your name" name="name" autocomplete="name" required autofocus value={name} onInput={(e) => setName(e.currentTarget.value)} />
      <Field label="E-mail" type="email" name="email" autocomplete="username" required value={email} onInput={(e) => setEmail(e.currentTarget.value)} />
      <Field
        label="Password"
        type="password"
        name="password"
        autocomplete="new-password"
        required
        value={password}
        hint={`At least ${SHORTEST_PASSWORD} characters. A few words in a row are good and easy to remember.`}
        error={short ? `${SHORTEST_PASSWORD - password.length} more characters are needed.` : null}
        onInput={(e) => setPassword(e.currentTarget.value)}
      />
      {error && (
        <p class="tone-bad" role="alert">
          {error}
        </p>
      )}
      <Button kind="primary" type="submit" disabled={busy || short}>
        {busy ? "Setting up…" : "Create the account"}
      </Button>
    </BareForm>
  );
}
