// Live tail: rows over a WebSocket as they become durable. They go into a ring that keeps the newest, and are handed on
// a few times a second, however many arrive; what the server could not send (`dropped`) is counted and shown. A lost
// connection is tried again with growing pauses.
import { useEffect, useRef, useState } from "preact/hooks";
import { apiUrl, type Query } from "./api";
import type { Row, Table } from "./types";

export type TailState = "connecting" | "open" | "lost" | "ended";
export interface Tail {
  /** Newest first. */
  rows: readonly Row[];
  /** Rows that arrived while the list is held. */
  waiting: number;
  dropped: number;
  /** Rows a second, over the last seconds. */
  rate: number;
  state: TailState;
}
/** The server ends a tail whose session is over; trying again is of no use. */
const CREDENTIAL_GONE = 1008;
const KEPT = 5000;
const BATCH_MS = 250;
const PAUSES_MS = [1000, 2000, 5000, 10_000];

/** The newest rows of what was pushed, in a ring: pushing costs nothing that grows with what is kept. */
export class TailRing {
  private readonly ring: Row[] = [];
  private next = 0;
  /** Pushed since the last `count()`. */
  private pushed = 0;
  constructor(private readonly kept = KEPT) {}

  push(rows: readonly Row[]): void {
    for (const row of rows) {
      this.ring[this.next] = row;
      this.next = (this.next + 1) % this.kept;
    }
    this.pushed += rows.length;
  }
  /** All that is kept, newest first. */
  newest(): Row[] {
    const out = new Array<Row>(this.ring.length);
    for (let i = 0; i < out.length; i++) out[i] = this.ring[(this.next - 1 - i + this.kept) % this.kept]!;
    return out;
  }
  count(): number {
    const n = this.pushed;
    this.pushed = 0;
    return n;
  }
}

export function readFrame(text: string): { rows: Row[]; dropped: number } | null {
  try {
    const frame = JSON.parse(text) as { rows?: unknown; dropped?: unknown };
    if (!Array.isArray(frame.rows)) return null;
    return { rows: frame.rows as Row[], dropped: typeof frame.dropped === "number" ? frame.dropped : 0 };
  } catch {
    return null;
  }
}

const socketUrl = (path: string) => `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;

const NOTHING = { rows: [] as readonly Row[], waiting: 0, dropped: 0, rate: 0 };
const RATE_TICKS = 8;

/** Listens while `on`; while `held`, rows are collected but not shown, so that what one reads does not move away. */
export function useTail(table: Table, filters: Query, on: boolean, held: boolean): Tail {
  const [shown, setShown] = useState(NOTHING);
  const [state, setState] = useState<TailState>("connecting");
  const isHeld = useRef(held);
  isHeld.current = held;
  const url = apiUrl("tail", { ...filters, table });

  useEffect(() => {
    if (!on) return;
    let socket: WebSocket | null = null;
    let failures = 0;
    let retry = 0;
    let dropped = 0;
    let waiting = 0;
    let unseen = false;
    const ring = new TailRing();
    const ticks: number[] = [];
    setShown(NOTHING);
    const open = () => {
      setState("connecting");
      socket = new WebSocket(socketUrl(url));
      socket.onopen = () => {
        failures = 0;
        setState("open");
      };
      socket.onmessage = (e) => {
        const frame = readFrame(String(e.data));
        if (!frame) return;
        ring.push(frame.rows);
        dropped += frame.dropped;
      };
      socket.onclose = (e) => {
        if (e.code === CREDENTIAL_GONE) return setState("ended");
        setState("lost");
        retry = window.setTimeout(open, PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]);
      };
    };
    open();
    const timer = setInterval(() => {
      const arrived = ring.count();
      ticks.push(arrived);
      if (ticks.length > RATE_TICKS) ticks.shift();
      const rate = Math.round((ticks.reduce((a, b) => a + b, 0) * 1000) / (ticks.length * BATCH_MS));
      waiting = isHeld.current ? waiting + arrived : 0;
      unseen ||= arrived > 0;
      const rows = isHeld.current || !unseen ? null : ring.newest();
      if (rows) unseen = false;
      setShown((old) => {
        const same = rows === null && old.waiting === waiting && old.dropped === dropped && old.rate === rate;
        return same ? old : { rows: rows ?? old.rows, waiting, dropped, rate };
      });
    }, BATCH_MS);
    return () => {
      clearInterval(timer);
      clearTimeout(retry);
      if (socket) socket.onclose = null;
      socket?.close();
    };
  }, [url, on]);
  return { ...shown, state };
}
