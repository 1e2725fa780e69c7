// Lines pushed as a shipper does, with a token made for it.

/** Answers `push(labels, lines)`: lines are `[nanoseconds, text]`; resolves once the server has them. */
export async function shipper(page, origin) {
  const made = await page.request.post("/api/telltale/v1/tokens", { data: { name: `shipper ${Date.now()}`, role: "ingest", project: 1 }, headers: { "X-Telltale": "1", Origin: origin } });
  if (!made.ok()) throw new Error(`a token: ${made.status()} ${await made.text()}`);
  const { secret } = await made.json();
  return async (labels, lines) => {
    const body = JSON.stringify({ streams: [{ stream: labels, values: lines }] });
    const answer = await fetch(`${origin}/loki/api/v1/push`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}` }, body });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`pushing: ${answer.status}`);
  };
}
/** Now, in nanoseconds, as Loki's protocol writes it. */
export const nowNs = (plus = 0) => String(BigInt(Date.now()) * 1_000_000n + BigInt(plus));
