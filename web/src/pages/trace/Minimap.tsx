// The whole trace in a strip: every span a line in its service's colour, errors as ticks. Drag chooses the window the
// waterfall shows; a double click shows all again.
import { useEffect, useRef, useState } from "preact/hooks";
import { paint, themeTurn } from "../../kit/chart/theme";
import { duration } from "../../lib/format";
import { useStore } from "../../lib/store";
import { errorAt, type Trace } from "../../lib/trace";
import type { Window } from "./Waterfall";

const HEIGHT = 52;

export function Minimap(p: { trace: Trace; colors: ReadonlyMap<string, string>; window: Window; onWindow: (w: Window) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useStore(themeTurn);
  const [width, setWidth] = useState(0);
  const [drag, setDrag] = useState<Window | null>(null);
  const whole = Math.max(p.trace.duration, 1e-6);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && width > 0) drawMap(canvas.current, width, p.trace, p.colors);
  }, [width, p.trace, p.colors, theme]);

  const at = (e: PointerEvent) => {
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * whole;
  };
  const shown = drag ? ([Math.min(...drag), Math.max(...drag)] as const) : p.window;
  const share = (ms: number) => `${(ms / whole) * 100}%`;
  const zoomed = shown[0] > 0 || shown[1] < whole;
  return (
    <div
      class="minimap"
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        setDrag([at(e), at(e)]);
      }}
      onPointerMove={(e) => drag && setDrag([drag[0], at(e)])}
      onPointerUp={() => {
        if (drag && shown[1] - shown[0] > whole * 0.002) p.onWindow(shown);
        setDrag(null);
      }}
      onDblClick={() => p.onWindow([0, whole])}
    >
      <canvas ref={canvas} role="img" aria-label={`All of the trace, ${duration(p.trace.duration)}; shown from ${duration(shown[0])} to ${duration(shown[1])}`} />
      {zoomed && <i class="minimap-off" style={{ left: 0, width: share(shown[0]) }} />}
      {zoomed && <i class="minimap-off" style={{ right: 0, width: share(whole - shown[1]) }} />}
    </div>
  );
}

function drawMap(canvas: HTMLCanvasElement, width: number, trace: Trace, colors: ReadonlyMap<string, string>): void {
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  const g = canvas.getContext("2d");
  if (!g) return;
  g.scale(ratio, ratio);
  const { nodes, duration: whole } = trace;
  const step = (HEIGHT - 6) / Math.max(nodes.length, 1);
  const thick = Math.max(1, Math.min(4, step * 0.75));
  nodes.forEach((n, i) => {
    g.fillStyle = paint(n.failed ? "--bad" : (colors.get(n.service) ?? "--data-8"));
    g.fillRect((n.start / whole) * width, 2 + i * step, Math.max(1, ((n.end - n.start) / whole) * width), thick);
  });
  g.fillStyle = paint("--bad");
  for (const n of nodes) for (const e of n.errors) g.fillRect((errorAt(n, e) / whole) * width - 1, HEIGHT - 5, 2, 5);
}
