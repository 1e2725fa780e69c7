// Live tail: rows over a WebSocket as they become durable. Rows are handed on in batches, a few times a second; what
// the server could not send (`dropped`) is counted and shown. A lost connection is tried again with growing pauses.
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
  state: TailState;
  clear(): void;
}
/** The server ends a tail whose session is over; trying again is of no use. */
const CREDENTIAL_GONE = 1008;
const KEPT = 5000;
const BATCH_MS = 250;
const PAUSES_MS = [1000, 2000, 5000, 10_000];

/** New rows (oldest first, as they arrive) in front of the old ones, at most `kept` in all. */
export function withNew(rows: readonly Row[], arrived: readonly Row[], kept = KEPT): Row[] {
  return [...[...arrived].reverse(), ...rows].slice(0, kept);
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

/** Listens while `on`; while `held`, rows are collected but not shown, so that what one reads does not move away. */
export function useTail(table: Table, filters: Query, on: boolean, held: boolean): Tail {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [waiting, setWaiting] = useState(0);
  const [dropped, setDropped] = useState(0);
  const [state, setState] = useState<TailState>("connecting");
  const arrived = useRef<Row[]>([]);
  const isHeld = useRef(held);
  isHeld.current = held;
  const url = apiUrl("tail", { ...filters, table });

  useEffect(() => {
    if (!on) return;
    let socket: WebSocket | null = null;
    let failures = 0;
    let retry = 0;
    arrived.current = [];
    setRows([]);
    setDropped(0);
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
        arrived.current = [...arrived.current, ...frame.rows].slice(-KEPT);
        if (frame.dropped > 0) setDropped((n) => n + frame.dropped);
      };
      socket.onclose = (e) => {
        if (e.code === CREDENTIAL_GONE) return setState("ended");
        setState("lost");
        retry = window.setTimeout(open, PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]);
      };
    };
    open();
    const timer = setInterval(() => {
      if (isHeld.current) return setWaiting(arrived.current.length);
      if (arrived.current.length === 0) return;
      const batch = arrived.current;
      arrived.current = [];
      setWaiting(0);
      setRows((old) => withNew(old, batch));
    }, BATCH_MS);
    return () => {
      clearInterval(timer);
      clearTimeout(retry);
      if (socket) socket.onclose = null;
      socket?.close();
    };
  }, [url, on]);
  return { rows, waiting, dropped, state, clear: () => setRows([]) };
}
