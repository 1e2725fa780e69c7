// Talks to the server: JSON in and out, the header that shows a change comes from this UI, errors as they are worded by
// the server. A 401 anywhere means that the session is over; whoever listens sends the person to sign in.
import { apiUrl, type Query } from "./address";
import { takeEarly } from "./head-start";

export { apiUrl, type Query, type QueryValue } from "./address";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly retryAfterS: number | null = null,
    readonly body: unknown = null,
  ) {
    super(message);
  }
}

let onSignedOut: () => void = () => {};
export const whenSignedOut = (listener: () => void) => {
  onSignedOut = listener;
};

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** The caller treats 401 itself. */
  quiet401?: boolean;
}

export async function request<T>(path: string, o: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...o.headers };
  const method = o.method ?? "GET";
  if (method !== "GET") headers["X-Telltale"] = "1";
  if (o.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  const url = apiUrl(path, o.query);
  const early = method === "GET" ? takeEarly(url) : undefined;
  try {
    response = await (early ??
      fetch(url, {
        method,
        headers,
        credentials: "same-origin",
        ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
        ...(o.signal ? { signal: o.signal } : {}),
      }));
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(0, "unreachable", "The server does not answer.");
  }
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const error = await readError(response);
  if (error.status === 401 && !o.quiet401) onSignedOut();
  throw error;
}

/** Our own errors are {"error": {kind, message}}; Prometheus' are {"errorType", "error"}. */
async function readError(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get("Retry-After") ?? NaN);
  const wait = Number.isFinite(retry) ? retry : null;
  const text = await response.text().catch(() => "");
  const body = readJson(text);
  const own = body?.["error"];
  if (own && typeof own === "object") {
    const { kind, message } = own as { kind?: string; message?: string };
    return new ApiError(response.status, kind ?? "error", message ?? response.statusText, wait, body);
  }
  if (typeof own === "string") return new ApiError(response.status, String(body?.["errorType"] ?? "error"), own, wait, body);
  // Loki's words come plain.
  if (body === null && text && text.length < 2000 && (response.headers.get("Content-Type") ?? "").startsWith("text/plain")) return new ApiError(response.status, "error", text.trim(), wait);
  return new ApiError(response.status, "error", `The server answered ${response.status} ${response.statusText}`.trim(), wait, body);
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return null;
  }
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  request<T>(path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) });
export const post = <T>(path: string, body?: unknown) => request<T>(path, { method: "POST", body });
export const put = <T>(path: string, body: unknown) => request<T>(path, { method: "PUT", body });
export const del = <T>(path: string) => request<T>(path, { method: "DELETE" });

/** What a person can do about an error; the message itself says what is wrong. */
export function advice(error: unknown): string {
  if (!(error instanceof ApiError)) return "This is a fault of this page. Reload it; if it stays, please report it.";
  if (error.status === 0) return "Check that the server runs and that you can reach it; this page tries again by itself.";
  if (error.status === 400 || error.status === 422) return "Change the query or the filters named above.";
  if (error.status === 401) return "Sign in again.";
  if (error.status === 403) return "Ask an administrator of this server for the role or the project.";
  if (error.status === 404) return "It may have been removed, or the data is older than what is kept.";
  if (error.status === 429) return `Too many attempts. Wait ${error.retryAfterS ?? 30} seconds.`;
  if (error.status === 503) return "The server is busy or still starting. It is tried again by itself.";
  return "Look into the server's own log for the time of this request.";
}
