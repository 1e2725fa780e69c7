// Who is signed in. A 401 from anywhere ends the session here and leads to the sign-in page, which leads back.
import { useQuery } from "@tanstack/react-query";
import { herePath, navigate } from "../lib/base";
import { ApiError, get, post, request, whenSignedOut } from "../lib/api";
import { openedAt, toldSession } from "../lib/head-start";
import { queryClient } from "../lib/query";
import type { Project, Session } from "../lib/types";

const KEY = ["session"];

export interface SignedOut {
  user: null;
  setup_needed: boolean;
}
export const useSession = () =>
  useQuery<Session | SignedOut>({
    queryKey: KEY,
    staleTime: 60_000,
    placeholderData: undefined,
    queryFn: async ({ signal }) => {
      try {
        const session = await request<Session>("auth/session", { signal, quiet401: true });
        mark(true);
        return session;
      } catch (e) {
        if (!(e instanceof ApiError) || e.status !== 401) throw e;
        mark(false);
        const body = e.body as { setup_needed?: boolean } | null;
        return { user: null, setup_needed: body?.setup_needed ?? false };
      }
    },
  });

/** The place to come back to after signing in; only a path of this UI. */
export function returnPath(next: string | null): string {
  if (!next || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/";
  return /^\/(sign-in|setup)\b/.test(next) ? "/" : next;
}

export function toSignIn(): void {
  if (/^\/(sign-in|setup)/.test(herePath())) return;
  const here = herePath() + location.search;
  navigate(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`, { replace: true });
}

/** Whether this browser was signed in when it was last here: then pages need not wait to be told so again. */
const MARK = "telltale.was-signed-in";
export function wasSignedIn(): boolean {
  try {
    return localStorage.getItem(MARK) === "1";
  } catch {
    return false;
  }
}
function mark(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    // Without storage every visit waits for the session.
  }
}

/** The page may say who is signed in: then nobody waits to be told. */
export function watchSession(): void {
  if (toldSession !== null) {
    queryClient.setQueryData<Session>(KEY, JSON.parse(toldSession) as Session, { updatedAt: openedAt });
    mark(true);
  }
  whenSignedOut(() => {
    mark(false);
    queryClient.setQueryData<SignedOut>(KEY, { user: null, setup_needed: false });
    toSignIn();
  });
}

/** After signing in or setting up: the answer is the session; everything else is asked anew. */
export function signedIn(next: string | null): void {
  queryClient.clear();
  navigate(returnPath(next), { replace: true });
}

export async function signOut(everywhere = false): Promise<void> {
  await post(everywhere ? "auth/logout-everywhere" : "auth/logout");
  mark(false);
  queryClient.clear();
  queryClient.setQueryData<SignedOut>(KEY, { user: null, setup_needed: false });
  navigate("/sign-in", { replace: true });
}

export const useProjects = () =>
  useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => get<{ projects: Project[] }>("projects", {}, signal),
    staleTime: 60_000,
    select: (answer) => answer.projects,
  });
