// What was asked of the server before the page's code was there. An answer is for whoever asks for exactly the same
// first, and for nobody once the page is some seconds old.

/** The moment this visit began: relative ranges end here until the first refresh. */
export const openedAt = Date.now();
const FRESH_MS = 5000;
const waiting = new Map<string, Promise<Response>>();
/** What the page asked for itself, where its code was there first. */
const asked = new Set<string>();

/** Whether the server said in the page who is signed in: then data may be asked for at once. */
export const toldSession = document.querySelector<HTMLMetaElement>('meta[name="session"]')?.content ?? null;

export function startEarly(url: string): void {
  if (asked.has(url)) return;
  const answer = fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  answer.catch(() => {}); // whoever takes it sees the failure
  waiting.set(url, answer);
}

export function takeEarly(url: string): Promise<Response> | undefined {
  const found = waiting.get(url);
  waiting.delete(url);
  if (Date.now() - openedAt >= FRESH_MS) return undefined;
  if (!found) asked.add(url);
  return found;
}
/** Answers that nobody took: each is a request for nothing. */
export const leftOver = () => [...waiting.keys()];
