// The whole: keys, session, frame, and the page the address names.
import { Suspense } from "preact/compat";
import { useEffect } from "preact/hooks";
import { Route, Switch, useLocation } from "wouter";
import { Skeleton, ErrorNotice, EmptyState } from "../kit/Notice";
import { Toasts, undoLast } from "../kit/Toasts";
import { ValueMenuHost } from "../kit/ValueMenu";
import { useKeys } from "../lib/keys";
import { CommandPalette } from "./CommandPalette";
import { Fence } from "./Fence";
import { Frame } from "./Frame";
import { Link } from "./Link";
import { navPath, ROUTES, routePattern } from "./routes";
import { toSignIn, useSession, wasSignedIn } from "./session";

export function App() {
  const [path] = useLocation();
  const pattern = routePattern(path);
  const current = ROUTES.find((r) => navPath(r) === pattern);
  useEffect(() => {
    document.title = current ? `${current.title} · Telltale` : "Telltale";
  }, [current]);
  useKeys([{ keys: "z", label: "Undo the last change", group: "List", run: () => void undoLast() }]);
  return (
    <>
      {current?.bare ? (
        <Page />
      ) : (
        <WithSession>
          <Frame pattern={pattern}>
            <Page />
          </Frame>
          <CommandPalette />
        </WithSession>
      )}
      <ValueMenuHost />
      <Toasts />
    </>
  );
}

function WithSession({ children }: { children: preact.ComponentChildren }) {
  const session = useSession();
  const out = session.data?.user === null;
  useEffect(() => {
    if (out) toSignIn();
  }, [out]);
  if (session.error && !session.data) {
    return (
      <main class="page page-narrow">
        <ErrorNotice error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  if (out || (!session.data && !wasSignedIn())) return <div class="page" aria-busy="true" />;
  return <>{children}</>;
}

function Page() {
  return (
    <Suspense
      fallback={
        <div class="page">
          <Skeleton lines={8} />
        </div>
      }
    >
      <Switch>
        {ROUTES.map((r) => (
          <Route key={r.path} path={r.path}>
            <Fence>
              <r.page />
            </Fence>
          </Route>
        ))}
        <Route>
          <div class="page">
            <EmptyState icon="search" title="There is no page at this address." action={<Link to="/">Go to the overview</Link>} />
          </div>
        </Route>
      </Switch>
    </Suspense>
  );
}
