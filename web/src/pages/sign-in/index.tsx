// Signing in; leads back to where the session ended. A server that has no user yet is set up first.
import { useEffect, useState } from "preact/hooks";
import { ApiError, advice, request } from "../../lib/api";
import { signedIn, useSession } from "../../app/session";
import { BareForm } from "../../app/BareForm";
import { Button, Field } from "../../kit";
import { useParam } from "../../lib/url";

export default function SignIn() {
  const next = useParam("next");
  const session = useSession();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const already = session.data?.user != null;
  useEffect(() => {
    if (already) signedIn(next);
  }, [already]);

  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await request("auth/login", { method: "POST", body: { email, password }, quiet401: true });
      signedIn(next);
    } catch (problem) {
      setError(problem instanceof ApiError && problem.status === 401 ? "E-mail or password is wrong." : `${(problem as Error).message} ${advice(problem)}`);
      setPassword("");
    } finally {
      setBusy(false);
    }
  };
  const fresh = session.data?.user === null && session.data.setup_needed;
  return (
    <BareForm title="Sign in" onSubmit={submit}>
      {fresh && (
        <p class="hint">
          This server has no user yet. Open the set-up link it printed when it started, or print a new one with <code>telltale setup-link</code>.
        </p>
      )}
      <Field label="E-mail" type="email" name="email" autocomplete="username" required autofocus value={email} onInput={(e) => setEmail(e.currentTarget.value)} />
      <Field
        label="Password"
        type="password"
        name="password"
        autocomplete="current-password"
        required
        value={password}
        error={error}
        onInput={(e) => setPassword(e.currentTarget.value)}
      />
      <Button kind="primary" type="submit" disabled={busy}>
        {busy ? "Signing in…" : "Sign in"}
      </Button>
    </BareForm>
  );
}
