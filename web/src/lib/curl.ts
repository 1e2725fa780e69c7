// A request as a curl command to paste into a shell. Whoever sent the event chose every word of it, so each is one
// quoted argument that neither the shell nor curl takes for anything else: no option, no `@file`.
const NOT_SENT = /^(host|content-length|cookie|authorization)$/i;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/; // of RFC 9110: what a method or a header's name may be

const quote = (text: string) => `'${text.replaceAll("\0", "").replaceAll("'", "'\\''")}'`;

export interface SentRequest {
  method: string;
  url: string;
  query: string;
  headers: readonly (readonly [string, string, ...unknown[]])[];
  body: string;
}
export function curlOf(r: SentRequest): string {
  const parts = ["curl"];
  if (TOKEN.test(r.method)) parts[0] += ` -X ${quote(r.method)}`;
  for (const [name, value] of r.headers) if (TOKEN.test(name) && !NOT_SENT.test(name)) parts.push(`-H ${quote(`${name}: ${value.replaceAll(/[\r\n]+/g, " ")}`)}`);
  if (r.body) parts.push(`--data-raw ${quote(r.body)}`);
  parts.push(`--url ${quote(r.url + (r.query ? `?${r.query}` : ""))}`);
  return parts.join(" \\\n  ");
}
