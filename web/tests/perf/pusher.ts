// The other end of a live tail, for measuring: pushes frames of lines at a rate, as text.
const FRAME = 500;
const LEVELS = ["info", "info", "info", "debug", "warning", "error"];
let sent = 0;

function frame(n: number): string {
  const now = Date.now();
  const rows = Array.from({ length: n }, () => {
    const i = sent++;
    return {
      time: new Date(now).toISOString(),
      message: i % 2 ? `GET /api/cart/${i} 200 in ${(i * 7) % 900} ms` : `{"message":"basket ${i} stored","items":${i % 9},"user":"u${i % 311}","level":"info"}`,
      level: LEVELS[i % LEVELS.length],
      project: 1,
      service: `service-${i % 7}`,
      trace_id: (i * 7919).toString(16).padStart(32, "0"),
      attributes: { "http.route": `/api/cart/${i % 50}`, status: 200, duration_ms: i % 900 },
    };
  });
  return JSON.stringify({ rows, dropped: 0 });
}

onmessage = (e: MessageEvent<{ rate: number }>) => {
  const began = performance.now();
  const push = () => {
    let due = ((performance.now() - began) / 1000) * e.data.rate - sent;
    for (; due >= FRAME; due -= FRAME) postMessage(frame(FRAME));
  };
  setInterval(push, 5);
};
